#pragma once

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/time/sim_loop.h"

namespace leidang::sim {

// Trace condenses what happens in a run, and when, into one number: two runs of a seed must arrive
// at the same one (SameSeedSameRun). With `kPrint` it is also written to stdout, to read what a
// seed does.
class Trace {
 public:
  enum class Output : uint8_t { kNone, kPrint };

  Trace(const SimLoop& loop, Output output) : loop_(loop), output_(output) {}

  void Note(absl::string_view what, std::initializer_list<uint64_t> numbers) {
    Mix(static_cast<uint64_t>(absl::ToInt64Microseconds(loop_.clock().Monotonic())));
    for (const char c : what) Mix(static_cast<uint8_t>(c));
    for (const uint64_t number : numbers) Mix(number);
    if (output_ == Output::kPrint) Print(what, numbers);
  }

  uint64_t digest() const { return digest_; }

 private:
  void Mix(uint64_t number) {
    digest_ = (digest_ ^ number) * 0x100000001b3;
    digest_ ^= digest_ >> 29;
  }

  void Print(absl::string_view what, std::initializer_list<uint64_t> numbers) const {
    std::string line = absl::StrCat(absl::FormatDuration(loop_.clock().Monotonic()), " ", what);
    for (const uint64_t number : numbers) absl::StrAppend(&line, " ", number);
    std::puts(line.c_str());
  }

  const SimLoop& loop_;
  const Output output_;
  uint64_t digest_ = 0xcbf29ce484222325;
};

}  // namespace leidang::sim
