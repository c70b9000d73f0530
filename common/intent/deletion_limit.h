#pragma once

// The annotation by which people say how much may be deleted within an hour without a question: the
// hub reads it of sets and clusters, the agent of Applications. Pure.

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::intent {

inline constexpr char kMaxDeletionsAnnotation[] = "leidang.dev/max-deletions";

struct DeletionLimit {
  enum class Kind : uint8_t { kDefault, kCount, kPercent, kUnlimited };
  Kind kind = Kind::kDefault;
  uint64_t value = 0;  // Of kCount and kPercent.

  friend bool operator==(const DeletionLimit&, const DeletionLimit&) = default;
};

// "10", "25%" (at most 100), "unlimited", with blanks around it or not. kInvalidArgument, naming
// the annotation, for anything else.
absl::StatusOr<DeletionLimit> ParseDeletionLimit(absl::string_view text);

}  // namespace leidang::intent
