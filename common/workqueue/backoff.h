#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/random/random.h"

namespace leidang {

struct BackoffOptions {
  absl::Duration first = absl::Milliseconds(500);
  absl::Duration max = absl::Minutes(5);
};

// Exponential backoff with jitter: the n-th failure in a row waits for a random time between half
// of and the whole of first × 2^(n-1), at most `max`. Thread-compatible; `random` must outlive it.
class Backoff {
 public:
  Backoff(Random& random, const BackoffOptions& options) : random_(random), options_(options) {
    CHECK(options.first > absl::ZeroDuration() && options.max >= options.first);
  }

  // REQUIRES: failures > 0.
  absl::Duration After(uint32_t failures) {
    CHECK(failures > 0);
    absl::Duration whole = options_.first;
    for (uint32_t i = 1; i < failures && whole < options_.max; ++i) whole *= 2;
    whole = std::min(whole, options_.max);
    return whole / 2 + whole / 2 * random_.Unit();
  }

 private:
  Random& random_;
  const BackoffOptions options_;
};

}  // namespace leidang
