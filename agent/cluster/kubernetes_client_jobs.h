#pragma once

// What the source files of KubernetesClient share.

#include <map>
#include <memory>
#include <vector>

#include "absl/time/time.h"

#include "agent/cluster/api_resources.h"
#include "agent/cluster/kubernetes_client.h"

namespace leidang::agent {

struct KubernetesClient::ReadJob {
  Selection selection;
  ReadDone done;
  std::map<object::ObjectKey, LiveObject> found;
  std::vector<object::ObjectKey> missing;
  size_t waiting = 0;
  absl::Status failure;
  absl::Status broken;  // Why some kind is.
  bool some_current = false;
};

struct KubernetesClient::ApplyJob {
  ApplyRequest request;
  ApplyDone done;
  ApiResource resource;  // In the version of the manifest.
  absl::Duration began;
};

// Drops the callback when the client is gone.
template <typename Function>
auto KubernetesClient::Alive(Function function) {
  return [alive = alive_, function = std::move(function)](auto&&... arguments) {
    if (*alive) function(std::forward<decltype(arguments)>(arguments)...);
  };
}

}  // namespace leidang::agent
