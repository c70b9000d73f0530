#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"

#include "agent/cluster/cluster_client.h"
#include "agent/options.h"
#include "common/log/log.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// Target: the client of the cluster that the options name, with the threads that it needs.
//
// Loop-bound, on the loop that it was given. Destroying it waits for its threads.
class Target {
 public:
  virtual ~Target() = default;

  // kInvalidArgument, kNotFound or kUnimplemented, saying which option to change, if the options
  // name none that can be used. Whether it answers shows later. `loop` and `log` must outlive it.
  static absl::StatusOr<std::unique_ptr<Target>> Open(EventLoop& loop, Log& log,
                                                      const AgentOptions& options);

  virtual ClusterClient& client() = 0;
  // Once it is known which kinds the cluster has. Asked once.
  virtual void WhenReady(std::function<void()> ready) = 0;
};

}  // namespace leidang::agent
