#pragma once

#include "absl/time/time.h"

namespace leidang {

// Clock tells the time. Only common/time reads the machine's clocks; everything else is given a
// Clock or a time as a value. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall-clock time: for people, certificates and records. It may jump.
  virtual absl::Time Now() const = 0;

  // Time since an arbitrary start, never decreasing: for deadlines, liveness and measuring.
  virtual absl::Duration Monotonic() const = 0;
};

}  // namespace leidang
