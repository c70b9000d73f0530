#pragma once

#include "common/time/clock.h"

namespace leidang {

// The machine's own clocks. Programs make one; everything else takes a Clock. Thread-safe.
class RealClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
};

// Blocks the thread. For command lines that ask again and again; what has a loop uses its timers.
void Sleep(absl::Duration duration);

}  // namespace leidang
