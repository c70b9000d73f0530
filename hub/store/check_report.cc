#include "hub/store/check_report.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace leidang::hub {
namespace {

bool IsDerived(Family family) {
  return family != Family::kMeta && family != Family::kLedger && family != Family::kAudit;
}

}  // namespace

void CheckReport::Add(FindingKind kind, Family family, absl::string_view row, std::string what) {
  if (kind == FindingKind::kDamage) {
    ++damages_;
    if (IsDerived(family)) ++derived_damages_;
  } else {
    ++warnings_;
  }
  if (findings_.size() == kKeptMax) return;
  findings_.push_back({kind, family, absl::CHexEscape(row), std::move(what)});
}

std::string CheckReport::ToText() const {
  std::string text;
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    absl::StrAppend(&text, "family ", FamilyName(family), ": ", rows(family), " rows\n");
  }
  for (const CheckFinding& finding : findings_) {
    absl::StrAppend(&text, finding.kind == FindingKind::kDamage ? "DAMAGE " : "warning ",
                    FamilyName(finding.family));
    if (!finding.row.empty()) absl::StrAppend(&text, " row \"", finding.row, "\"");
    absl::StrAppend(&text, ": ", finding.what, "\n");
  }
  if (damages_ + warnings_ > findings_.size()) {
    absl::StrAppend(&text, "and ", damages_ + warnings_ - findings_.size(), " findings more\n");
  }
  absl::StrAppend(&text, damages_, " damages, ", warnings_, " warnings\n");
  if (OnlyDerivedDamaged()) {
    absl::StrAppend(&text,
                    "Only derived data is damaged: stop the hub and run `leidang-hub rebuild`, "
                    "which drops it; the next start builds it anew from the ledger and Git.\n");
  } else if (damages_ > 0) {
    absl::StrAppend(&text,
                    "The ledger is damaged: restore the newest backup that is whole (`leidang-hub "
                    "restore`), or import the identity bundle into a new data directory.\n");
  }
  return text;
}

}  // namespace leidang::hub
