#pragma once

#include <functional>

#include "absl/status/status.h"

#include "common/metrics/metrics.h"
#include "hub/http/https_server.h"

namespace leidang::hub {

// What machines that look after the hub ask for:
//
//   /metrics   Prometheus text.
//   /healthz   200 while the process works; else it should be started again.
//   /readyz    200 while agents and people are served and writes are taken; else 503 and why.
struct StatusPages {
  const Metrics& metrics;
  std::function<absl::Status()> health;
  std::function<absl::Status()> ready;
};

HttpResponse ServeStatus(const StatusPages& pages, const HttpRequest& request);

}  // namespace leidang::hub
