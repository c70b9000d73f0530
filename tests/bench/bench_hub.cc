#include "tests/bench/bench_hub.h"

#include <future>
#include <utility>

#include "absl/time/clock.h"

#include "common/base/status_macros.h"
#include "hub/ledger/row_ledger.h"

namespace leidang::bench {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(5);

}  // namespace

BenchHub::BenchHub(std::string directory, ThreadLoop& sessions, testing::InProcessEdge& edge,
                   const hub::SessionOptions& options)
    : directory_(std::move(directory)),
      sessions_(sessions),
      edge_(edge),
      options_(options),
      log_(clock_, {.level_min = LogLevel::kWarning}) {}

BenchHub::~BenchHub() {
  if (table_ != nullptr) {
    OnLoop(sessions_, [this] {
      edge_.Close();
      table_.reset();
    });
  }
  if (git_ != nullptr) git_->Shutdown();
  workers_.Stop();
  control_.Stop();
  commits_.Stop();
}

absl::Status BenchHub::Start(Derived derived) {
  hub::DatabaseOptions options;
  options.directory = directory_ + "/store";
  options.new_hub_id = *intent::HubId::FromRaw(random_.Bytes(16));
  ASSIGN_OR_RETURN(database_, hub::RocksDatabase::Open(options, clock_));
  if (derived == Derived::kDeleted) RETURN_IF_ERROR(database_->DeleteDerived());
  ASSIGN_OR_RETURN(ledger_, hub::OpenLedger(database_->rows(), &commits_));
  ASSIGN_OR_RETURN(store_, hub::OpenRocksStore(*database_, &commits_));
  hub::MirrorSettings mirrors;
  mirrors.directory = directory_ + "/mirrors";
  ASSIGN_OR_RETURN(git_, hub::MirrorGitSource::Create(mirrors, clock_));
  RETURN_IF_ERROR(AwaitOn(control_, [&](auto done) {
    plane_ = std::make_unique<hub::ControlPlane>(
        hub::ControlPlane::Parts{control_, workers_, *ledger_, *store_, *git_, random_, log_},
        hub::ControlPlane::Options{},
        hub::ControlPlane::Hooks{[this](const std::set<intent::ClusterId>& clusters) {
                                   sessions_.Post([this, clusters] { admitted_ = clusters; });
                                 },
                                 [](const intent::ClusterId&) {},
                                 [](const std::set<intent::ClusterId>&, hub::Surveys) {}});
    plane_->Load(database_->hub_id(), std::move(done));
  }));
  RETURN_IF_ERROR(AwaitOn(control_, [&](auto done) { plane_->Start(std::move(done)); }));
  OnLoop(sessions_, [this] {
    table_ = std::make_unique<hub::SessionTable>(sessions_, *store_, options_, nullptr);
    edge_.Open(table_.get(),
               [this](const intent::ClusterId& id) { return admitted_.contains(id); });
  });
  return absl::OkStatus();
}

void BenchHub::OnControl(const std::function<void()>& fn) { OnLoop(control_, fn); }

bool BenchHub::WaitQuiet(absl::Duration limit) {
  const absl::Duration end = clock_.Monotonic() + limit;
  while (clock_.Monotonic() < end) {
    bool quiet = false;
    OnControl([&] { quiet = plane_->quiet(); });
    if (quiet) return true;
    absl::SleepFor(kLook);
  }
  return false;
}

absl::Status BenchHub::Apply(const std::vector<object::Value>& manifests) {
  return AwaitOn(control_, [&](const auto& done) {
    plane_->desk().Apply(manifests, hub::kApiOwner, {"bench", ""}, hub::Desk::Mode::kApply,
                         [done](const std::vector<hub::Desk::Applied>& applied) {
                           for (const hub::Desk::Applied& one : applied) {
                             if (!one.outcome.ok()) return done(one.outcome.status());
                           }
                           done(absl::OkStatus());
                         });
  });
}

std::vector<hub::ClusterView> BenchHub::Views() {
  std::vector<hub::ClusterView> views;
  OnLoop(sessions_, [&] { views = table_->Views(); });
  return views;
}

}  // namespace leidang::bench
