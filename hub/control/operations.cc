#include "hub/control/operations.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kLookInterval = absl::Seconds(5);
constexpr absl::Duration kAnswerPatience = absl::Hours(24 * 7);
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

OperationRecord Ended(OperationRecord operation, OperationState state, std::string message,
                      absl::Time now) {
  operation.state = state;
  operation.message = std::move(message);
  operation.ended_at = now;
  return operation;
}

}  // namespace

bool IsFinal(OperationState state) { return state >= OperationState::kSucceeded; }

void Operations::Start() {
  started_ = ports_.loop.clock().Now();
  Sweep();
}

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
        Send(*made);
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

void Operations::Send(const OperationRecord& operation) {
  const bool first = sent_.insert(operation.id).second;
  const absl::Duration left = operation.expires_at - ports_.loop.clock().Now();
  ports_.send(operation.cluster,
              {.id = operation.id,
               .key = operation.key,
               .uid = operation.uid,
               .kind = static_cast<v1::Operation::Kind>(operation.kind),
               .lifetime = std::max(left, absl::ZeroDuration()),
               .parameters = operation.parameters},
              [this, alive = alive_, id = operation.id, first](const absl::Status& sent) {
                if (*alive && first && !sent.ok()) sent_.erase(id);
              });
}

void Operations::OnSessionLive(const intent::ClusterId& cluster) {
  for (const auto& [id, operation] : ports_.records.operations()) {
    if (operation.cluster == cluster && !IsFinal(operation.state)) Send(operation);
  }
}

void Operations::OnUpdate(const intent::ClusterId& cluster, const OperationId& id,
                          OperationState state, const std::string& message) {
  const auto found = ports_.records.operations().find(id);
  const bool ours = found != ports_.records.operations().end() && found->second.cluster == cluster;
  if (!ours || IsFinal(found->second.state)) {
    // Its one outcome is durable, or was forgotten long ago.
    if (IsFinal(state)) ports_.acknowledge(cluster, id);
    return;
  }
  if (state == found->second.state || state == OperationState::kPending) return;
  OperationRecord changed = found->second;
  changed.state = state;
  changed.message = message;
  if (IsFinal(state)) changed.ended_at = ports_.loop.clock().Now();
  ports_.records.Update(
      [this, changed]() -> absl::StatusOr<FleetRecords::Changes> {
        const auto now = ports_.records.operations().find(changed.id);
        if (now == ports_.records.operations().end() || IsFinal(now->second.state))
          return FleetRecords::Changes{};
        return FleetRecords::Changes{change::PutOperation{changed}};
      },
      [this, alive = alive_, cluster, id, state](const absl::Status& status) {
        // What could not be written is reported again in the cluster's next session.
        if (*alive && status.ok() && IsFinal(state)) ports_.acknowledge(cluster, id);
      });
}

void Operations::EndOverdue(absl::Time now, FleetRecords::Changes* changes) const {
  for (const auto& [id, operation] : ports_.records.operations()) {
    if (IsFinal(operation.state)) continue;
    if (!ports_.records.clusters().contains(operation.cluster)) {
      changes->push_back(change::PutOperation{
          Ended(operation, OperationState::kFailed, "its cluster was removed", now)});
    } else if (now > operation.expires_at + kAnswerPatience) {
      changes->push_back(change::PutOperation{
          Ended(operation, OperationState::kFailed,
                "the cluster gave no outcome for a week: whether it began is not known", now)});
    } else if (now > operation.expires_at && operation.state == OperationState::kPending &&
               operation.requested_at >= started_ && !sent_.contains(id)) {
      changes->push_back(
          change::PutOperation{Ended(operation, OperationState::kExpired,
                                     "its time was over before the cluster connected", now)});
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
    const bool keep =
        question ? rank < kAnswersKeptMax && age <= kAnswerKept : rank < kKeptMax && age <= kKept;
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
