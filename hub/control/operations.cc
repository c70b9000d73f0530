#include "hub/control/operations.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kLookInterval = absl::Seconds(5);
constexpr absl::Duration kAnswerPatience = absl::Hours(24 * 7);
// Agents that are connected tell by themselves what has expired.
constexpr absl::Duration kAnswerGrace = absl::Seconds(15);
constexpr absl::Duration kKept = absl::Hours(24);
constexpr absl::Duration kAnswerKept = absl::Minutes(10);

// What only asks; its outcome is a document, which may be large.
bool IsQuestion(const OperationRecord& operation) {
  return operation.kind == OperationKind::kDiff || operation.kind == OperationKind::kHistory;
}

absl::string_view NameOf(OperationKind kind) {
  switch (kind) {
    case OperationKind::kSync:
      return "sync";
    case OperationKind::kRefresh:
      return "refresh";
    case OperationKind::kTerminate:
      return "terminate";
    case OperationKind::kDiff:
      return "diff";
    case OperationKind::kHistory:
      return "history";
  }
  return "";
}

// Nothing follows: the outcome is the agent's, or it was never sent, or nobody waits any more.
// Others, ended or not, are sent in each session and take the agent's answer.
bool IsSettled(const OperationRecord& operation) {
  if (!IsFinal(operation.state)) return false;
  return operation.state != OperationState::kExpired || operation.delivery != Delivery::kSent;
}

// What the agent says goes into the record; false if it says nothing new. One that has been shown
// as expired takes nothing but an outcome.
bool Take(OperationState state, const std::string& message, absl::Time now,
          OperationRecord* operation) {
  if (state == OperationState::kPending) return false;
  if (!IsFinal(state) && (IsFinal(operation->state) || state == operation->state)) return false;
  const bool late = IsFinal(operation->state) && !IsQuestion(*operation);
  operation->state = state;
  operation->message = message;
  if (!IsFinal(state)) {
    operation->delivery = Delivery::kSent;
    return true;
  }
  operation->delivery = Delivery::kAnswered;
  operation->ended_at = now;
  if (late && state != OperationState::kExpired) {
    absl::StrAppend(&operation->message, message.empty() ? "" : " ",
                    "(reported after it had been shown as expired)");
  }
  return true;
}

OperationRecord Ended(OperationRecord operation, OperationState state, std::string message,
                      absl::Time now) {
  operation.state = state;
  operation.message = std::move(message);
  operation.ended_at = now;
  return operation;
}

}  // namespace

bool IsFinal(OperationState state) { return state >= OperationState::kSucceeded; }

void Operations::Start() { Sweep(); }

absl::StatusOr<OperationRecord> Operations::Make(const Asked& asked, const Author& author) const {
  if (asked.lifetime <= absl::ZeroDuration() || asked.lifetime > kLifetimeMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("an operation lives at most ", absl::FormatDuration(kLifetimeMax)));
  }
  ASSIGN_OR_RETURN(const DerivedApplication application,
                   ports_.store.Application(asked.application));
  if (application.cluster.IsNone()) {
    return absl::FailedPreconditionError(
        absl::StrCat("Application ", asked.application,
                     " is on no cluster: its conditions say why (leidang describe application)"));
  }
  OperationRecord record;
  record.key = {intent::EntryKind::kApplication, asked.application};
  size_t open = 0;
  for (const auto& [id, other] : ports_.records.operations()) {
    if (IsFinal(other.state)) continue;
    ++open;
    if (other.key == record.key && other.uid == application.uid &&
        asked.kind == OperationKind::kSync && other.kind == asked.kind) {
      return absl::FailedPreconditionError(absl::StrCat("another sync of Application ",
                                                        asked.application, " is under way (",
                                                        id.Hex(), "): wait for its end"));
    }
  }
  if (open >= kOpenMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(kOpenMax, " operations are open: wait until some have ended"));
  }
  record.id = *OperationId::FromRaw(ports_.random.Bytes(16));
  record.cluster = application.cluster;
  record.uid = application.uid;
  record.kind = asked.kind;
  record.parameters = asked.parameters;
  record.requested_by = author.who;
  record.requested_at = ports_.loop.clock().Now();
  record.expires_at = record.requested_at + asked.lifetime;
  return record;
}

void Operations::Request(const Asked& asked, const Author& author,
                         std::function<void(absl::StatusOr<OperationRecord>)> done) {
  auto made = std::make_shared<OperationRecord>();
  ports_.records.Update(
      [this, asked, author, made]() -> absl::StatusOr<FleetRecords::Changes> {
        ASSIGN_OR_RETURN(*made, Make(asked, author));
        return FleetRecords::Changes{change::PutOperation{*made}};
      },
      [this, alive = alive_, author, made, done = std::move(done)](const absl::Status& status) {
        if (!*alive) return;
        if (!status.ok()) return done(status);
        ports_.records.Audit(
            author, absl::StrCat(NameOf(made->kind), " of ", made->key.name, " ", made->parameters),
            absl::StrCat("accepted as operation ", made->id.Hex()));
        Send(made->id);
        done(*made);
      });
}

