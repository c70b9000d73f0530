#include "agent/link/backoff.h"

#include <algorithm>

namespace leidang::agent {

absl::Duration Backoff::Next() {
  // 2^20 seconds are beyond any bound, and no more failures need telling apart.
  const uint64_t doublings = std::min<uint64_t>(failures_, 20);
  ++failures_;
  const absl::Duration bound =
      std::min(options_.max, options_.first * static_cast<int64_t>(uint64_t{1} << doublings));
  return bound * random_.Unit();
}

absl::Duration Backoff::Longest() { return options_.max * random_.Unit(); }

}  // namespace leidang::agent
