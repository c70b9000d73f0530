#include "common/time/real_clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace leidang {

absl::Time RealClock::Now() const { return absl::Now(); }

absl::Duration RealClock::Monotonic() const {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

void Sleep(absl::Duration duration) { absl::SleepFor(duration); }

}  // namespace leidang
