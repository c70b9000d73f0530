#include "agent/reconcile/entry_pass.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "agent/health/health.h"
#include "agent/reconcile/event_report.h"
#include "agent/render/render_error.h"
#include "common/base/status_macros.h"
#include "common/conditions/reason.h"
#include "common/manifest/manifest.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;

constexpr absl::string_view kRoom = "agent/reconcile";
constexpr absl::string_view kIgnoreHealth = "argocd.argoproj.io/ignore-healthcheck";
// Looks of one pass: one for each wave and one to see that nothing is left. A cluster in which
// something always changes meanwhile is left to the next pass.
constexpr int kLooksMax = 100;
constexpr size_t kHeldUpShown = 5;
constexpr absl::Duration kBetweenWaves = absl::Seconds(2);
constexpr absl::Duration kPendingDeletion = absl::Seconds(5);
// An ordinary deletion is over by then; one that waits for the garbage collector waits for all that
// the object owns.
constexpr absl::Duration kHeldUpAfter = absl::Seconds(10);
constexpr absl::Duration kCollectorAfter = absl::Minutes(10);

// Argo CD's mark "app:group/kind:namespace/name" of another object: made by a controller from one
// that was applied.
bool IsCopy(const object::Value& manifest, const ObjectKey& key) {
  const std::vector<absl::string_view> parts = absl::StrSplit(
      manifest::Annotation(manifest, "argocd.argoproj.io/tracking-id"), absl::MaxSplits(':', 2));
  if (parts.size() != 3) return false;
  const std::pair<absl::string_view, absl::string_view> named =
      absl::StrSplit(parts[2], absl::MaxSplits('/', 1));
  return parts[1] != absl::StrCat(key.group, "/", key.kind) || named.second != key.name ||
         (!key.ns.empty() && named.first != key.ns);
}

// The garbage collector of the cluster deletes first, or lets go, what the object owns.
bool OfCollectorOnly(const object::Value& finalizers) {
  const object::Array& names = finalizers.get_array();
  return std::all_of(names.begin(), names.end(), [](const object::Value& name) {
    return name == "foregroundDeletion" || name == "orphan";
  });
}

absl::Status StorageError(const absl::Status& status) {
  return RenderError(RenderReason::kStorageFailed, status.message());
}

}  // namespace

bool EntryPass::MayPass(const absl::Status& failure) {
  switch (failure.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
      return false;
    default:
      return true;
  }
}

SeenObject EntryPass::SeenOf(const LiveObject& live) const {
  SeenObject seen;
  seen.key = live.key;
  seen.owner = live.owner;
  seen.uid = live.uid;
  seen.version = live.version;
  seen.hash = live.hash;
  seen.rival = live.rival;
  if (live.manifest != nullptr && IsCopy(*live.manifest, live.key)) {
    seen.make = SeenObject::Make::kCopy;
  }
  // Where the target keeps no status, what is there is healthy; so is what has no check.
  if (live.manifest == nullptr) return seen;
  if (object::Find(*live.manifest, {"metadata", "deletionTimestamp"}) != nullptr) {
    seen.life = SeenObject::Life::kDeleting;
  }
  seen.wishes = DeletionWishesOf(*live.manifest);
  if (IsHook(*live.manifest)) seen.sort = SeenObject::Sort::kHook;
  if (HasCompareOption(*live.manifest, "IgnoreExtraneous")) {
    seen.when_extra = SeenObject::WhenExtra::kExcused;
  }
  if (manifest::Annotation(*live.manifest, kIgnoreHealth) == "true") {
    return seen;
  }
  const std::optional<Health> health = context_.health.Of(*live.manifest);
  if (health.has_value()) {
    seen.health = health->state;
    seen.health_message = health->message;
    seen.checked = true;
  }
  return seen;
}

EntryPass::EntryPass(ReconcileContext& context, EntryRef entry, Done done)
    : context_(context), ref_(std::move(entry)), done_(std::move(done)) {}

EntryPass::~EntryPass() { *alive_ = false; }

void EntryPass::Start() {
  absl::StatusOr<Entry> entry = context_.state.Find(ref_);
  if (absl::IsNotFound(entry.status())) return done_(WorkResult::Done());
  if (!entry.ok()) {
    context_.log.Error(kRoom, "cannot read an entry",
                       {{"app", ref_.key.name}, {"error", entry.status().message()}});
    return done_(WorkResult::Retry());
  }
  findings_.entry = *std::move(entry);
  started_ = context_.loop.clock().Now();
  findings_.looked_at = started_;
  memory_ = DecodeMemory(findings_.entry.note);
  context_.prunes.Restore(ref_, memory_.prunes, context_.loop.clock().Monotonic());
  const bool deleting = findings_.entry.head.phase == EntryPhase::kDeleting;
  ReadMirror(deleting ? &EntryPass::StartDeletion : &EntryPass::StartLive);
}

