#pragma once

#include "absl/status/status.h"

#include "hub/ledger/ledger.h"

namespace leidang::hub {

inline constexpr size_t kLedgerKeyBytesMax = 4096;

// kInvalidArgument that says which limit or rule of ledger.h the transaction breaks. Every Ledger
// asks this first.
absl::Status CheckLimits(const LedgerTxn& txn);

}  // namespace leidang::hub
