#include "tests/support/hub/test_hub.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "common/base/check.h"
#include "common/yaml/yaml.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/memory_store.h"
#include "tests/support/hub/faulty_store.h"

namespace leidang::testing {
namespace {

constexpr absl::Duration kAnswerMax = absl::Minutes(5);

// Work of a process that has ended is not run.
class ProcessWorkers final : public Workers {
 public:
  explicit ProcessWorkers(EventLoop& loop) : loop_(loop) {}
  ~ProcessWorkers() override { *alive_ = false; }
  void Run(std::function<void()> work) override {
    loop_.Post([alive = alive_, work = std::move(work)] {
      if (*alive) work();
    });
  }

 private:
  EventLoop& loop_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

std::unique_ptr<hub::MemoryRows> CopyOf(hub::MemoryRows& rows) {
  hub::RowBatch all;
  const std::shared_ptr<const hub::RowView> view = rows.Reveal(nullptr);
  for (size_t i = 0; i < hub::kFamilies; ++i) {
    const auto family = static_cast<hub::Family>(i);
    CHECK(view->Scan(family, "", "",
                     [&](absl::string_view key, absl::string_view value) {
                       all.Put(family, std::string(key), std::string(value));
                       return true;
                     })
              .ok());
  }
  auto copy = std::make_unique<hub::MemoryRows>();
  CHECK(copy->Persist(std::move(all), hub::Durability::kSynced).ok());
  copy->Reveal(nullptr);
  return copy;
}

std::vector<std::string> Words(const std::vector<hub::Condition>& conditions) {
  std::vector<std::string> words;
  for (const hub::Condition& c : conditions) words.push_back(absl::StrCat(c.type, "=", c.reason));
  return words;
}

}  // namespace

struct TestHub::Process {
  explicit Process(SimLoop& loop) : workers(loop) {}

