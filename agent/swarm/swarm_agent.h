#pragma once

// SwarmAgent: an agent without a cluster: the link, the transport and the rules of the state as
// they are shipped, receipts in memory, and every assignment counted as applied as soon as it is
// durable. No thread, no file and no child of its own, so that thousands live on one loop.
//
// Loop-bound, construction included; everything it is given must outlive it.

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/time/time.h"

#include "agent/link/grpc/grpc_transport.h"
#include "agent/link/link.h"
#include "agent/state/memory_state.h"
#include "common/intent/intent.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// Who an agent is: what joining gave it.
struct SwarmIdentity {
  intent::ClusterId cluster;
  Identity certificate;
};

class SwarmAgent final : private StateObserver {
 public:
  // Applying what came takes it a random time up to `apply_max`.
  SwarmAgent(EventLoop& loop, Random& random, SwarmIdentity identity, const std::string& hub,
             absl::Duration apply_max);
  ~SwarmAgent() override;

  void Start(absl::Duration delay);

  bool live() const { return live_; }
  absl::Duration live_at() const { return live_at_; }  // Monotonic; of the newest session.
  uint64_t attempts() const { return attempts_; }
  std::string last_error() const { return link_.Snapshot().last_error; }

  // Entries that changed durably since Mark, and when the last did (monotonic).
  void Mark() { changes_ = 0; }
  uint64_t changes() const { return changes_; }
  absl::Duration changed_at() const { return changed_at_; }
  // Puts and tombstones that came over the link since the beginning, whether or not they changed
  // anything.
  uint64_t received() const { return transport_.received; }
  // Monotonic: when it last acknowledged changes, and when statuses of it were last taken.
  absl::Duration acked_at() const { return transport_.acked_at; }
  absl::Duration statuses_taken_at() const { return transport_.statuses_taken_at; }

  size_t entries() const { return disk_.tables().entries.size(); }
  // All that came is applied and reported; the hub says later that it has taken it in.
  bool settled() const { return dirty_.empty() && link_.reported(); }
  bool acknowledged() const { return dirty_.empty() && state_.statuses_waiting() == 0; }
  // Every live entry gets a new status. Returns how many there are.
  size_t ReportAnew(uint64_t edition);

 private:
  // The shipped transport, with what comes in counted.
  struct CountingTransport final : Transport {
    class Counter;

    CountingTransport(EventLoop& loop, Identity identity);
    std::unique_ptr<Stream> Open(const HubAddress& hub, StreamObserver* observer) override;

    const Clock& clock;
    GrpcTransport inner;
    uint64_t received = 0;
    absl::Duration acked_at;
    absl::Duration statuses_taken_at;
  };

  void OnEntryChanged(const EntryRef& entry) override;
  void OnOperationChanged(const OperationId& id) override;
  void OnStatusWaiting() override {}
  void Apply();
  intent::EntryStatus StatusOf(const EntryHead& head) const;

  EventLoop& loop_;
  Random& random_;
  const absl::Duration apply_max_;
  MemoryDisk disk_;
  MemoryState state_;
  CountingTransport transport_;
  Link link_;
  std::set<EntryRef> dirty_;
  bool live_ = false;
  uint64_t attempts_ = 0;
  uint64_t changes_ = 0;
  absl::Duration changed_at_;
  absl::Duration live_at_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::agent
