// The writing half of OwnerReconciler: what a look came to goes into the ledger, then into the
// store; and what the ledger alone knows comes back at the start.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/proof/bucketed_digest.h"
#include "hub/control/commit_parts.h"
#include "hub/control/owner_look.h"
#include "hub/control/owner_reconciler.h"

namespace leidang::hub {
namespace {

intent::EntryKey EntryOf(const std::string& application) {
  return {intent::EntryKind::kApplication, application};
}

// The one source that an assignment was resolved from.
const object::Value* SourceBlock(const object::Value& manifest) {
  const object::Value* several = object::Find(manifest, {"spec", "sources"});
  if (several != nullptr && several->is_array() && several->as_array().size() == 1)
    return &several->as_array()[0];
  return object::Find(manifest, {"spec", "source"});
}

// Its files, from the commit that it was assigned at. Without them the assignment is the same; an
// agent that has it needs none.
absl::Status AddContent(const Holding::Kept& kept, SourceResolver& resolver, WriteBatch* content) {
  ASSIGN_OR_RETURN(const object::Value manifest, object::ParseJson(kept.manifest));
  const object::Value* source = SourceBlock(manifest);
  if (source == nullptr || kept.sources.empty()) return absl::OkStatus();
  const std::optional<GitId> commit = GitId::FromHex(kept.sources[0].commit);
  if (!commit) return absl::DataLossError("its commit is none");
  const GitInput input{std::string(object::FindString(*source, {"repoURL"})),
                       std::string(object::FindString(*source, {"targetRevision"}))};
  return resolver.Resolve(input, *commit, *source, content).status();
}

}  // namespace

void OwnerReconciler::Load(std::function<void(absl::Status)> done) {
  if (const absl::Status status = LoadNames(); !status.ok()) return done(status);
  for (const WrittenKind kind : {WrittenKind::kApplicationSet, WrittenKind::kApplication}) {
    for (const auto& [key, object] : parts_.records.Objects(kind)) {
      unsettled_.insert({kind, key});
      if (kind != WrittenKind::kApplicationSet) continue;
      if (const absl::StatusOr<SetState> state = parts_.store.SetState(key); state.ok())
        reports_[{kind, key}].conditions = state->conditions;
    }
  }
  parts_.shared.UpdateAll();
  std::vector<Holding> lost = Lost();
  if (lost.empty()) return done(absl::OkStatus());
  RestoreKept(std::move(lost), std::move(done));
}

absl::Status OwnerReconciler::LoadNames() {
  PageRequest page;
  page.limit = kPageLimitMax;
  do {
    ASSIGN_OR_RETURN(const Page<DerivedApplication> applications, parts_.store.Applications(page));
    for (const DerivedApplication& application : applications.items) {
      claims_.Hold(application.key, application.set.empty()
                                        ? OwnerKey{WrittenKind::kApplication, application.key}
                                        : OwnerKey{WrittenKind::kApplicationSet, application.set});
    }
    page.token = applications.next;
  } while (!page.token.empty());
  FleetRecords::Changes stale;
  for (const auto& [name, held] : parts_.records.holdings()) {
    const std::optional<OwnerKey> owner = OwnerKey::FromString(held.owner);
    if (!owner || parts_.records.Object(owner->kind, owner->key) == nullptr) {
      stale.push_back(change::EraseHolding{name});
    } else if (!claims_.Against(name, {})) {
      claims_.Hold(name, *owner);
      reserved_[*owner].insert(name);
    }
  }
  parts_.records.Write(std::move(stale), [](const absl::Status&) {});
  return absl::OkStatus();
}

std::vector<Holding> OwnerReconciler::Lost() const {
  std::vector<Holding> lost = parts_.records.TakeKeptAtStart();
  std::erase_if(lost, [this](const Holding& holding) {
    const std::optional<OwnerKey> owner = OwnerKey::FromString(holding.owner);
    const auto cluster = parts_.records.clusters().find(holding.kept->cluster);
    return !owner || parts_.records.Object(owner->kind, owner->key) == nullptr ||
           cluster == parts_.records.clusters().end() || cluster->second.deleting ||
           parts_.store.Application(holding.key).ok();
  });
  return lost;
}

void OwnerReconciler::RestoreKept(std::vector<Holding> kept,
                                  std::function<void(absl::Status)> done) {
  parts_.log.Info("hub/control", "putting back what stays assigned",
                  {{"applications", absl::StrCat(kept.size())}});
  auto content = std::make_shared<WriteBatch>();
  auto shared = std::make_shared<std::vector<Holding>>(std::move(kept));
  const auto commit = [this, alive = alive_, content, shared, done = std::move(done)] {
    if (!*alive) return;
    std::vector<WriteBatch> batches = std::move(*content).InParts(parts_.part_bytes);
    for (const Holding& holding : *shared) {
      if (batches.empty() || batches.back().bytes() >= parts_.part_bytes) batches.emplace_back();
      PutKept(holding, &batches.back());
    }
    CommitParts(parts_.store, parts_.loop, alive_, std::move(batches),
                [this, shared, done](const absl::Status& status) {
                  for (const Holding& holding : *shared)
                    parts_.shared.OnPlaced(holding.kept->cluster);
                  done(status);
                });
  };
  parts_.workers.Run([content, shared, commit, &loop = parts_.loop, &resolver = parts_.resolver,
                      &log = parts_.log] {
    for (const Holding& holding : *shared) {
      const absl::Status status = AddContent(*holding.kept, resolver, content.get());
      if (status.ok()) continue;
      log.Warning("hub/control", "cannot bring back the files of what stays assigned",
                  {{"app", holding.key}, {"error", status.message()}});
    }
    loop.Post(commit);
  });
}

void OwnerReconciler::PutKept(const Holding& holding, WriteBatch* batch) const {
  const Holding::Kept& k = *holding.kept;
  DerivedApplication application;
  application.key = holding.key;
  const OwnerKey owner = *OwnerKey::FromString(holding.owner);
  if (owner.kind == WrittenKind::kApplicationSet) application.set = owner.key;
  application.uid = intent::ComputeUid(parts_.records.hub(), EntryOf(holding.key),
                                       parts_.records.Deletions(k.cluster, EntryOf(holding.key)));
  application.cluster = k.cluster;
  application.project = k.project;
  application.manifest = k.manifest;
  application.content = proof::ElementOf({{}, {}, k.body, k.sources});
  parts_.shared.Ensure(k.cluster, {k.project}, batch);
  batch->Put(k.cluster, {EntryOf(holding.key), application.uid, k.body, k.sources});
  batch->PutApplication(std::move(application));
}

void OwnerReconciler::Decide(const LookPtr& look, AssignPlan plan) {
  auto shared = std::make_shared<AssignPlan>(std::move(plan));
  // Made when what earlier looks decided shows: of two that meet at a name, the later one sees it.
  parts_.records.Update(
      [this, alive = alive_, look, shared]() -> absl::StatusOr<FleetRecords::Changes> {
        if (!*alive) return absl::CancelledError("the hub is ending");
        return Decisions(look, *shared);
      },
      [this, alive = alive_, look, shared](const absl::Status& status) {
        if (!*alive) return;
        if (!status.ok()) return Finish(look, status);
        Commit(look, std::move(*shared));
      });
}

absl::StatusOr<FleetRecords::Changes> OwnerReconciler::Decisions(const LookPtr& look,
                                                                 const AssignPlan& plan) const {
  FleetRecords::Changes changes = look->brake_changes;
  const absl::Time now = parts_.loop.clock().Now();
  RETURN_IF_ERROR(AddHoldings(look, plan, &changes));
  for (const Deletion& deletion : plan.deletions) {
    changes.push_back(change::Decide{
        {deletion.cluster, EntryOf(deletion.key), deletion.uid, deletion.policy, now,
         deletion.why == Deletion::Why::kMoved
             ? "moved to another cluster"
             : absl::StrCat(look->deleting() ? "deleted with the " : "no longer wanted by the ",
                            look->owner.ToString())}});
  }
  AddPins(*look, &changes);
  return changes;
}

// Before the deletions among the changes, so that nothing that was decided to end is ever put back.
absl::Status OwnerReconciler::AddHoldings(const LookPtr& look, const AssignPlan& plan,
                                          FleetRecords::Changes* changes) const {
  if (look->expansion.incomplete) return absl::OkStatus();
  const auto& holdings = parts_.records.holdings();
  const std::string owner = look->owner.ToString();
  std::set<std::string> held_back(plan.held_back.begin(), plan.held_back.end());
  for (const auto& [key, kept] : plan.kept_fields) {
    held_back.erase(key);
    changes->push_back(change::PutHolding{{key, owner, kept}});
  }
  const std::set<std::string> released(plan.released.begin(), plan.released.end());
  for (const std::string& key : held_back) {
    const auto known = holdings.find(key);
    if (known != holdings.end() && known->second.kept && known->second.owner == owner) continue;
    absl::StatusOr<Holding> holding = KeptBack(*look, key);
    if (absl::IsNotFound(holding.status())) continue;  // Its cluster is just going.
    RETURN_IF_ERROR(holding.status());
    changes->push_back(change::PutHolding{*std::move(holding)});
  }
  for (const auto& [key, held] : holdings) {
    if (held.owner != owner || held_back.contains(key) || plan.kept_fields.contains(key)) continue;
    const bool lost = released.contains(key) || !claims_.Holds(look->owner, key);
    if (!lost && !held.kept) continue;
    if (!lost && claims_.HeldAgainstOrder(key)) {
      changes->push_back(change::PutHolding{{key, owner, std::nullopt}});
    } else {
      changes->push_back(change::EraseHolding{key});
    }
  }
  // That another keeps a name which this owner would have, were all looked at anew.
  for (const std::string& key : plan.refused) {
    const std::optional<OwnerKey> holder = claims_.Against(key, look->owner);
    if (!holder || holdings.contains(key) || !claims_.HeldAgainstOrder(key)) continue;
    changes->push_back(change::PutHolding{{key, holder->ToString(), std::nullopt}});
  }
  return absl::OkStatus();
}

absl::StatusOr<Holding> OwnerReconciler::KeptBack(const Look& look, const std::string& key) const {
  const auto found =
      std::lower_bound(look.current->begin(), look.current->end(), key,
                       [](const DerivedApplication& a, const std::string& k) { return a.key < k; });
  CHECK(found != look.current->end() && found->key == key);
  ASSIGN_OR_RETURN(LiveAssignment live, parts_.store.Assignment(found->cluster, EntryOf(key)));
  Holding holding{key, look.owner.ToString(), std::nullopt};
  holding.kept = Holding::Kept{found->cluster, found->project, found->manifest,
                               std::move(live.assignment.body), std::move(live.assignment.sources)};
  return holding;
}

void OwnerReconciler::AddPins(const Look& look, FleetRecords::Changes* changes) const {
  for (const GitInput& input : look.expansion.inputs) {
    const auto view = look.request.git->inputs.find(input);
    if (view == look.request.git->inputs.end() || !view->second.ok()) continue;
    const auto pinned = parts_.records.pins().find(input);
    // A look that began earlier may end later: pins never go back.
    if (pinned != parts_.records.pins().end() && (pinned->second.commit == view->second->commit ||
                                                  pinned->second.since > view->second->since)) {
      continue;
    }
    changes->push_back(change::PutPin{input, *view->second});
  }
}

void OwnerReconciler::SweepPins() {
  parts_.records.Update(
      [this, alive = alive_]() -> absl::StatusOr<FleetRecords::Changes> {
        FleetRecords::Changes changes;
        if (!*alive) return changes;
        for (const auto& [input, pin] : parts_.records.pins()) {
          if (!parts_.repositories.IsWanted(input)) changes.push_back(change::ErasePin{input});
        }
        return changes;
      },
      [this, alive = alive_](const absl::Status& status) {
        if (!*alive || status.ok()) return;
        parts_.log.Warning("hub/control", "cannot forget commits that nobody wants any more",
                           {{"error", status.message()}});
      });
}

void OwnerReconciler::Commit(const LookPtr& look, AssignPlan plan) {
  if (plan.created + plan.updated + plan.moved + plan.removed > 0) {
    parts_.log.Info("hub/control", "assigning",
                    {{"set", look->owner.key},
                     {"created", absl::StrCat(plan.created)},
                     {"updated", absl::StrCat(plan.updated)},
                     {"moved", absl::StrCat(plan.moved)},
                     {"removed", absl::StrCat(plan.removed)}});
  }
  look->writer = std::make_unique<PlanWriter>(
      look->is_set() ? look->owner.key : "", std::move(plan.steps), look->expansion, *look->current,
      [this](const intent::ClusterId& cluster, const std::set<std::string>& projects,
             WriteBatch* batch) { parts_.shared.Ensure(cluster, projects, batch); },
      parts_.part_bytes);
  CommitNext(look);
}

void OwnerReconciler::CommitNext(const LookPtr& look) {
  auto part = std::make_shared<PlanWriter::Part>();
  if (!look->writer->done()) *part = look->writer->Next();
  const bool last = look->writer->done();
  if (last) AddSetState(*look, &part->batch);
  if (last && part->batch.empty()) return EraseOwner(look);
  parts_.store.Commit(std::move(part->batch), &parts_.loop,
                      [this, alive = alive_, look, part, last](const CommitResult& result) {
                        if (!*alive) return;
                        if (!result.status.ok()) return Finish(look, result.status);
                        OnCommitted(look, *part);
                        if (!last) return CommitNext(look);
                        reports_[look->owner].conditions_written = true;
                        EraseOwner(look);
                      });
}

// The last thing to be written: it tells of the whole.
void OwnerReconciler::AddSetState(Look& look, WriteBatch* batch) {
  if (!look.is_set()) return;
  if (look.deleting()) return batch->DeleteSetState(look.owner.key);
  if (!look.conditions_changed) return;
  SetState state;
  state.key = look.owner.key;
  state.inputs = look.expansion.inputs_digest;
  state.expanded_at = parts_.loop.clock().Now();
  state.conditions = reports_[look.owner].conditions;
  batch->PutSetState(std::move(state));
}

void OwnerReconciler::OnCommitted(const LookPtr& look, const PlanWriter::Part& part) {
  if (const auto reserved = reserved_.find(look->owner); reserved != reserved_.end()) {
    for (const std::string& name : part.recorded) reserved->second.erase(name);
    if (reserved->second.empty()) reserved_.erase(reserved);
  }
  for (const std::string& name : part.released) Free(name, look->owner);
  // They have less to wait for.
  for (const std::string& set : part.bereft) Trigger({WrittenKind::kApplicationSet, set});
  for (const intent::ClusterId& cluster : part.placed) parts_.shared.OnPlaced(cluster);
  for (const intent::ClusterId& cluster : part.ended) parts_.shared.OnEnded(cluster);
}

// The last step of a deletion: with its Applications ended, the record goes.
void OwnerReconciler::EraseOwner(const LookPtr& look) {
  if (!look->deleting()) return Finish(look, absl::OkStatus());
  parts_.records.Write({change::EraseObject{look->owner.kind, look->owner.key}},
                       [this, alive = alive_, look](const absl::Status& status) {
                         if (!*alive) return;
                         if (status.ok()) ForgetOwner(look->owner);
                         Finish(look, status);
                         if (status.ok()) first_looks_.Forget(look->owner);
                       });
}

}  // namespace leidang::hub