  ProcessWorkers workers;
  std::unique_ptr<hub::Ledger> ledger;
  std::unique_ptr<hub::Store> store;
  std::unique_ptr<hub::ControlPlane> plane;
  bool serving = false;
};

TestHub::TestHub(SimLoop& loop, hub::GitSource& git, Options options)
    : loop_(loop), git_(git), options_(std::move(options)), random_(options_.seed) {}

TestHub::~TestHub() { Kill(); }

void TestHub::Kill() {
  if (process_ == nullptr) return;
  if (std::exchange(process_->serving, false) && options_.on_end) options_.on_end();
  // What is being written now is not answered any more.
  process_->plane.reset();
  process_.reset();
  admitted_.clear();
}

void TestHub::DropDerivedData() {
  CHECK(process_ == nullptr);
  disks_.store = std::make_unique<hub::MemoryRows>();
}

TestHub::Disks TestHub::Backup() const {
  return {.ledger = CopyOf(*disks_.ledger), .store = CopyOf(*disks_.store)};
}

void TestHub::Restore(Disks disks) {
  CHECK(process_ == nullptr);
  disks_ = std::move(disks);
}

bool TestHub::up() const { return process_ != nullptr && process_->plane->looking(); }

void TestHub::Start() {
  CHECK(process_ == nullptr);
  process_ = std::make_unique<Process>(loop_);
  Process& p = *process_;
  p.ledger = *hub::OpenLedger(disks_.ledger.get(), &loop_, {.commit_delay = absl::Milliseconds(1)});
  absl::StatusOr<std::unique_ptr<hub::Store>> store =
      hub::OpenMemoryStore(disks_.store.get(), &loop_, {.commit_delay = options_.store_delay});
  CHECK(store.ok());
  p.store = *std::move(store);
  if (options_.on_commit)
    p.store = std::make_unique<FaultyStore>(std::move(p.store), options_.on_commit);
  p.plane = std::make_unique<hub::ControlPlane>(
      hub::ControlPlane::Parts{loop_, p.workers, *p.ledger, *p.store, git_, random_, log_},
      hub::ControlPlane::Options{options_.polling, options_.config, options_.part_bytes,
                                 options_.sweep_interval, options_.dormancy},
      hub::ControlPlane::Hooks{
          [this](const std::set<intent::ClusterId>& clusters) { admitted_ = clusters; },
          [this](const intent::ClusterId& id) { gone_.push_back(id); },
          [this](const std::set<intent::ClusterId>& held, hub::Surveys when) {
            held_ = held;
            surveys_ = when;
            if (options_.on_hold) options_.on_hold();
          },
          options_.presence});
  p.plane->Load(*intent::HubId::FromRaw(random_.Bytes(16)), [this](const absl::Status& loaded) {
    CHECK(loaded.ok());
    process_->plane->Start([this](const absl::Status& started) {
      CHECK(started.ok());
      process_->serving = true;
      if (options_.on_serving) options_.on_serving(*process_->store);
    });
  });
}

bool TestHub::Quiet() const { return process_ != nullptr && process_->plane->quiet(); }

bool TestHub::Settle(absl::Duration limit) {
  // What an answer has just begun is not under way yet.
  loop_.RunFor(absl::Milliseconds(20));
  return loop_.RunUntil([this] { return Quiet(); }, limit);
}

template <typename Answer>
Answer TestHub::Await(const std::function<void(std::function<void(Answer)>)>& start) {
  auto answer = std::make_shared<std::optional<Answer>>();
  start([answer](Answer given) { *answer = std::move(given); });
  CHECK(loop_.RunUntil([&answer] { return answer->has_value(); }, kAnswerMax));
  return *std::move(*answer);
}

std::vector<hub::Desk::Applied> TestHub::ApplyAll(absl::string_view yaml, const std::string& owner,
                                                  hub::Desk::Mode mode) {
  const absl::StatusOr<std::vector<yaml::Document>> documents =
      yaml::ParseYamlStream(yaml, "test.yaml");
  CHECK(documents.ok());
  std::vector<object::Value> manifests;
  for (const yaml::Document& document : *documents) manifests.push_back(document.value);
  return Await<std::vector<hub::Desk::Applied>>(
      [&](auto done) { desk().Apply(manifests, owner, {"test", ""}, mode, std::move(done)); });
}

absl::Status TestHub::Apply(absl::string_view yaml, const std::string& owner) {
  for (const hub::Desk::Applied& applied : ApplyAll(yaml, owner)) {
    if (applied.outcome.ok()) continue;
    return absl::Status(applied.outcome.status().code(),
                        absl::StrCat(applied.name, ": ", applied.outcome.status().message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> TestHub::Delete(hub::WrittenKind kind, const std::string& key,
                                         std::optional<uint64_t> confirm,
                                         std::optional<intent::DeletionPolicy> policy) {
  return Await<absl::StatusOr<uint64_t>>([&](auto done) {
    desk().Delete({kind, key}, confirm, policy, hub::kApiOwner, {"test", ""}, std::move(done));
  });
}

absl::StatusOr<uint64_t> TestHub::DeleteCluster(const std::string& name,
                                                std::optional<intent::DeletionPolicy> policy) {
  return Await<absl::StatusOr<uint64_t>>([&](auto done) {
    desk().DeleteCluster(name, policy, hub::kApiOwner, {"test", ""}, std::move(done));
  });
}

absl::StatusOr<hub::Desk::Registered> TestHub::Register(
    const hub::Desk::Registration& registration) {
  return Await<absl::StatusOr<hub::Desk::Registered>>(
      [&](auto done) { desk().Register(registration, {"test", ""}, std::move(done)); });
}

absl::Status TestHub::Register(const std::string& name, absl::string_view labels) {
  hub::Desk::Registration registration;
  registration.name = name;
  for (const absl::string_view label : absl::StrSplit(labels, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(label, absl::MaxSplits('=', 1));
    registration.labels.insert(parts);
  }
  return Register(registration).status();
}

absl::Status TestHub::Join(const std::string& name) {
  return Await<absl::Status>(
      [&](auto done) { records().MarkJoined(IdOf(name), loop_.clock().Now(), std::move(done)); });
}

void TestHub::AgentCatchesUp(const std::string& name) {
  const intent::ClusterId id = IdOf(name);
  const absl::StatusOr<hub::ClusterLog> log = process_->store->Log(id);
  CHECK(log.ok());
  hub::WriteBatch batch;
  batch.AckedThrough(id, log->authority, log->head);
  const auto tombstones = process_->store->Tombstones(id);
  CHECK(tombstones.ok());
  for (const hub::PendingTombstone& pending : *tombstones)
    batch.ReportedGone(id, pending.tombstone.key, pending.tombstone.uid);
  const absl::Status committed = Await<absl::Status>([&](auto done) {
    process_->store->Commit(std::move(batch), &loop_,
                            [done](const hub::CommitResult& result) { done(result.status); });
  });
  CHECK(committed.ok());
  loop_.RunFor(absl::Milliseconds(20));
}

absl::Status TestHub::Decide(hub::BrakeDesk::Verdict verdict, const std::string& digest) {
  return Await<absl::StatusOr<hub::Brakes::Held>>(
             [&](auto done) { brakes().Decide(verdict, digest, {"test", ""}, std::move(done)); })
      .status();
}

std::string TestHub::Picture(Reasons reasons) const {
  std::vector<std::string> lines;
  for (const auto& [id, cluster] : records().clusters()) {
    const auto root = process_->store->Root(id);
    const auto log = process_->store->Log(id);
    lines.push_back(absl::StrCat("cluster ", cluster.name, " root ",
                                 root.ok() ? root->Hex() : root.status().ToString(), " tombstones ",
                                 log.ok() ? log->tombstones : 0));
  }
  hub::PageRequest page;
  page.limit = hub::kPageLimitMax;
  const auto applications = process_->store->Applications(page);
  CHECK(applications.ok());
  for (const hub::DerivedApplication& a : applications->items) {
    lines.push_back(absl::StrCat(
        "application ", a.key, " of ", a.set, " uid ", a.uid.Hex(), " on ", a.cluster.Hex(), " ",
        reasons == Reasons::kShown ? absl::StrJoin(Words(a.conditions), " ") : ""));
  }
  for (const auto& [key, deletion] : records().pending_deletions()) {
    lines.push_back(absl::StrCat("pending ", deletion.key.ToString(), " uid ", deletion.uid.Hex(),
                                 " on ", deletion.cluster.Hex(), " policy ",
                                 static_cast<int>(deletion.policy)));
  }
  return absl::StrJoin(lines, "\n");
}

std::vector<std::string> TestHub::On(const std::string& cluster) const {
  hub::PageRequest page;
  page.limit = hub::kPageLimitMax;
  const auto live = process_->store->Assignments(IdOf(cluster), page);
  CHECK(live.ok());
  std::vector<std::string> names;
  for (const hub::LiveAssignment& entry : live->items) {
    const intent::EntryKey& key = entry.assignment.key;
    if (key.kind == intent::EntryKind::kApplication)
      names.push_back(key.name.substr(key.name.find('/') + 1));
  }
  return names;
}

std::vector<std::string> TestHub::SetConditions(const std::string& set) const {
  const hub::OwnerReport* report = owners().Report({hub::WrittenKind::kApplicationSet, set});
  return report == nullptr ? std::vector<std::string>{"not looked at"} : Words(report->conditions);
}

const hub::Condition* TestHub::SetCondition(const std::string& set, absl::string_view type) const {
  const hub::OwnerReport* report = owners().Report({hub::WrittenKind::kApplicationSet, set});
  if (report == nullptr) return nullptr;
  for (const hub::Condition& condition : report->conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

std::vector<std::string> TestHub::AppConditions(const std::string& application) const {
  const auto found = process_->store->Application(application);
  return found.ok() ? Words(found->conditions) : std::vector<std::string>{"no such Application"};
}

intent::ClusterId TestHub::IdOf(const std::string& cluster) const {
  const hub::ClusterRegistration* registration = records().ClusterNamed(cluster);
  CHECK(registration != nullptr);
  return registration->id;
}

hub::FleetRecords& TestHub::records() const { return process_->plane->records(); }
hub::Store& TestHub::store() const { return *process_->store; }
hub::OwnerReconciler& TestHub::owners() const { return process_->plane->owners(); }
hub::Repositories& TestHub::repositories() const { return process_->plane->repositories(); }
hub::SharedEntries& TestHub::shared() const { return process_->plane->shared(); }
hub::ConfigRepository& TestHub::config() const { return *process_->plane->config(); }
hub::Desk& TestHub::desk() const { return process_->plane->desk(); }
hub::Ledger& TestHub::ledger() const { return *process_->ledger; }
hub::BrakeDesk& TestHub::brakes() const { return process_->plane->brakes(); }
hub::UnclaimedDesk& TestHub::unclaimed() const { return process_->plane->unclaimed(); }
hub::Recovery& TestHub::recovery() const { return process_->plane->recovery(); }

}  // namespace leidang::testing
