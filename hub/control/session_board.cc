#include "hub/control/session_board.h"

#include <utility>
#include <vector>

namespace leidang::hub {

void SessionBoard::Start() { Publish(); }

void SessionBoard::Publish() {
  auto views = std::make_shared<std::vector<ClusterView>>(table_.Views());
  control_loop_.Post([this, alive = alive_, views] {
    if (!*alive) return;
    views_.clear();
    for (ClusterView& view : *views) views_.emplace(view.cluster, std::move(view));
  });
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
