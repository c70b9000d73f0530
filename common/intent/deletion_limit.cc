#include "common/intent/deletion_limit.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace leidang::intent {

absl::StatusOr<DeletionLimit> ParseDeletionLimit(absl::string_view text) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  if (trimmed == "unlimited") return DeletionLimit{DeletionLimit::Kind::kUnlimited, 0};
  DeletionLimit limit{DeletionLimit::Kind::kCount, 0};
  absl::string_view digits = trimmed;
  if (absl::ConsumeSuffix(&digits, "%")) limit.kind = DeletionLimit::Kind::kPercent;
  const bool number = std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) &&
                      absl::SimpleAtoi(digits, &limit.value);
  if (number && (limit.kind == DeletionLimit::Kind::kCount || limit.value <= 100)) return limit;
  return absl::InvalidArgumentError(
      absl::StrCat(kMaxDeletionsAnnotation, ": \"", trimmed.substr(0, 100),
                   "\" is neither a number, a percentage such as 25%, nor unlimited"));
}

}  // namespace leidang::intent
