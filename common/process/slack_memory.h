#pragma once

// Memory that is free and still resident: after a burst glibc's malloc keeps what was freed between
// blocks in use. A hub that has expanded 100,000 Applications holds hundreds of MB of it.

#include <cstddef>

#include "absl/status/statusor.h"

namespace leidang {

// Bytes of this process that are in memory now. kUnavailable without /proc.
absl::StatusOr<size_t> ResidentBytes();

// Gives the kernel what is free in the heap: some ten milliseconds, in which other threads may wait
// for memory. Thread-safe.
void GiveBackFreeMemory();

// When to do so: once the process has grown and has come to rest, and once more a while later, as
// the rest may have been one before the end. Thread-compatible.
class SlackMemory {
 public:
  // To be told at equal intervals. True: now.
  bool Look(size_t resident);

  static constexpr size_t kGrowth = size_t{32} << 20;
  static constexpr int kLooksBeforeAgain = 12;

 private:
  size_t base_ = 0;  // What it was down to at last; 0: not known.
  size_t last_ = 0;
  int again_in_ = 0;         // Looks; 0: not again.
  bool given_back_ = false;  // At the last look.
};

}  // namespace leidang
