#pragma once

#include <cstdint>

#include "absl/time/time.h"

#include "common/random/random.h"

namespace leidang::agent {

struct BackoffOptions {
  absl::Duration first = absl::Seconds(1);  // Bound of the first delay.
  absl::Duration max = absl::Seconds(60);
};

// Backoff gives delays with full jitter: uniform between zero and a bound that doubles with each
// failure. So a herd that lost its hub at one moment comes back spread out. Thread-compatible.
class Backoff {
 public:
  // `random` must outlive it.
  Backoff(Random& random, const BackoffOptions& options) : random_(random), options_(options) {}

  // The delay after one more failure.
  absl::Duration Next();
  // A delay as after many failures, without counting one.
  absl::Duration Longest();
  void Reset() { failures_ = 0; }

  uint64_t failures() const { return failures_; }

 private:
  Random& random_;
  const BackoffOptions options_;
  uint64_t failures_ = 0;
};

}  // namespace leidang::agent