void EntryPass::StartLive() {
  absl::StatusOr<Application> application = ReadApplication(*findings_.entry.assignment);
  if (!application.ok()) {
    context_.wants.SetFailed(ref_, findings_.entry.head.element);
    context_.on_settled();
    return Fail(application.status());
  }
  application_ = *std::move(application);
  // Nothing is pruned of what the hub does not know.
  if (findings_.entry.head.phase == EntryPhase::kUnclaimed) {
    application_.policy.option = Pruning::kKeep;
  }
  findings_.policy = &application_.policy;
  if (absl::Status read = ReadOperations(); !read.ok()) return Fail(StorageError(read));
  if (asked_.terminate) return Terminate();
  GoOnLive();
}

void EntryPass::GoOnLive() {
  if (application_.policy.reconciling == SyncPolicy::Reconciling::kSkipped) return SkipReconcile();
  context_.desired.Get(ref_, application_, Alive(&EntryPass::OnDesired));
}

// What it wanted last is still its own.
void EntryPass::SkipReconcile() {
  if (findings_.entry.head.phase == EntryPhase::kLive) {
    context_.wants.SetFailed(ref_, findings_.entry.head.element);
  }
  context_.on_settled();
  findings_.skipped = true;
  findings_.progress =
      "waits, for the Application says argocd.argoproj.io/skip-reconcile: \"true\": nothing is "
      "compared or changed until that is taken away";
  for (const OperationRecord& operation : asked_.operations) {
    const bool looks = operation.kind == OperationKind::kSync ||
                       operation.kind == OperationKind::kDiff ||
                       operation.kind == OperationKind::kRefresh;
    if (looks) asked_.refused.emplace(operation.id, findings_.progress);
  }
  Conclude(NextTime());
}

// What they want is free now.
void EntryPass::TellWaiting(const std::set<EntryRef>& entries) {
  for (const EntryRef& entry : entries) context_.wake(entry.key);
}

void EntryPass::OnDesired(absl::StatusOr<DesiredSource::Set> answer) {
  const EntryHead& head = findings_.entry.head;
  if (answer.ok()) {
    desired_ = *std::move(answer);
    if (head.phase == EntryPhase::kLive) {
      std::set<ObjectKey> keys;
      for (const DesiredObject& object : desired_->objects) keys.insert(object.key);
      TellWaiting(context_.wants.Set(ref_, head.element, std::move(keys)));
      context_.on_settled();
    }
  } else {
    if (context_.desired.OnItsWay(ref_)) {
      findings_.progress = std::string(answer.status().message());
    } else {
      findings_.failure = answer.status();
      if (head.phase == EntryPhase::kLive) context_.wants.SetFailed(ref_, head.element);
      context_.on_settled();
    }
    // What was good before goes on being corrected, and nothing of it is pruned.
    desired_ = context_.desired.LastGood(ref_);
    application_.policy.option = Pruning::kKeep;
    if (desired_ == nullptr) return Conclude(NextTime());
  }
  if (absl::Status left = LeaveToNamesake(); !left.ok()) return Fail(std::move(left));
  std::vector<ObjectKey> keys;
  for (const DesiredObject& object : desired_->objects) keys.push_back(object.key);
  if (absl::Status checked = context_.cluster.CheckKeys(keys); !checked.ok()) {
    return Fail(RenderError(RenderReason::kNameInvalid, checked.message()));
  }
  Look();
}

// What a live namesake wants is not an unclaimed entry's to correct.
absl::Status EntryPass::LeaveToNamesake() {
  if (findings_.entry.head.phase != EntryPhase::kUnclaimed) return absl::OkStatus();
  absl::StatusOr<std::vector<EntryHead>> heads = context_.state.HeadsOf(ref_.key);
  if (!heads.ok()) return StorageError(heads.status());
  for (const EntryHead& head : *heads) {
    if (head.phase != EntryPhase::kLive) continue;
    auto left = std::make_shared<DesiredSet>();
    const std::set<ObjectKey>* wants = context_.wants.WantsOf(head.ref);
    for (const DesiredObject& object : desired_->objects) {
      if (wants != nullptr && !wants->contains(object.key)) left->objects.push_back(object);
    }
    desired_ = std::move(left);
  }
  return absl::OkStatus();
}

