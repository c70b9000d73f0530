#pragma once

#include "common/time/clock.h"

namespace leidang {

// The machine's own clocks. Programs make one; everything else takes a Clock. Thread-safe.
class RealClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
};

}  // namespace leidang
