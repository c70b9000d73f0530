#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace leidang::sim {

// What a run of one seed in one world came to.
struct RunResult {
  std::optional<std::string> violation;  // "Rule: what was seen", the first one.
  uint64_t digest = 0;                   // Of the trace: equal for equal seeds.
  uint64_t steps = 0;
  uint64_t changes = 0;  // What people wanted changed.
  absl::Duration virtual_time;
  std::map<std::string, uint64_t> faults;  // How often each kind fired, those that never did too.
  // The deeds that were done, by their number, with what each did. Empty where there is no list.
  std::map<size_t, std::string> deeds;
};

}  // namespace leidang::sim