absl::Status EntryPass::ReadInventory() {
  absl::StatusOr<std::vector<InventoryItem>> items = context_.state.Inventory(ref_);
  if (!items.ok()) return StorageError(items.status());
  inventory_.clear();
  for (const InventoryItem& item : *items) {
    inventory_.push_back(DecodeOwned(item.object, item.object_uid, item.hash));
  }
  findings_.inventory = inventory_.size();
  return absl::OkStatus();
}

void EntryPass::Look() {
  ++looks_;
  adjusted_.clear();
  unsure_.clear();
  if (absl::Status read = ReadInventory(); !read.ok()) return Fail(std::move(read));
  Selection selection{application_.app, {}};
  for (const DesiredObject& object : desired_->objects) selection.keys.push_back(object.key);
  for (const OwnedObject& object : inventory_) selection.keys.push_back(object.key);
  if (!application_.ns.empty()) {
    selection.keys.push_back({"", "Namespace", "", application_.ns});
  }
  const auto sync = context_.syncs.find(ref_);
  if (sync != context_.syncs.end() && sync->second.running != nullptr) {
    for (const auto& [key, manifest] : sync->second.running->hooks()) selection.keys.push_back(key);
  }
  context_.cluster.Read(std::move(selection), Alive(&EntryPass::OnRead));
}

// Checks that somebody has configured are asked before anything is decided by health.
void EntryPass::OnRead(absl::StatusOr<std::vector<LiveObject>> answer) {
  HealthSource::Objects objects;
  if (answer.ok()) {
    for (const LiveObject& live : *answer) objects.push_back(live.manifest);
  }
  context_.health.Prepare(std::move(objects),
                          [this, alive = alive_, answer = std::move(answer)]() mutable {
                            if (*alive) OnLive(std::move(answer));
                          });
}

void EntryPass::OnLive(absl::StatusOr<std::vector<LiveObject>> answer) {
  if (!answer.ok()) {
    findings_.plan = nullptr;
    return Fail(absl::Status(answer.status().code(),
                             absl::StrCat("cannot read the cluster: ", answer.status().message())));
  }
  findings_.live.clear();
  for (const LiveObject& live : *answer) findings_.live.push_back(SeenOf(live));
  live_ = *std::move(answer);
  FindHeldUp();
  MakeThePlan();
}

// By when they were seen first, as the clocks of cluster and agent may differ.
void EntryPass::FindHeldUp() {
  findings_.held_up.clear();
  held_up_next_ = absl::InfiniteDuration();
  DeletingSince& known = context_.deleting[ref_];
  DeletingSince since;
  const absl::Duration now = context_.loop.clock().Monotonic();
  for (const LiveObject& live : live_) {
    if (live.manifest == nullptr ||
        object::Find(*live.manifest, {"metadata", "deletionTimestamp"}) == nullptr) {
      continue;
    }
    const object::Value* finalizers = object::Find(*live.manifest, {"metadata", "finalizers"});
    if (finalizers == nullptr || !finalizers->is_array()) continue;
    const std::pair<ObjectKey, std::string> object(live.key, live.uid);
    const auto seen = known.find(object);
    const absl::Duration first = seen == known.end() ? now : seen->second;
    since.emplace(object, first);
    const absl::Duration patience = OfCollectorOnly(*finalizers) ? kCollectorAfter : kHeldUpAfter;
    if (now - first < patience) {
      held_up_next_ = std::min(held_up_next_, first + patience - now);
    } else if (findings_.held_up.size() < kHeldUpShown) {
      findings_.held_up.push_back(
          absl::StrCat(live.key.ToString(), " is being deleted since ",
                       object::FindString(*live.manifest, {"metadata", "deletionTimestamp"}),
                       " and held by its finalizers ", object::ToJson(*finalizers)));
    }
  }
  known = std::move(since);
}

