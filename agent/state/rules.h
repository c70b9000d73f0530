#pragma once

// What the mutations of a transaction require and do: the rules that both implementations of State
// apply, so that they cannot differ. Pure; thread-safe.

#include <vector>

#include "absl/status/status.h"

#include "agent/state/transaction.h"
#include "common/intent/intent.h"

namespace leidang::agent {

// kOk if the mutation may take effect; see transaction.h for the errors.
absl::Status CheckObey(const Allegiance& held, const Obey& obey);
absl::Status CheckReceive(const Allegiance& held, const Receive& receive);

// The allegiance after the mutation. REQUIRES: the check was OK.
Allegiance After(const Allegiance& held, const Obey& obey);
Allegiance After(const Allegiance& held, const TrustHub& trust);
Allegiance After(const Allegiance& held, const Receive& receive);

// What one change does to the entries of its key.
struct ChangePlan {
  enum class Action : uint8_t {
    kSkip,      // Not newer than what is held, or of a uid that is being deleted.
    kMakeLive,  // The entry of the change's uid is live with this assignment; it is made if there
                // is none.
    kDelete,  // The entry of the change's uid is kDeleting with this policy; it is made if there is
              // none.
  };
  Action action = Action::kSkip;
  std::vector<EntryRef> displaced;  // Live namesakes that become kUnclaimed.
};

// `heads` are all entries of the change's key.
ChangePlan PlanChange(const std::vector<EntryHead>& heads, uint64_t epoch,
                      const intent::Change& change);

}  // namespace leidang::agent
