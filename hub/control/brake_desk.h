#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/time/event_loop.h"
#include "hub/control/brakes.h"
#include "hub/control/desk.h"
#include "hub/control/fleet_records.h"
#include "hub/control/owner_reconciler.h"

namespace leidang::hub {

// Where people decide about held deletions: a decision is durable before it is answered, and is
// appended to the audit log when it is; those whose deletions it was about are looked at at once.
//
// Loop-bound; all references must outlive it.
class BrakeDesk {
 public:
  enum class Verdict { kApproved, kRejected };
  using Done = std::function<void(absl::StatusOr<Brakes::Held>)>;

  BrakeDesk(EventLoop& loop, FleetRecords& records, Brakes& brakes, OwnerReconciler& owners)
      : loop_(loop), records_(records), brakes_(brakes), owners_(owners) {}

  std::vector<Brakes::Held> List() const { return brakes_.List(); }
  // "set leidang/shop", "cluster staging".
  std::string NameOf(const Brakes::Held& held) const { return BrakeText(held.brake, records_); }

  // Called on the loop when something was decided about what the config repository removed.
  std::function<void()> on_configuration = [] {};

  // By the digest of a list as List gives it, or its beginning. Answers with that list. Errors as
  // Brakes::Approve.
  void Decide(Verdict verdict, const std::string& digest, const Author& author, Done done);

 private:
  EventLoop& loop_;
  FleetRecords& records_;
  Brakes& brakes_;
  OwnerReconciler& owners_;
};

}  // namespace leidang::hub