PlanInput EntryPass::Input() const {
  PlanInput input;
  input.app = ref_.key.name;
  input.ns = application_.ns;
  input.policy = application_.policy;
  input.request = asked_.request;
  if (desired_ != nullptr) input.desired = desired_->objects;
  if (desired_ != nullptr) {
    for (const DesiredHook& hook : desired_->hooks) input.set_aside.insert(hook.key);
  }
  input.inventory = inventory_;
  input.live = findings_.live;
  for (const auto& [key, until] : findings_.rested) input.rested.insert(key);
  const absl::Duration now = context_.loop.clock().Monotonic();
  input.pruned_recently = context_.prunes.Count(ref_, now);
  const auto approved = context_.approved.find(ref_);
  if (approved != context_.approved.end()) input.approved = approved->second;
  for (const auto& [key, since] : memory_.unconfirmed) {
    const std::optional<absl::Time>& confirmed = application_.policy.confirmed;
    if (confirmed.has_value() && *confirmed >= since) input.confirmed.insert(key);
  }
  input.gate = context_.options.gate;
  if (InPhases() || asked_.selection.has_value()) input.gate = PlanInput::Gate::kNone;
  AddVerdicts(input);
  if (LacksNamespaceMetadata()) input.namespace_metadata = PlanInput::Metadata::kDiffers;
  return input;
}

// One that an Application has as an object is given its metadata there.
bool EntryPass::LacksNamespaceMetadata() const {
  const ObjectKey key{"", "Namespace", "", application_.ns};
  const SyncPolicy& policy = application_.policy;
  for (const LiveObject& live : live_) {
    if (live.key != key) continue;
    if (live.manifest == nullptr || !live.owner.empty()) return false;
    const auto lacks = [&](const object::Value& wanted, absl::string_view part) {
      if (!wanted.is_object()) return false;
      const object::Value* found = object::Find(*live.manifest, {"metadata", part});
      for (const auto& member : wanted.get_object()) {
        const object::Value* value = found == nullptr || !found->is_object()
                                         ? nullptr
                                         : found->get_object().if_contains(member.key());
        if (value == nullptr || !object::Equal(*value, member.value())) return true;
      }
      return false;
    };
    return lacks(policy.namespace_labels, "labels") ||
           lacks(policy.namespace_annotations, "annotations");
  }
  return false;
}

// A confirmation is of what asked for it before: one of old lets nothing new go.
void EntryPass::RememberConfirmation() {
  // What was good before says nothing of what is to be deleted.
  if (!findings_.failure.ok() || !findings_.progress.empty()) return;
  std::erase_if(memory_.unconfirmed,
                [this](const auto& asked) { return !plan_.to_confirm.contains(asked.first); });
  // Confirmations are of whole seconds: one of the second in which it is asked may well be its
  // answer, unless it is there before.
  const absl::Time now = context_.loop.clock().Now();
  absl::Time since = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  const std::optional<absl::Time>& confirmed = application_.policy.confirmed;
  if (confirmed.has_value() && *confirmed >= since && *confirmed < now) since += absl::Seconds(1);
  for (const ObjectKey& key : plan_.to_confirm) memory_.unconfirmed.emplace(key, since);
}

// No sync goes on because of objects of others.
void EntryPass::FailOnSharedObjects() {
  shared_failure_.clear();
  if (application_.policy.shared != SyncPolicy::Shared::kFail) return;
  for (const Plan::Conflict& conflict : plan_.conflicts) {
    if (conflict.owner.empty()) continue;
    shared_failure_ = absl::StrCat("FailOnSharedResource=true, and ", conflict.key.ToString(),
                                   " belongs to ", conflict.owner);
    break;
  }
  if (shared_failure_.empty()) return;
  KeepCorrectionsOnly();
  findings_.sync_failure = shared_failure_;
}

void EntryPass::MakeThePlan() {
  findings_.rested.clear();
  const absl::Duration now = context_.loop.clock().Monotonic();
  const std::map<ObjectKey, absl::Duration> rested = context_.corrections.Rested(now);
  for (const OwnedObject& owned : inventory_) {
    const auto found = rested.find(owned.key);
    if (found != rested.end()) findings_.rested.insert(*found);
  }
  PlanInput input = Input();
  if (absl::Status found = FindNeighbours(input); !found.ok()) return Fail(StorageError(found));
  plan_ = MakePlan(input);
  if (AskWhatIsIgnored() || AnswerQuestions()) return;
  // Only what is still changed counts as a conflict over it.
  std::erase_if(findings_.rested, [this](const auto& rest) {
    return !std::binary_search(plan_.drifted.begin(), plan_.drifted.end(), rest.first);
  });
  findings_.plan = &plan_;
  findings_.desired = desired_.get();
  context_.held.erase(ref_);
  if (!plan_.held.empty()) context_.held[ref_] = plan_.held;
  RememberConfirmation();

  const auto prunes = [](const PlanStep& step) { return !step.prunes.empty(); };
  waits_for_others_ =
      std::any_of(plan_.steps.begin(), plan_.steps.end(), prunes) && !context_.all_settled();
  if (waits_for_others_) {
    std::erase_if(plan_.steps, prunes);
    context_.park(ref_.key);
  }
  ObeyPolicy();
  FailOnSharedObjects();
  KeepSelected();
  if (InPhases()) return CarryOutInPhases();
  if (plan_.empty()) return Conclude(NextTime());
  CarryOut();
}

