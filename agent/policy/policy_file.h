#pragma once

// PolicyFile: the policy in a file of the cluster's owner, read again when the file changes.
//
// A change that cannot be read leaves the policy as it was, with an error in the log: a
// half-written file must neither open a cluster nor stop it. A file that is removed leaves it too.
//
// Loop-bound.

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "agent/policy/cluster_policy.h"
#include "common/log/log.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

class PolicyFile {
 public:
  using Changed = std::function<void(const ClusterPolicy&)>;

  static constexpr absl::Duration kInterval = absl::Seconds(5);
  static constexpr size_t kBytesMax = 1u << 20;

  // `loop` and `log` must outlive it.
  PolicyFile(EventLoop& loop, Log& log, std::string path);
  ~PolicyFile();

  // Reads it for the first time. kNotFound, kResourceExhausted (larger than kBytesMax) or
  // kInvalidArgument with the place: an agent that cannot know its limits must not begin.
  absl::StatusOr<ClusterPolicy> Read();

  // Looks every kInterval from now on, and tells of policies that differ from the last one read.
  void Follow(Changed changed);

 private:
  void Look();

  EventLoop& loop_;
  Log& log_;
  const std::string path_;
  Changed changed_;
  std::string text_;    // Of the last good one.
  std::string failed_;  // The last error, which is told once.
  EventLoop::TimerId timer_ = 0;
};

}  // namespace leidang::agent
