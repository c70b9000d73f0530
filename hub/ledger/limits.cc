#include "hub/ledger/limits.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::hub {
namespace {

absl::Status CheckCount(absl::string_view what, size_t count) {
  if (count <= kLedgerOpsMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a ledger transaction with ", count, " ", what,
                                                 "; at most ", kLedgerOpsMax,
                                                 " are allowed: split it"));
}

absl::Status CheckKey(const std::string& key) {
  if (!key.empty() && key.size() <= kLedgerKeyBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a ledger key of ", key.size(), " bytes; 1 to ",
                                                 kLedgerKeyBytesMax, " are allowed"));
}

}  // namespace

absl::Status CheckLimits(const LedgerTxn& txn) {
  RETURN_IF_ERROR(CheckCount("guards", txn.guards.size()));
  RETURN_IF_ERROR(CheckCount("operations", txn.ops.size()));
  size_t bytes = 0;
  for (const LedgerGuard& guard : txn.guards) {
    RETURN_IF_ERROR(CheckKey(guard.key));
    bytes += guard.key.size();
  }
  std::set<absl::string_view> keys;
  for (const LedgerOp& op : txn.ops) {
    RETURN_IF_ERROR(CheckKey(op.key));
    bytes += op.key.size() + (op.value.has_value() ? op.value->size() : 0);
    if (!keys.insert(op.key).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("a ledger transaction writes \"", op.key, "\" twice"));
    }
  }
  if (bytes > kLedgerBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a ledger transaction of ", bytes,
                                                   " bytes; at most ", kLedgerBytesMax,
                                                   " are allowed: split it"));
  }
  return absl::OkStatus();
}

}  // namespace leidang::hub