// What the hub does not know is only corrected.
bool EntryPass::InPhases() const {
  return context_.options.syncs == ReconcileOptions::Syncs::kPhases &&
         findings_.entry.head.phase == EntryPhase::kLive;
}

SyncRun::Job EntryPass::MakeJob(Plan plan) const {
  SyncRun::Job job;
  job.entry = ref_;
  job.plan = std::move(plan);
  job.desired = desired_;
  job.inventory = inventory_;
  job.former = former_;
  job.heirs = heirs_;
  if (!adjusted_.empty()) {
    job.adjusted = std::make_shared<const std::map<ObjectKey, ApplyRequest>>(adjusted_);
  }
  size_t prunes = 0;
  for (const PlanStep& step : job.plan.steps) prunes += step.prunes.size();
  if (prunes > 0 && CountsPrunes()) {
    const absl::Duration now = context_.loop.clock().Monotonic();
    EntryMemory memory = memory_;
    memory.prunes = context_.prunes.Count(ref_, now) + prunes;
    job.note = EncodeMemory(memory);
  }
  const bool background = findings_.entry.head.phase == EntryPhase::kDeleting &&
                          findings_.entry.policy == intent::DeletionPolicy::kBackground;
  if (background) job.propagation = Propagation::kBackground;
  using How = SyncPolicy::PruneHow;
  const How how = application_.policy.prune_how;
  if (findings_.entry.head.phase != EntryPhase::kDeleting && how != How::kForeground) {
    job.propagation = how == How::kOrphan ? Propagation::kOrphan : Propagation::kBackground;
  }
  job.replace = application_.policy.replace;
  job.force = application_.policy.force;
  job.namespace_key = {"", "Namespace", "", application_.ns};
  for (const SeenObject& seen : findings_.live) {
    if (seen.key == job.namespace_key) job.namespace_state = SyncRun::Job::Namespace::kThere;
  }
  if (job.plan.create_namespace) {
    job.namespace_manifest = NamespaceManifest(application_.ns, application_.policy);
  }
  return job;
}

// Neither what a tombstone deletes nor what somebody approved counts against the brake.
bool EntryPass::CountsPrunes() const {
  return findings_.entry.head.phase != EntryPhase::kDeleting && !context_.approved.contains(ref_);
}

void EntryPass::CarryOut() {
  if (plan_.content_pending && findings_.entry.head.phase != EntryPhase::kDeleting) {
    ReportRunning();
  }
  run_ = std::make_unique<SyncRun>(context_.state, context_.cluster, MakeJob(plan_),
                                   Alive(&EntryPass::OnRun));
  run_->Start();
}

void EntryPass::CountOutcome(const SyncOutcome& outcome) {
  const absl::Duration now = context_.loop.clock().Monotonic();
  for (const ObjectKey& key : outcome.corrections) {
    context_.corrections.Add(key, now);
    if (context_.events == nullptr || outcome.failures.contains(key)) continue;
    context_.events->Record(CorrectionOf(ref_.key, key, findings_.live));
  }
  if (outcome.pruned > 0 && CountsPrunes()) {
    context_.prunes.Add(ref_, outcome.pruned, now);
    memory_.prunes = context_.prunes.Count(ref_, now);
    findings_.entry.note = EncodeMemory(memory_);
  } else if (outcome.pruned > 0) {
    context_.approved.erase(ref_);
  }
}

void EntryPass::OnRun(SyncOutcome outcome) {
  CountOutcome(outcome);
  const bool deleting = findings_.entry.head.phase == EntryPhase::kDeleting;
  const bool go_on = outcome.ok() && outcome.pending == 0 && looks_ < kLooksMax;
  if (!outcome_.has_value()) outcome_.emplace();
  Merge(*outcome_, std::move(outcome));
  findings_.outcome = &*outcome_;
  if (!go_on) {
    if (absl::Status read = ReadInventory(); !read.ok()) return Fail(std::move(read));
    return Conclude(outcome_->ok() ? WorkResult::After(kPendingDeletion) : WorkResult::Retry());
  }
  if (deleting) return LookForDeletion();
  Look();
}

