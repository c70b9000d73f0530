#pragma once

#include <memory>
#include <vector>

#include "common/object/value.h"
#include "hub/control/expansion.h"
#include "hub/control/owner_reconciler.h"
#include "hub/control/plan_writer.h"

namespace leidang::hub {

// One look at one owner, from trigger to end. For the sources of OwnerReconciler only.
struct OwnerReconciler::Look {
  OwnerKey owner;
  WrittenObject written;  // As it was when the look began.
  object::Value manifest;
  ExpansionRequest request;
  Expansion expansion;
  // What the owner has, read after the expansion, sorted by key.
  absl::StatusOr<std::vector<DerivedApplication>> current = std::vector<DerivedApplication>();
  bool conditions_changed = false;
  // What the brakes want in the ledger before anything of the look is decided.
  FleetRecords::Changes brake_changes;
  bool brakes_changed = false;
  // What is being written, once it was decided.
  std::unique_ptr<PlanWriter> writer;

  bool deleting() const { return written.deleting.has_value(); }
  bool is_set() const { return owner.kind == WrittenKind::kApplicationSet; }
  // Nothing may be concluded from what the owner does not mention.
  bool says_all() const { return !expansion.incomplete && expansion.may_delete; }
};

}  // namespace leidang::hub
