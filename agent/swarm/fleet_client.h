#pragma once

// FleetClient: what the load tool asks of a hub's user port: clusters in bulk, joins in bulk,
// objects, and what the hub knows of its clusters.
//
// Blocks; the calls of one batch run side by side, at most kAtOnce. Thread-compatible, and never to
// be called on the loop that it was given.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"

#include "agent/swarm/swarm_agent.h"
#include "common/time/event_loop.h"
#include "leidang/v1/enrolment.grpc.pb.h"
#include "leidang/v1/fleet.grpc.pb.h"

namespace leidang::agent {

class FleetClient {
 public:
  static constexpr size_t kAtOnce = 512;

  // `hub` is "host:port" of the user port. `loop` must outlive it.
  FleetClient(EventLoop& loop, const std::string& hub, std::string authority_pem,
              std::string token);
  ~FleetClient();

  // Clusters with names of their own: their join tokens, in the same order.
  absl::StatusOr<std::vector<std::string>> Register(const std::vector<std::string>& names);
  // Spends the tokens: an agent's identity for each, in the same order.
  absl::StatusOr<std::vector<SwarmIdentity>> Join(const std::vector<std::string>& tokens);
  absl::Status Apply(const std::string& manifest_json);
  // Asks the hub to look at Git now.
  absl::Status Refresh();

  // One page of Applications. Gives how many the hub counts on all pages.
  absl::StatusOr<uint64_t> ListApplications(v1::ListRequest request);

  // What the hub knows of all its clusters.
  struct Census {
    size_t connected = 0;
    size_t acknowledged = 0;  // All of their log.
    size_t received = 0;      // Proven: equal digests of intent.
    size_t in_sync = 0;       // Proven: equal digests of what is applied, too.
    uint64_t applications = 0;
  };
  absl::StatusOr<Census> Count();

 private:
  // Runs `start` for 0 to count - 1, kAtOnce at a time, until all have said how they ended; the
  // first error ends it.
  using Ended = std::function<void(absl::Status)>;
  absl::Status All(size_t count, const std::function<void(size_t index, Ended ended)>& start);
  void Prepare(grpc::ClientContext* context) const;

  EventLoop& loop_;
  const std::string authority_pem_;
  const std::string token_;
  std::unique_ptr<v1::Fleet::Stub> fleet_;
  std::unique_ptr<v1::Enrolment::Stub> enrolment_;
};

}  // namespace leidang::agent