WorkResult EntryPass::NextTime() const {
  if (!findings_.failure.ok() && MayPass(findings_.failure)) return WorkResult::Retry();
  for (const auto& [key, why] : unsure_) {
    if (MayPass(why)) return WorkResult::Retry();
  }
  if (!plan_.waiting_for.empty() || findings_.running) return WorkResult::After(kBetweenWaves);
  const auto sync = context_.syncs.find(ref_);
  if (sync != context_.syncs.end() && sync->second.next.has_value()) {
    const absl::Duration now = context_.loop.clock().Monotonic();
    return WorkResult::After(std::max(*sync->second.next - now, absl::ZeroDuration()));
  }
  if (!findings_.rested.empty()) {
    absl::Duration next = RecentCorrections::kWindow;
    const absl::Duration now = context_.loop.clock().Monotonic();
    for (const auto& [key, until] : findings_.rested) next = std::min(next, until - now);
    return WorkResult::After(next);
  }
  const absl::Duration resync =
      std::min(context_.options.resync * (1 + context_.random.Unit()), held_up_next_);
  // By the clock on the wall, which may be put back: looked at again as often as everything.
  const absl::Duration limit_ends = limit_ends_ - context_.loop.clock().Now();
  return WorkResult::After(std::max(std::min(resync, limit_ends), kBetweenWaves));
}

void EntryPass::Fail(absl::Status failure) {
  findings_.failure = std::move(failure);
  context_.log.Warning(kRoom, "an application cannot be reconciled",
                       {{"app", ref_.key.name}, {"error", findings_.failure.message()}});
  Conclude(NextTime());
}

void EntryPass::RecordEvents(const std::optional<intent::EntryStatus>& before,
                             const intent::EntryStatus& after) {
  if (context_.events == nullptr) return;
  for (const Happening& happening :
       HappeningsOf(findings_, before, after, context_.options.events_namespace)) {
    context_.events->Record(happening);
  }
}

void EntryPass::ReportRunning() {
  findings_.running = true;
  absl::StatusOr<intent::EntryStatus> before = context_.state.FindStatus(ref_);
  std::optional<intent::EntryStatus> known;
  if (before.ok()) known = *std::move(before);
  intent::EntryStatus status = MakeStatus(findings_, known, context_.loop.clock().Now());
  findings_.running = false;
  if (known.has_value() && SameStatus(status, *known)) return;
  RecordEvents(known, status);
  // Nothing waits for it: the status at the end of the pass takes its place.
  context_.state.Commit({PutStatus{std::move(status)}}, [](const absl::Status&) {});
}

void EntryPass::Conclude(WorkResult result) {
  const EntryHead& head = findings_.entry.head;
  Transaction transaction;
  if (head.phase == EntryPhase::kLive) {
    const object::Sha256 applied = IsApplied(findings_) ? head.element : object::Sha256();
    if (applied != head.applied) transaction.push_back(MarkApplied{ref_, applied});
  }
  RememberWaves();
  memory_.prunes = context_.prunes.Count(ref_, context_.loop.clock().Monotonic());
  std::string note = EncodeMemory(memory_);
  if (note != findings_.entry.note) transaction.push_back(PutNote{ref_, std::move(note)});
  absl::StatusOr<intent::EntryStatus> before = context_.state.FindStatus(ref_);
  std::optional<intent::EntryStatus> known;
  if (before.ok()) known = *std::move(before);
  intent::EntryStatus status = MakeStatus(findings_, known, context_.loop.clock().Now());
  if (!known.has_value() || !SameStatus(status, *known)) {
    RecordEvents(known, status);
    transaction.push_back(PutStatus{std::move(status)});
  }
  AddOperationOutcomes(transaction);
  if (NextSyncMayBegin() && result.kind() == WorkResult::Kind::kAfter) {
    result = WorkResult::After(absl::ZeroDuration());
  }
  if (transaction.empty()) return WriteMirror([this, result] { done_(result); });
  context_.state.Commit(std::move(transaction),
                        [this, alive = alive_, result](const absl::Status& put) {
                          if (!*alive) return;
                          if (!put.ok()) {
                            context_.log.Error(kRoom, "cannot store a status",
                                               {{"app", ref_.key.name}, {"error", put.message()}});
                          }
                          const WorkResult next = put.ok() ? result : WorkResult::Retry();
                          WriteMirror([this, next] { done_(next); });
                        });
}

}  // namespace leidang::agent