absl::StatusOr<OperationRecord> Operations::Find(const OperationId& id) const {
  const auto found = ports_.records.operations().find(id);
  if (found != ports_.records.operations().end()) return found->second;
  return absl::NotFoundError(absl::StrCat("there is no operation ", id.Hex(),
                                          ": those that ended are kept for ",
                                          absl::FormatDuration(kKept)));
}

std::vector<OperationRecord> Operations::OfApplication(const std::string& application) const {
  std::vector<OperationRecord> found;
  const intent::EntryKey key{intent::EntryKind::kApplication, application};
  for (const auto& [id, operation] : ports_.records.operations()) {
    if (operation.key == key && !IsQuestion(operation)) found.push_back(operation);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(b.requested_at, b.id) < std::tie(a.requested_at, a.id);
  });
  return found;
}

const OperationRecord* Operations::FindUnsettled(const OperationId& id) const {
  const auto found = ports_.records.operations().find(id);
  return found == ports_.records.operations().end() || IsSettled(found->second) ? nullptr
                                                                                : &found->second;
}

void Operations::Send(const OperationId& id) {
  ++sending_[id];
  auto noted = std::make_shared<bool>(false);
  ports_.records.Update(
      [this, alive = alive_, id, noted]() -> absl::StatusOr<FleetRecords::Changes> {
        *noted = false;
        const OperationRecord* operation = *alive ? FindUnsettled(id) : nullptr;
        if (operation == nullptr || operation->delivery != Delivery::kNotSent)
          return FleetRecords::Changes{};
        *noted = true;
        OperationRecord changed = *operation;
        changed.delivery = Delivery::kSent;
        return FleetRecords::Changes{change::PutOperation{std::move(changed)}};
      },
      [this, alive = alive_, id, noted](const absl::Status& status) {
        if (!*alive) return;
        if (*noted && status.ok()) noted_.insert(id);
        const OperationRecord* operation = status.ok() ? FindUnsettled(id) : nullptr;
        // What could not be noted is sent in the next session.
        if (operation == nullptr) return OnSent(id, absl::CancelledError("it is not sent"));
        SendNoted(*operation);
      });
}

void Operations::SendNoted(const OperationRecord& operation) {
  const absl::Duration left = IsFinal(operation.state)
                                  ? absl::ZeroDuration()
                                  : operation.expires_at - ports_.loop.clock().Now();
  ports_.send(operation.cluster,
              {.id = operation.id,
               .key = operation.key,
               .uid = operation.uid,
               .kind = static_cast<v1::Operation::Kind>(operation.kind),
               .lifetime = std::max(left, absl::ZeroDuration()),
               .parameters = operation.parameters},
              [this, alive = alive_, id = operation.id](const absl::Status& sent) {
                if (*alive) OnSent(id, sent);
              });
}

void Operations::OnSent(const OperationId& id, const absl::Status& sent) {
  if (const auto at = sending_.find(id); --at->second == 0) sending_.erase(at);
  if (sent.ok()) noted_.erase(id);
  if (sending_.contains(id) || !noted_.contains(id)) return;
  auto taken_back = std::make_shared<bool>(false);
  ports_.records.Update(
      [this, alive = alive_, id, taken_back]() -> absl::StatusOr<FleetRecords::Changes> {
        const OperationRecord* operation = *alive ? FindUnsettled(id) : nullptr;
        *taken_back = operation != nullptr && !sending_.contains(id) && noted_.contains(id) &&
                      operation->delivery == Delivery::kSent;
        if (!*taken_back) return FleetRecords::Changes{};
        OperationRecord changed = *operation;
        changed.delivery = Delivery::kNotSent;
        return FleetRecords::Changes{change::PutOperation{std::move(changed)}};
      },
      [this, alive = alive_, id, taken_back](const absl::Status& status) {
        // If it could not be written, it counts as sent, which is the careful side.
        if (*alive && (*taken_back || !status.ok())) noted_.erase(id);
      });
}

void Operations::OnSessionLive(const intent::ClusterId& cluster) {
  for (const auto& [id, operation] : ports_.records.operations()) {
    if (operation.cluster == cluster && !IsSettled(operation)) Send(id);
  }
}

