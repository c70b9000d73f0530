#include "hub/control/brake_limit.h"

#include "absl/strings/str_cat.h"

#include "common/intent/deletion_limit.h"

namespace leidang::hub {
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
  const absl::StatusOr<intent::DeletionLimit> limit = intent::ParseDeletionLimit(text);
  if (!limit.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(limit.status().message(), ": the default limit counts"));
  }
  switch (limit->kind) {
    case intent::DeletionLimit::Kind::kPercent:
      return BrakeLimit{BrakeLimit::Kind::kPercent, limit->value};
    case intent::DeletionLimit::Kind::kUnlimited:
      return BrakeLimit{BrakeLimit::Kind::kUnlimited, 0};
    case intent::DeletionLimit::Kind::kCount:
    case intent::DeletionLimit::Kind::kDefault:
      break;
  }
  return BrakeLimit{BrakeLimit::Kind::kNumber, limit->value};
}

}  // namespace leidang::hub
