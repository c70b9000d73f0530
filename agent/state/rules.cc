#include "agent/state/rules.h"

#include <tuple>
#include <variant>

#include "absl/strings/str_cat.h"

#include "common/intent/authority.h"

namespace leidang::agent {
namespace {

using Position = std::tuple<uint64_t, intent::Revision>;  // Epoch, revision.

Position PositionOf(const EntryHead& head) { return {head.epoch, head.revision}; }

ChangePlan PlanPut(const std::vector<EntryHead>& heads, const Position& position,
                   const intent::Uid& uid) {
  ChangePlan plan;
  for (const EntryHead& head : heads) {
    if (head.ref.uid == uid) {
      if (head.phase == EntryPhase::kDeleting) return {};
      if (position < PositionOf(head)) return {};
      // An entry that the hub gave up and takes back may come with the position that it had.
      if (position == PositionOf(head) && head.phase == EntryPhase::kLive) return {};
    } else if (head.phase == EntryPhase::kLive) {
      if (position <= PositionOf(head)) return {};
      plan.displaced.push_back(head.ref);
    }
  }
  plan.action = ChangePlan::Action::kMakeLive;
  return plan;
}

ChangePlan PlanTombstone(const std::vector<EntryHead>& heads, const Position& position,
                         const intent::Uid& uid) {
  for (const EntryHead& head : heads) {
    if (head.ref.uid != uid) continue;
    if (position < PositionOf(head)) return {};
    if (position == PositionOf(head) && head.phase == EntryPhase::kDeleting) return {};
  }
  return {.action = ChangePlan::Action::kDelete, .displaced = {}};
}

}  // namespace

absl::Status CheckObey(const Allegiance& held, const Obey& obey) {
  const intent::Standing standing = intent::Compare(held.authority, obey.authority);
  if (!intent::MayObey(standing)) {
    return absl::FailedPreconditionError(
        absl::StrCat(obey.authority.ToString(), " may not be obeyed: this agent obeys ",
                     held.authority.ToString(), "; run leidang-agent trust-hub to accept another"));
  }
  if (standing == intent::Standing::kSame && obey.session_epoch <= held.session_epoch) {
    return absl::FailedPreconditionError(
        absl::StrCat("session epoch ", obey.session_epoch, " is not above ", held.session_epoch,
                     ", the highest seen: a newer session exists"));
  }
  return absl::OkStatus();
}

absl::Status CheckReceive(const Allegiance& held, const Receive& receive) {
  if (receive.authority != held.authority) {
    return absl::FailedPreconditionError(absl::StrCat("changes of ", receive.authority.ToString(),
                                                      ", but this agent obeys ",
                                                      held.authority.ToString()));
  }
  if (receive.session_epoch != held.session_epoch) {
    return absl::FailedPreconditionError(
        absl::StrCat("changes of session epoch ", receive.session_epoch,
                     ", but the session obeyed is ", held.session_epoch));
  }
  const bool log = receive.comparison == Comparison::kNone;
  if (log && receive.from != held.revision) {
    return absl::FailedPreconditionError(absl::StrCat(
        "changes after revision ", receive.from, ", but revision ", held.revision, " is held"));
  }
  if (receive.comparison == Comparison::kLast && receive.to < held.revision) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a comparison at revision ", receive.to, ", but revision ", held.revision, " is held"));
  }
  if (log && receive.to < receive.from) {
    return absl::InvalidArgumentError(
        absl::StrCat("changes from revision ", receive.from, " back to ", receive.to));
  }
  intent::Revision last = log ? receive.from : 0;
  for (const intent::Change& change : receive.changes) {
    if (change.revision <= last || (log && change.revision > receive.to)) {
      return absl::InvalidArgumentError(absl::StrCat("change ", change.revision, " of ",
                                                     change.key().ToString(), " after ", last,
                                                     " in changes up to ", receive.to));
    }
    last = change.revision;
  }
  return absl::OkStatus();
}

Allegiance After(const Allegiance& held, const Obey& obey) {
  const bool same = held.authority == obey.authority;
  return {.authority = obey.authority,
          .session_epoch = obey.session_epoch,
          .revision = same ? held.revision : 0};
}

Allegiance After(const Allegiance&, const TrustHub& trust) {
  // Epochs of hubs begin at 1, so that every authority of this hub is newer.
  return {.authority = {.hub = trust.hub, .epoch = 0, .incarnation = 0},
          .session_epoch = 0,
          .revision = 0};
}

Allegiance After(const Allegiance& held, const Receive& receive) {
  Allegiance after = held;
  if (receive.comparison != Comparison::kPart) after.revision = receive.to;
  return after;
}

ChangePlan PlanChange(const std::vector<EntryHead>& heads, uint64_t epoch,
                      const intent::Change& change) {
  const Position position(epoch, change.revision);
  return std::holds_alternative<intent::Assignment>(change.what)
             ? PlanPut(heads, position, change.uid())
             : PlanTombstone(heads, position, change.uid());
}

}  // namespace leidang::agent
