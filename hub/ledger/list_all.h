#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "hub/ledger/ledger.h"

namespace leidang::hub {

struct LedgerSnapshot {
  std::vector<LedgerEntry> entries;  // By key.
  LedgerRevision revision = 0;       // A watch from here continues it.
};

// All pages of a list at one revision; starts again, a few times, when that was compacted
// meanwhile. `ledger` must outlive the answer.
void ListAll(Ledger* ledger, std::string prefix, EventLoop* loop,
             std::function<void(absl::StatusOr<LedgerSnapshot>)> done);

}  // namespace leidang::hub
