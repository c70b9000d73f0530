#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "agent/swarm/program.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// A leidang-hub of its own on loopback, which comes back on the same ports after it was killed.
// Blocks, not on `loop`; thread-compatible.
class HubUnderTest {
 public:
  // Everything of the hub lies below `directory`. `loop` must outlive it.
  HubUnderTest(EventLoop& loop, std::string program, std::string directory);

  // Until it listens; says how long that took. kUnavailable, naming its log, when it does not.
  absl::StatusOr<absl::Duration> Start();
  void Kill() { program_.Kill(); }

  std::string agents() const;  // "127.0.0.1:port"
  std::string users() const;
  absl::StatusOr<std::string> authority_pem() const;
  absl::StatusOr<std::string> admin_token() const;
  ProcessUsage usage() const { return UsageOf(program_.pid()); }
  double disk_mb() const { return DiskMb(directory_ + "/data/store"); }

 private:
  absl::Status ReadPorts();

  EventLoop& loop_;
  const std::string path_;
  const std::string directory_;
  int agents_port_ = 0;
  int users_port_ = 0;
  Program program_;
};

}  // namespace leidang::agent
