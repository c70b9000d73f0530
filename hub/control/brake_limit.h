#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::hub {

// How many may be deleted within an hour without a question. Pure.
struct BrakeLimit {
  enum class Kind {
    kSet,      // Default of a set: more than 10 and more than 20 %, or all of two or more.
    kCluster,  // Default of a cluster: three or more, and more than half.
    kWritten,  // Of Applications that were written one by one: as kSet.
    kAny,      // Each waits.
    kNumber,   // More than `value`.
    kPercent,  // More than `value` %.
    kUnlimited,
  } kind = Kind::kSet;
  uint64_t value = 0;

  // A person chose it.
  bool chosen() const { return kind >= Kind::kNumber; }
  // Whether `deletions` of `total` are too many.
  bool Exceeds(uint64_t deletions, uint64_t total) const;
  // "more than 10 and more than 20 %, or all", for messages.
  std::string ToString() const;

  friend bool operator==(const BrakeLimit&, const BrakeLimit&) = default;
};

// What the annotation intent::kMaxDeletionsAnnotation says. kInvalidArgument says what is allowed.
absl::StatusOr<BrakeLimit> ParseBrakeLimit(absl::string_view text);

}  // namespace leidang::hub
