#include "hub/store/rows.h"

namespace leidang::hub {

absl::string_view FamilyName(Family family) {
  switch (family) {
    case Family::kMeta:
      return "meta";
    case Family::kLedger:
      return "ledger";
    case Family::kDerived:
      return "derived";
    case Family::kAssign:
      return "assign";
    case Family::kLog:
      return "log";
    case Family::kStatus:
      return "status";
    case Family::kContent:
      return "content";
    case Family::kAudit:
      return "audit";
  }
  return "unknown";
}

}  // namespace leidang::hub
