#include "tests/sim/fleet/fleet_bed.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "common/base/check.h"
#include "common/tree/tree_manifest.h"
#include "hub/ledger/entry_codec.h"
#include "hub/ledger/records.h"
#include "hub/store/index_contract.h"
#include "hub/store/records.h"

namespace leidang::sim {
namespace {

// Longer than any way from a change of mind to a cluster: polls, retries, a hub or agent that is
// away.
constexpr absl::Duration kSettled = absl::Minutes(40);
// An hour, less the time that a deletion may be on its way.
constexpr absl::Duration kBrakeWindow = absl::Minutes(50);
// Much more often than in a hub that is shipped, so that it meets everything.
constexpr absl::Duration kSweeps = absl::Minutes(4);

// A matrix of directories and clusters, and a set that reads files.
constexpr char kSets[] = R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: matrix, annotations: {leidang.dev/max-deletions: '$max'}}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
  - matrix:
      generators:
      - git:
          repoURL: https://git.example/apps.git
          revision: main
          directories: [{path: apps/*}]
      - clusters:
          selector: {matchLabels: {env: dev}}
  template:
    metadata: {name: '{{.path.basename}}-{{.name}}'}
    spec:
      project: default
      source: {repoURL: 'https://git.example/apps.git', targetRevision: main, path: '{{.path.path}}'}
      destination: {name: '{{.name}}', namespace: default}
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: files, annotations: {leidang.dev/max-deletions: '$max'}}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
  - git:
      repoURL: https://git.example/config.git
      revision: main
      files: [{path: 'conf/*.yaml'}]
  template:
    metadata: {name: 'f-{{.app}}'}
    spec:
      project: default
      source: {repoURL: 'https://git.example/config.git', targetRevision: main, path: base}
      destination: {name: '{{.cluster}}', namespace: default}
)";

std::string ConfigMap(uint64_t value) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {value: \"",
                      value, "\"}\n");
}

// Adds the content that an assignment needs; `missing` tells what is not there.
void Need(const intent::Assignment& assignment, const hub::Store& store,
          std::set<object::Sha256>* needed, std::string* missing) {
  for (const intent::Source& source : assignment.sources) {
    if (source.tree.IsNone()) continue;
    needed->insert(source.tree);
    const absl::StatusOr<std::string> encoded = store.GetContent(source.tree);
    if (!encoded.ok()) {
      *missing = absl::StrCat("the tree of ", assignment.key.name, " is not stored");
      continue;
    }
    const absl::StatusOr<tree::TreeManifest> manifest = tree::Parse(*encoded);
    for (const tree::TreeFile& file : manifest->files) {
      needed->insert(file.digest);
      if (!*store.HasContent(file.digest))
        *missing = absl::StrCat(file.path, " of ", assignment.key.name, " is not stored");
    }
  }
}

}  // namespace

// Tells nobody that an agent is there: what could not be sent at once is never sent.
class FleetBed::SendsOnce final : public hub::SessionObserver {
 public:
  SendsOnce(EventLoop& loop, hub::Operations& operations) : courier_(loop, operations) {}

  void OnSessionLive(const intent::ClusterId&) override {}
  void OnSessionEnded(const intent::ClusterId&) override {}
  void OnOperationUpdate(const intent::ClusterId& cluster, const hub::OperationId& id,
                         v1::OperationUpdate::State state, const std::string& message) override {
    courier_.OnOperationUpdate(cluster, id, state, message);
  }
  void OnStatuses(const intent::ClusterId&, const std::vector<intent::EntryStatus>&) override {}

 private:
  hub::OperationCourier courier_;
};

FleetBed::FleetBed(uint64_t seed, Mutant mutant, Trace::Output output)
    : mutant_(mutant), random_(seed), agent_random_(seed + 1), trace_(loop_, output) {
  if (mutant == Mutant::kEmptyOnError) mutated_ = std::make_unique<EmptyOnError>(git_);
  testing::TestHub::Options options;
  options.seed = seed + 2;
  options.on_serving = [this](hub::Store& store) { OnServing(store); };
  options.on_hold = [this] { Hold(); };
  options.on_end = [this] { OnEnd(); };
  options.presence = [this](const intent::ClusterId& id) {
    if (table_ == nullptr) return hub::LinkPresence();
    const hub::ClusterView view = table_->View(id);
    return hub::LinkPresence{view.session_epoch != 0, view.last_seen};
  };
  options.sweep_interval =
      mutant == Mutant::kContentNeverSwept ? absl::InfiniteDuration() : kSweeps;
  hub_ = mutated_ == nullptr ? std::make_unique<testing::TestHub>(loop_, git_, options)
                             : std::make_unique<testing::TestHub>(loop_, *mutated_, options);
}

FleetBed::~FleetBed() {
  agents_.clear();
  hub_->Kill();
}

void FleetBed::OnServing(hub::Store& store) {
  hub_loop_ = std::make_unique<MortalLoop>(loop_);
  operations_ = std::make_unique<hub::Operations>(hub::Operations::Ports{
      *hub_loop_, hub_->records(), store, random_,
      [this](const intent::ClusterId& cluster, const hub::OperationRequest& request,
             const std::function<void(absl::Status)>& sent) {
        sent(table_->Send(cluster, request));
      },
      [this](const intent::ClusterId& cluster, const hub::OperationId& id) {
        if (table_ != nullptr) table_->AcknowledgeOperation(cluster, id);
      }});
  if (mutant_ == Mutant::kSendOnce) {
    courier_ = std::make_unique<SendsOnce>(*hub_loop_, *operations_);
  } else {
    courier_ = std::make_unique<hub::OperationCourier>(*hub_loop_, *operations_);
  }
  table_ = std::make_unique<hub::SessionTable>(loop_, store, hub::SessionOptions(), courier_.get());
  operations_->Start();
  Hold();
  OpenEdge();
}

void FleetBed::OnEnd() {
  edge_.Close();
  table_.reset();
  courier_.reset();
  operations_.reset();
  hub_loop_.reset();
}

void FleetBed::OpenEdge() {
  edge_.Open(table_.get(),
             [this](const intent::ClusterId& id) { return hub_->admitted().contains(id); });
}

void FleetBed::Hold() {
  if (table_ == nullptr || mutant_ == Mutant::kNoHold) return;
  table_->Hold(hub_->held(), hub_->surveys(),
               [this](const intent::ClusterId& id, const hub::Difference& difference) {
                 loop_.Post([this, id, difference] {
                   if (hub_->up()) hub_->recovery().OnSurvey(id, difference);
                 });
               });
}

void FleetBed::Begin(const std::map<std::string, std::string>& clusters,
                     const std::set<std::string>& directories,
                     const std::map<std::string, std::string>& files, Brakes brakes) {
  checks_brakes_ = brakes == Brakes::kOn;
  brakes_ = mutant_ == Mutant::kSetBrakeOff ? Brakes::kLifted : brakes;
  CommitApps(directories);
  CommitConfig(files);
  StartHub();
  for (const auto& [cluster, env] : clusters) AddCluster(cluster, env);
  ApplySets();
  Pass(absl::Minutes(10));
}

void FleetBed::AddCluster(const std::string& cluster, const std::string& env) {
  Label(cluster, env);
  CHECK(hub_->Join(cluster).ok());
  ids_[cluster] = hub_->IdOf(cluster);
  agents_[cluster] =
      std::make_unique<testing::FleetAgent>(loop_, agent_random_, edge_, ids_.at(cluster));
  agents_[cluster]->Start();
}

std::vector<std::string> FleetBed::clusters() const {
  std::vector<std::string> names;
  for (const auto& [name, agent] : agents_) names.push_back(name);
  return names;
}

hub::ClusterView FleetBed::View(const std::string& cluster) const {
  return table_->View(ids_.at(cluster));
}

void FleetBed::Fail(absl::string_view rule, absl::string_view what) {
  if (!violation_.has_value())
    violation_ = absl::StrCat(rule, ": ", what, " at ", absl::FormatDuration(Now()));
}

void FleetBed::Expect(bool holds, absl::string_view rule, absl::string_view what) {
  if (!holds) Fail(rule, what);
}

RunResult FleetBed::Result() const {
  return {.violation = violation_,
          .digest = trace_.digest(),
          .steps = loop_.steps(),
          .changes = changes_,
          .virtual_time = loop_.clock().Monotonic(),
          .faults = {},
          .deeds = {}};
}

absl::Duration FleetBed::Between(absl::Duration low, absl::Duration high) {
  return low + (high - low) * random_.Unit();
}

void FleetBed::Pass(absl::Duration time) {
  // Somebody looks at the clusters all the while.
  const absl::Duration end = Now() + time;
  while (!violation_.has_value() && Now() < end) {
    loop_.RunFor(std::min(absl::Milliseconds(500), end - Now()));
    for (const auto& [cluster, agent] : agents_) Look(cluster, *agent);
  }
}

void FleetBed::Look(const std::string& cluster, const testing::FleetAgent& agent) {
  // Nearly always all is as it was: nothing is copied to find that.
  Standing& seen = standing_[cluster];
  const auto same = [](const auto& object, const intent::EntryKey& key) {
    return object.first == key;
  };
  if (std::equal(agent.objects().begin(), agent.objects().end(), seen.objects.begin(),
                 seen.objects.end(), same))
    return;
  seen.objects.clear();
  for (const auto& [key, object] : agent.objects()) seen.objects.push_back(key);
  const std::vector<std::string> now = agent.Standing();
  std::vector<std::string>& before = seen.names;
  if (now == before) return;
  for (const std::string& name : before) {
    if (std::binary_search(now.begin(), now.end(), name)) continue;
    Note(absl::StrCat("gone from ", cluster, ": ", name));
    CheckBrake(cluster, before.size());
    const absl::Duration since = wishes_.Since(cluster, name);
    if (since + kSettled > Now()) continue;
    Fail("ErrorIsNotEmpty",
         absl::StrCat(name, " went from cluster ", cluster, ", and has been wanted there since ",
                      absl::FormatDuration(since)));
  }
  Note(absl::StrCat("on ", cluster, ": ", absl::StrJoin(now, " ")));
  before = now;
}

// More than half of a cluster, and at least three, do not go within an hour unasked.
void FleetBed::CheckBrake(const std::string& cluster, size_t standing) {
  if (!checks_brakes_) return;
  std::deque<absl::Duration>& gone = gone_[cluster];
  while (!gone.empty() && gone.front() + kBrakeWindow <= Now()) gone.pop_front();
  gone.push_back(Now());
  if (gone.size() >= 3 && gone.size() * 2 > standing + gone.size() - 1)
    Fail("BrakeHolds", absl::StrCat(gone.size(), " Applications went from cluster ", cluster,
                                    " within an hour, and ", standing - 1, " are left"));
}

void FleetBed::Push(const std::string& url, const hub::FakeGitSource::Files& files) {
  tips_[url] = git_.Commit(url, "main", files);
}

void FleetBed::CommitApps(const std::set<std::string>& names) {
  ++changes_;
  hub::FakeGitSource::Files files = {{"README.md", {"apps"}}};
  for (const std::string& name : names)
    files[absl::StrCat("apps/", name, "/cm.yaml")] = {ConfigMap(random_.Below(3))};
  Push(kAppsUrl, files);
  wishes_.SetDirectories(names);
  wishes_.Date(Now());
  Note(absl::StrCat("apps: ", absl::StrJoin(names, " ")));
}

void FleetBed::CommitConfig(const std::map<std::string, std::string>& places) {
  ++changes_;
  hub::FakeGitSource::Files files = {{"base/cm.yaml", {ConfigMap(1)}}};
  for (const auto& [app, cluster] : places)
    files[absl::StrCat("conf/", app, ".yaml")] = {
        absl::StrCat("app: ", app, "\ncluster: ", cluster, "\n")};
  config_ = files;
  Push(kConfigUrl, files);
  wishes_.SetFiles(places);
  wishes_.Date(Now());
  Note("config");
}

void FleetBed::Label(const std::string& cluster, const std::string& env) {
  ++changes_;
  Register(cluster, env);
  wishes_.SetLabel(cluster, env);
  wishes_.Date(Now());
  Note(absl::StrCat("label ", cluster, " ", env));
}

void FleetBed::RemoveCluster(const std::string& cluster) {
  ++changes_;
  Note(absl::StrCat("remove ", cluster));
  const absl::StatusOr<uint64_t> removed = hub_->DeleteCluster(cluster);
  if (!removed.ok()) return Fail("Liveness", removed.status().ToString());
  agents_.erase(cluster);
  standing_.erase(cluster);
  wishes_.Forget(cluster);
}

void FleetBed::Register(const std::string& cluster, const std::string& env) {
  hub::Desk::Registration registration;
  registration.name = cluster;
  registration.labels = {{"env", env}};
  if (brakes_ == Brakes::kLifted)
    registration.annotations = {{"leidang.dev/max-deletions", "unlimited"}};
  const auto registered = hub_->Register(registration);
  if (!registered.ok()) Fail("Liveness", registered.status().ToString());
}

void FleetBed::ApplySets() {
  const std::string max = brakes_ == Brakes::kLifted ? "unlimited" : "";
  const absl::Status applied = hub_->Apply(absl::StrReplaceAll(kSets, {{"$max", max}}));
  if (!applied.ok()) Fail("Liveness", applied.ToString());
}

std::optional<hub::OperationId> FleetBed::AskForSync(const std::string& application,
                                                     absl::Duration lifetime,
                                                     MayRefuse may_refuse) {
  auto answer = std::make_shared<std::optional<absl::StatusOr<hub::OperationRecord>>>();
  operations_->Request(
      {.application = application, .lifetime = lifetime}, {"test", ""},
      [answer](absl::StatusOr<hub::OperationRecord> record) { *answer = std::move(record); });
  CHECK(loop_.RunUntil([&] { return answer->has_value(); }, absl::Minutes(1)));
  if ((*answer)->ok()) return (**answer)->id;
  if (may_refuse == MayRefuse::kNo)
    Fail("Liveness",
         absl::StrCat("a sync of ", application, " is refused: ", (*answer)->status().ToString()));
  return std::nullopt;
}

void FleetBed::Poll() { hub_->repositories().Refresh(std::nullopt); }

void FleetBed::LoseDerivedData() {
  hub_->DropDerivedData();
  if (mutant_ != Mutant::kEndsForgotten) return;
  const std::string prefix = hub::EntriesPrefix(hub::kPendingDeletionsPrefix);
  hub::RowBatch lost;
  CHECK(hub_->ledger_disk()
            .Reveal(nullptr)
            ->Scan(hub::Family::kLedger, prefix, "",
                   [&](absl::string_view key, absl::string_view) {
                     if (!absl::StartsWith(key, prefix)) return false;
                     lost.Delete(hub::Family::kLedger, std::string(key));
                     return true;
                   })
            .ok());
  CHECK(hub_->ledger_disk().Persist(std::move(lost), hub::Durability::kSynced).ok());
}

void FleetBed::ResumeDormant(const std::string& cluster) {
  if (mutant_ != Mutant::kResumeDormant) return;
  hub::MemoryRows& disk = hub_->store_disk();
  const std::string key = hub::LogKey(ids_.at(cluster), 0);
  const auto row = disk.Reveal(nullptr)->Get(hub::Family::kLog, key);
  CHECK(row.ok() && row->has_value());
  absl::StatusOr<hub::LogHeader> header = hub::DecodeLogHeader(key, **row);
  CHECK(header.ok());
  header->resumable_from = 0;
  CHECK(disk.Overwrite(hub::Family::kLog, key, hub::EncodeLogHeader(*header)));
}

void FleetBed::StartHub() {
  hub_->Start();
  if (!loop_.RunUntil([this] { return hub_->up(); }, absl::Minutes(10)))
    Fail("Liveness", "the hub does not get up");
}

void FleetBed::Cut() {
  if (table_ == nullptr) return;
  edge_.Close();
  OpenEdge();
}

void FleetBed::MendGit() {
  for (const char* url : {kAppsUrl, kConfigUrl}) git_.SetFetchError(url, absl::OkStatus());
}

void FleetBed::RemoveBranch(const char* url) { git_.SetRef(url, "refs/heads/main", hub::GitId()); }

void FleetBed::RestoreBranch(const char* url) {
  git_.SetRef(url, "refs/heads/main", tips_.at(url));
}

void FleetBed::Calm(absl::Duration limit) {
  if (failed()) return;
  Note("calm");
  MendGit();
  for (const char* url : {kAppsUrl, kConfigUrl}) RestoreBranch(url);
  Push(kConfigUrl, config_);
  if (!hub_->running()) hub_->Start();
  for (const auto& [cluster, agent] : agents_) {
    if (!agent->up()) agent->Start();
  }
  if (!hub_->up()) Pass(absl::Minutes(30));
  if (!hub_->up()) return Fail("Liveness", "the hub does not get up");
  // What the hub knows now is not old any more: what it holds back may go.
  checks_brakes_ = false;
  if (brakes_ == Brakes::kOn) {
    Pass(absl::Minutes(20));
    brakes_ = Brakes::kLifted;
    for (const auto& [cluster, env] : wishes_.labels()) Register(cluster, env);
  }
  ApplySets();
  const std::string unrest = Settle(limit);
  if (!unrest.empty())
    Fail("Liveness", absl::StrCat("after ", absl::FormatDuration(limit), " of calm: ", unrest));
  if (failed()) return;
  const std::string missing = ContentOfHub().missing;
  Expect(missing.empty(), "Liveness", missing);
  const std::string differs = hub::IndexDiffers(hub_->store(), {});
  Expect(differs.empty(), "ProofIsHonest", differs);
  Note(hub_->Picture(testing::TestHub::Reasons::kLeftOut));
}

FleetBed::ContentFacts FleetBed::ContentOfHub() const {
  const hub::Store& store = hub_->store();
  ContentFacts facts;
  std::set<object::Sha256> needed;
  for (const hub::ClusterLog& log : store.Logs()) {
    const absl::StatusOr<hub::Page<hub::LiveAssignment>> live = store.Assignments(log.cluster, {});
    for (const hub::LiveAssignment& entry : live->items)
      Need(entry.assignment, store, &needed, &facts.missing);
  }
  const absl::StatusOr<hub::Page<object::Sha256>> content = store.Content({});
  for (const object::Sha256& digest : content->items)
    facts.unneeded += needed.contains(digest) ? 0 : 1;
  return facts;
}

std::string FleetBed::Settle(absl::Duration limit) {
  const absl::Duration deadline = Now() + limit;
  std::string unrest = "nothing was looked at";
  while (!unrest.empty() && !failed() && Now() < deadline) {
    Pass(absl::Seconds(10));
    unrest = Unrest();
  }
  return unrest;
}

std::string FleetBed::Unrest() const {
  if (!hub_->up() || table_ == nullptr) return "the hub is not up";
  if (!hub_->Quiet()) return "the hub is busy";
  for (const auto& [cluster, agent] : agents_) {
    const std::set<std::string> wanted = wishes_.On(cluster);
    const std::vector<std::string> standing = agent->Standing();
    if (!std::equal(wanted.begin(), wanted.end(), standing.begin(), standing.end()))
      return absl::StrCat("cluster ", cluster, " has ", absl::StrJoin(standing, " "), ", not ",
                          absl::StrJoin(wanted, " "));
    const hub::LinkVerdict verdict = View(cluster).verdict;
    if (verdict != hub::LinkVerdict::kInSync)
      return absl::StrCat("cluster ", cluster, " is ", hub::LinkVerdictName(verdict));
  }
  return "";
}

}  // namespace leidang::sim
