#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "common/time/event_loop.h"
#include "hub/session/session_table.h"
#include "hub/store/store.h"

namespace leidang::hub {

// Carries what sessions know about clusters from the session loop to the control loop, a few times
// a second, so that neither waits for the other. What View gives is at most that old; what time
// alone changes, such as the verdict on an agent that falls silent, is at most kSweepEvery old. The
// store's index is told in the same step which clusters have a live session, so that counts and
// lists say what View does.
class SessionBoard {
 public:
  static constexpr absl::Duration kSweepEvery = absl::Seconds(5);

  // Start runs on the session loop, View on the control loop. All must outlive it, and the session
  // loop must be stopped before it goes.
  SessionBoard(EventLoop& session_loop, EventLoop& control_loop, SessionTable& table, Store& store,
               absl::Duration interval)
      : session_loop_(session_loop),
        control_loop_(control_loop),
        table_(table),
        store_(store),
        interval_(interval) {}
  ~SessionBoard() { *alive_ = false; }

  void Start();
  ClusterView View(const intent::ClusterId& cluster) const;

 private:
  enum class Extent { kChanged, kAll };
  void Publish();
  void Take(Extent extent, std::vector<ClusterView> views);

  EventLoop& session_loop_;
  EventLoop& control_loop_;
  SessionTable& table_;
  Store& store_;
  const absl::Duration interval_;
  absl::Duration swept_ = -absl::InfiniteDuration();            // Session loop only.
  std::map<intent::ClusterId, ClusterView> views_;              // Control loop only.
  std::set<intent::ClusterId> live_;                            // Control loop only.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Control loop only.
};

}  // namespace leidang::hub
