#pragma once

// ApiResources: the kinds that an API server serves, read from its aggregated discovery documents.
// Value type.

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/manifest/manifest.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

struct ApiResource {
  std::string group;
  std::string version;
  std::string kind;
  std::string plural;
  manifest::Scope scope = manifest::Scope::kNamespaced;
  enum class Listing : uint8_t { kNo, kYes } listing = Listing::kNo;  // Lists and watches.

  std::string ApiVersion() const;
  // "deployments.apps", "secrets": as people name a kind.
  std::string Name() const;
  // "/apis/apps/v1/namespaces/shop/deployments"; an empty `ns` is all of them.
  std::string CollectionPath(absl::string_view ns) const;
  std::string ObjectPath(const object::ObjectKey& key) const;
};

class ApiResources {
 public:
  // The accept header that asks for such documents.
  static constexpr char kAccept[] =
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
      "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

  // Adds what a document (of /api or /apis) says. kFailedPrecondition if it is of another form:
  // servers before Kubernetes 1.27.
  absl::Status Add(const object::Value& document);

  // The version that is asked for, if it is served; else the one that the server prefers. nullptr
  // for a kind that is not served.
  const ApiResource* Find(absl::string_view group, absl::string_view kind,
                          absl::string_view version = "") const;

  // Groups with a version whose own server could not be asked, so that some of their kinds may be
  // missing here.
  const std::set<std::string>& incomplete() const { return incomplete_; }

  // One version of each kind that can be listed and watched.
  std::vector<ApiResource> Listed() const;

 private:
  // The preferred version first.
  std::map<std::pair<std::string, std::string>, std::vector<ApiResource>> kinds_;
  std::set<std::string> incomplete_;
};

}  // namespace leidang::agent