void Operations::OnUpdate(const intent::ClusterId& cluster, const OperationId& id,
                          OperationState state, const std::string& message) {
  const OperationRecord* known = FindUnsettled(id);
  if (known == nullptr || known->cluster != cluster) {
    // Its one outcome is durable, or was forgotten long ago.
    if (IsFinal(state)) ports_.acknowledge(cluster, id);
    return;
  }
  if (state == known->state && !IsFinal(state)) return;
  auto corrected = std::make_shared<std::optional<OperationRecord>>();
  ports_.records.Update(
      [this, alive = alive_, id, state, message,
       corrected]() -> absl::StatusOr<FleetRecords::Changes> {
        corrected->reset();
        const OperationRecord* now = *alive ? FindUnsettled(id) : nullptr;
        if (now == nullptr) return FleetRecords::Changes{};
        OperationRecord changed = *now;
        if (!Take(state, message, ports_.loop.clock().Now(), &changed))
          return FleetRecords::Changes{};
        if (IsFinal(now->state) && changed.state != now->state) *corrected = changed;
        return FleetRecords::Changes{change::PutOperation{std::move(changed)}};
      },
      [this, alive = alive_, cluster, id, state, corrected](const absl::Status& status) {
        // What could not be written is reported again in the cluster's next session.
        if (!*alive || !status.ok() || !IsFinal(state)) return;
        if (corrected->has_value()) AuditCorrection(**corrected);
        ports_.acknowledge(cluster, id);
      });
}

void Operations::AuditCorrection(const OperationRecord& operation) {
  const auto cluster = ports_.records.clusters().find(operation.cluster);
  const std::string& who =
      cluster == ports_.records.clusters().end() ? operation.cluster.Hex() : cluster->second.name;
  ports_.records.Audit(
      {absl::StrCat("cluster ", who), ""},
      absl::StrCat("outcome of operation ", operation.id.Hex(), ", ", NameOf(operation.kind),
                   " of ", operation.key.name, ", which had been shown as expired"),
      operation.message);
}

void Operations::EndOverdue(absl::Time now, FleetRecords::Changes* changes) const {
  for (const auto& [id, operation] : ports_.records.operations()) {
    if (IsFinal(operation.state)) continue;
    const bool begun = operation.state == OperationState::kRunning;
    if (!ports_.records.clusters().contains(operation.cluster)) {
      changes->push_back(change::PutOperation{
          Ended(operation, OperationState::kFailed, "its cluster was removed", now)});
    } else if (begun && now > operation.expires_at + kAnswerPatience) {
      changes->push_back(change::PutOperation{
          Ended(operation, OperationState::kFailed,
                "it was begun, and the cluster gave no outcome for a week", now)});
    } else if (operation.delivery == Delivery::kNotSent && now > operation.expires_at) {
      changes->push_back(change::PutOperation{
          Ended(operation, OperationState::kExpired,
                "its time was over before the cluster connected: it was never sent", now)});
    } else if (!begun && now > operation.expires_at + kAnswerGrace) {
      OperationRecord ended =
          Ended(operation, OperationState::kExpired,
                "its time is over and the cluster has not answered: the agent may have carried it "
                "out, which is not known until it reports",
                now);
      ended.delivery = Delivery::kSent;
      changes->push_back(change::PutOperation{std::move(ended)});
    }
  }
}

void Operations::EraseOld(absl::Time now, FleetRecords::Changes* changes) const {
  std::vector<const OperationRecord*> ended;
  for (const auto& [id, operation] : ports_.records.operations()) {
    if (IsFinal(operation.state)) ended.push_back(&operation);
  }
  std::sort(ended.begin(), ended.end(),
            [](const auto* a, const auto* b) { return a->ended_at > b->ended_at; });
  size_t kept = 0;
  size_t answers = 0;
  for (const OperationRecord* operation : ended) {
    const bool question = IsQuestion(*operation);
    const size_t rank = question ? answers++ : kept++;
    const absl::Duration age = now - operation->ended_at;
    const absl::Duration kept_for = question                ? kAnswerKept
                                    : IsSettled(*operation) ? kKept
                                                            : kAnswerPatience;
    const bool keep = rank < (question ? kAnswersKeptMax : kKeptMax) && age <= kept_for;
    if (!keep) changes->push_back(change::EraseOperation{operation->id});
  }
}

void Operations::Sweep() {
  ports_.records.Update(
      [this, alive = alive_]() -> absl::StatusOr<FleetRecords::Changes> {
        FleetRecords::Changes changes;
        if (!*alive) return changes;
        const absl::Time now = ports_.loop.clock().Now();
        EndOverdue(now, &changes);
        EraseOld(now, &changes);
        return changes;
      },
      [](const absl::Status&) {});
  ports_.loop.After(kLookInterval, [this, alive = alive_] {
    if (*alive) Sweep();
  });
}

void OperationCourier::OnSessionLive(const intent::ClusterId& cluster) {
  control_.Post([this, cluster] { operations_.OnSessionLive(cluster); });
}

void OperationCourier::OnOperationUpdate(const intent::ClusterId& cluster, const OperationId& id,
                                         v1::OperationUpdate::State state,
                                         const std::string& message) {
  // The numbers are the same (hub/model/decided.h); what a later version adds says nothing here.
  if (state < v1::OperationUpdate::ACCEPTED || state > v1::OperationUpdate::EXPIRED) return;
  control_.Post([this, cluster, id, message, state = static_cast<OperationState>(state)] {
    operations_.OnUpdate(cluster, id, state, message);
  });
}

}  // namespace leidang::hub
