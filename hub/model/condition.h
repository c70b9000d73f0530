#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace leidang::hub {

// The values are part of stored data.
enum class ConditionStatus : uint8_t { kTrue = 1, kFalse = 2, kUnknown = 3 };

// What people and tools should know about a set, an Application or a cluster: one of each type.
struct Condition {
  std::string type;  // "ErrorOccurred", "ComparisonError", …
  ConditionStatus status = ConditionStatus::kTrue;
  std::string reason;  // From common/conditions; tests compare this.
  std::string message;
  absl::Time since;  // Of the last change of `status` or `reason`.

  friend bool operator==(const Condition&, const Condition&) = default;
};

}  // namespace leidang::hub
