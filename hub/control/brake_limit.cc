#include "hub/control/brake_limit.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace leidang::hub {
namespace {

constexpr uint64_t kValueMax = 1'000'000'000;

}  // namespace

bool BrakeLimit::Exceeds(uint64_t deletions, uint64_t total) const {
  switch (kind) {
    case Kind::kSet:
    case Kind::kWritten:
      return (deletions > 10 && deletions * 5 > total) || (deletions >= 2 && deletions >= total);
    case Kind::kCluster:
      return deletions >= 3 && deletions * 2 > total;
    case Kind::kAny:
      return deletions > 0;
    case Kind::kNumber:
      return deletions > value;
    case Kind::kPercent:
      return deletions * 100 > value * total;
    case Kind::kUnlimited:
      return false;
  }
  return true;
}

std::string BrakeLimit::ToString() const {
  switch (kind) {
    case Kind::kSet:
      return "more than 10 and more than 20 % of the set, or all of it";
    case Kind::kWritten:
      return "more than 10 and more than 20 % of the Applications written there, or all of them";
    case Kind::kCluster:
      return "three or more, and more than half of the cluster's";
    case Kind::kAny:
      return "any";
    case Kind::kNumber:
      return absl::StrCat("more than ", value);
    case Kind::kPercent:
      return absl::StrCat("more than ", value, " %");
    case Kind::kUnlimited:
      return "never";
  }
  return "";
}

absl::StatusOr<BrakeLimit> ParseBrakeLimit(absl::string_view text) {
  if (text == "unlimited") return BrakeLimit{BrakeLimit::Kind::kUnlimited, 0};
  const bool percent = absl::ConsumeSuffix(&text, "%");
  uint64_t value = 0;
  if (absl::SimpleAtoi(text, &value) && value <= (percent ? 100 : kValueMax))
    return BrakeLimit{percent ? BrakeLimit::Kind::kPercent : BrakeLimit::Kind::kNumber, value};
  return absl::InvalidArgumentError(absl::StrCat(
      kMaxDeletionsAnnotation, ": \"", text.substr(0, 100), percent ? "%" : "",
      "\" is neither a number, a percentage such as 25%, nor unlimited: the default limit counts"));
}

}  // namespace leidang::hub
