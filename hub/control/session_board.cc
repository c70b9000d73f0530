#include "hub/control/session_board.h"

#include <utility>
#include <vector>

#include "hub/store/application_index.h"

namespace leidang::hub {

void SessionBoard::Start() { Publish(); }

void SessionBoard::Publish() {
  const absl::Duration now = session_loop_.clock().Monotonic();
  const bool sweep = now - swept_ >= kSweepEvery;
  if (sweep) swept_ = now;
  auto views = std::make_shared<std::vector<ClusterView>>(table_.TakeChangedViews());
  if (sweep) *views = table_.Views();
  if (sweep || !views->empty()) {
    control_loop_.Post([this, alive = alive_, sweep, views] {
      if (*alive) Take(sweep ? Extent::kAll : Extent::kChanged, std::move(*views));
    });
  }
  session_loop_.After(interval_, [this] { Publish(); });
}

void SessionBoard::Take(Extent extent, std::vector<ClusterView> views) {
  std::set<intent::ClusterId> ended;
  if (extent == Extent::kAll) {
    views_.clear();
    ended = std::exchange(live_, {});
  }
  for (ClusterView& view : views) {
    if (view.session_epoch != 0) {
      live_.insert(view.cluster);
      ended.erase(view.cluster);
      store_.SetReach(view.cluster, Reach::kLive);
    } else {
      live_.erase(view.cluster);
      ended.insert(view.cluster);
    }
    views_.insert_or_assign(view.cluster, std::move(view));
  }
  for (const intent::ClusterId& cluster : ended) store_.SetReach(cluster, Reach::kOffline);
}

ClusterView SessionBoard::View(const intent::ClusterId& cluster) const {
  const auto found = views_.find(cluster);
  if (found != views_.end()) return found->second;
  ClusterView none;
  none.cluster = cluster;
  return none;
}

}  // namespace leidang::hub
