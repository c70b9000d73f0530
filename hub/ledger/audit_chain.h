#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "hub/ledger/ledger.h"
#include "hub/ledger/records.h"

namespace leidang::hub {

// Appends to the audit log: each entry gets the next sequence number and the hash of the one before
// it. Several hubs on one ledger may append; the guard on the head puts them in order.
//
// Loop-bound. `ledger` and `loop` must outlive it; answers do not come after it is destroyed.
class AuditChain {
 public:
  using Done = std::function<void(absl::Status)>;

  AuditChain(Ledger* ledger, EventLoop* loop);
  ~AuditChain();

  // `sequence` and `previous` of the entry are set here. Done when it is durable, in the order of
  // the calls. kResourceExhausted when kWaitingMax entries are waiting.
  void Append(AuditEntry entry, Done done);

  static constexpr size_t kWaitingMax = 10'000;

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

// Checks that entries, in ascending order and without a gap, are a chain that begins behind
// `before` (default: the start) and gives the head that it ends at. kDataLoss names the first that
// does not fit.
absl::StatusOr<AuditHead> VerifyAudit(const std::vector<AuditEntry>& entries,
                                      const AuditHead& before = {});

}  // namespace leidang::hub
