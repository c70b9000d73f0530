#include "hub/control/session_board.h"

#include <utility>
#include <vector>

namespace leidang::hub {

void SessionBoard::Start() { Publish(); }

void SessionBoard::Publish() {
  const absl::Duration now = session_loop_.clock().Monotonic();
  const bool sweep = now - swept_ >= kSweepEvery;
  if (sweep) swept_ = now;
  auto changed = std::make_shared<std::vector<ClusterView>>(table_.TakeChangedViews());
  if (sweep) *changed = table_.Views();
  if (sweep || !changed->empty()) {
    control_loop_.Post([this, alive = alive_, sweep, changed] {
      if (!*alive) return;
      if (sweep) views_.clear();
      for (ClusterView& view : *changed) views_.insert_or_assign(view.cluster, std::move(view));
    });
  }
  session_loop_.After(interval_, [this] { Publish(); });
}

ClusterView SessionBoard::View(const intent::ClusterId& cluster) const {
  const auto found = views_.find(cluster);
  if (found != views_.end()) return found->second;
  ClusterView none;
  none.cluster = cluster;
  return none;
}

}  // namespace leidang::hub
