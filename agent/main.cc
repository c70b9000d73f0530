// leidang-agent: flags and wiring. What it does is in agent/reconcile and agent/link.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "agent/link/content_fetcher.h"
#include "agent/link/grpc/certificate_keeper.h"
#include "agent/link/grpc/grpc_transport.h"
#include "agent/link/grpc/join.h"
#include "agent/link/link.h"
#include "agent/options.h"
#include "agent/policy/policy_file.h"
#include "agent/reconcile/fleet_settings.h"
#include "agent/reconcile/reconciler.h"
#include "agent/render/kustomize.h"
#include "agent/render/renderer.h"
#include "agent/scripts/custom_health.h"
#include "agent/scripts/script_worker.h"
#include "agent/scripts/worker_main.h"
#include "agent/state/sqlite_state.h"
#include "agent/target.h"
#include "agent/trust.h"
#include "common/base/library_mutexes.h"
#include "common/base/status_macros.h"
#include "common/log/stderr_log.h"
#include "common/process/program.h"
#include "common/process/startup_code.h"
#include "common/random/random.h"
#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "common/time/waiting.h"
#include "common/time/workers.h"

namespace leidang::agent {
namespace {

// By then an agent is connected and has looked at its cluster, unless something is amiss.
constexpr absl::Duration kStartupOver = absl::Seconds(3);
constexpr absl::Duration kTrustInterval = absl::Seconds(2);

std::string FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const absl::string_view folder :
       absl::StrSplit(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", ':')) {
    const std::string candidate = absl::StrCat(folder, "/", name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return name;
}

// An agent that has joined needs no token any more, and ignores one that it is still given.
absl::StatusOr<Membership> JoinOnce(const AgentOptions& options, const std::string& identity,
                                    Log& log) {
  absl::StatusOr<Membership> membership = ReadMembership(identity);
  if (!absl::IsNotFound(membership.status())) return membership;
  if (options.join_token.empty() || options.hub.empty() || options.ca_pin.empty()) {
    return absl::FailedPreconditionError(
        "this agent has not joined a fleet: start it with the command that `leidang cluster "
        "register NAME` prints "
        "(--hub, --join-token and --ca-pin)");
  }
  membership =
      Join({.hub = options.hub, .token = options.join_token, .ca_pin = options.ca_pin}, identity);
  if (membership.ok()) log.Info("agent", "joined", {{"cluster", membership->cluster_name}});
  return membership;
}

class FetchedContent final : public ContentPort {
 public:
  explicit FetchedContent(ContentFetcher& fetcher) : fetcher_(fetcher) {}
  uint64_t Want(const object::Sha256& digest, Done done) override {
    return fetcher_.Want(digest, std::move(done));
  }
  void Forget(uint64_t want) override { fetcher_.Forget(want); }

 private:
  ContentFetcher& fetcher_;
};

// Everything that lives as long as the program, in the order of construction; the last goes first.
class Agent {
 public:
  Agent(const AgentOptions& options, Log& log) : options_(options), log_(log) {}
  ~Agent() { Stop(); }

  absl::Status Start() {
    RETURN_IF_ERROR(MakePrivateDirectory(options_.data_dir));
    ASSIGN_OR_RETURN(lock_, LockDirectory(options_.data_dir));
    const std::string identity = options_.data_dir + "/identity";
    ASSIGN_OR_RETURN(const Membership membership, JoinOnce(options_, identity, log_));
    const std::string scratch = options_.data_dir + "/render";
    std::error_code ignored;
    std::filesystem::remove_all(scratch, ignored);  // Copies of an earlier run that was killed.
    RETURN_IF_ERROR(MakePrivateDirectory(scratch));
    kustomize_ = std::make_unique<Kustomize>(
        Kustomize::Options{
            .program = options_.kustomize.empty() ? FindProgram("kustomize") : options_.kustomize,
            .temp_directory = scratch,
            .limits = {}},
        clock_, nullptr);
    renderer_ = std::make_unique<Renderer>(*kustomize_);
    absl::Status status;
    OnLoop(loop_, [&] { status = Build(membership, identity); });
    RETURN_IF_ERROR(status);
    loop_.After(kStartupOver, [] { ForgetStartupCode(); });
    log_.Info("agent", "the agent is up",
              {{"cluster", membership.cluster_name},
               {"hub", LinkOptionsOf(membership).hubs.front().target}});
    return absl::OkStatus();
  }

  void Stop() {
    OnLoop(loop_, [&] {
      if (link_ != nullptr) link_->Stop();
      keeper_.reset();
      link_.reset();
      settings_.reset();
      policy_.reset();
      reconciler_.reset();
      health_.reset();
      scripts_.reset();
      content_.reset();
      fetcher_.reset();
      cluster_.reset();
    });
    workers_.Stop();
    disk_.Stop();
    loop_.Stop();
    if (lock_ >= 0) ::close(lock_);
    lock_ = -1;
  }

 private:
  LinkOptions LinkOptionsOf(const Membership& membership) {
    LinkOptions options;
    options.cluster = membership.cluster;
    options.version = LEIDANG_VERSION;
    options.instance = instance_;
    for (const std::string& hub : options_.agent_hubs) options.hubs.push_back({hub, ""});
    if (options.hubs.empty()) options.hubs.push_back({membership.agent_address, ""});
    return options;
  }

  absl::Status Build(const Membership& membership, const std::string& identity) {
    ASSIGN_OR_RETURN(state_, SqliteState::Open(loop_, disk_, options_.data_dir + "/state.db"));
    ASSIGN_OR_RETURN(cluster_, Target::Open(loop_, log_, options_));
    transport_ = std::make_unique<GrpcTransport>(loop_, IdentityFiles::In(identity));
    fetcher_ = std::make_unique<ContentFetcher>(loop_, random_, *state_, *transport_,
                                                ContentFetcherOptions());
    content_ = std::make_unique<FetchedContent>(*fetcher_);
    scripts_ = std::make_unique<ScriptWorker>(loop_, ScriptWorkerOptions());
    RETURN_IF_ERROR(ReadHealthChecks());
    ReconcileOptions options;
    if (options_.directory.empty()) {
      options.syncs = ReconcileOptions::Syncs::kPhases;
      options.inventory_namespace = options_.inventory_namespace;
      options.events_namespace = options_.inventory_namespace;
    }
    reconciler_ = std::make_unique<Reconciler>(
        loop_, random_,
        Reconciler::Ports{*state_, cluster_->client(), *content_, workers_, *renderer_, log_,
                          health_.get(), scripts_.get()},
        options);
    RETURN_IF_ERROR(FollowPolicy());
    settings_ = std::make_unique<FleetSettings>(*state_, log_, [this](HealthScripts checks) {
      health_->SetFleetChecks(std::move(checks));
      CheckHealthChecks();
      reconciler_->LookAtAll();
    });
    settings_->Start();
    cluster_->WhenReady([this] { reconciler_->Start(); });
    link_ = std::make_unique<Link>(loop_, random_, *state_, *transport_, LinkOptionsOf(membership));
    keeper_ = std::make_unique<CertificateKeeper>(
        loop_, random_, log_,
        CertificateKeeper::Options{
            .hub = options_.hub.empty() ? membership.enrolment_address : options_.hub,
            .files = IdentityFiles::In(identity)});
    keeper_->OnRenewed([this] { link_->RetryNow(); });
    keeper_->Start();
    link_->OnPhase([this](LinkPhase phase) { ReportPhase(phase); });
    link_->Start();
    WatchTrust();
    return absl::OkStatus();
  }

  absl::Status FollowPolicy() {
    if (options_.policy.empty()) return absl::OkStatus();
    policy_ = std::make_unique<PolicyFile>(loop_, log_, options_.policy);
    ASSIGN_OR_RETURN(ClusterPolicy policy, policy_->Read());
    reconciler_->SetPolicy(std::move(policy));
    policy_->Follow([this](const ClusterPolicy& changed) { reconciler_->SetPolicy(changed); });
    return absl::OkStatus();
  }

  absl::Status ReadHealthChecks() {
    HealthScripts checks;
    if (!options_.health_checks.empty()) {
      ASSIGN_OR_RETURN(checks, HealthScripts::ReadFile(options_.health_checks));
    }
    health_ = std::make_unique<CustomHealth>(loop_, *scripts_, std::move(checks),
                                             CustomHealth::Options());
    CheckHealthChecks();
    return absl::OkStatus();
  }

  void CheckHealthChecks() {
    health_->CheckAll([this](const absl::Status& error) {
      log_.Error("agent", "a health check cannot be used", {{"error", error.message()}});
    });
  }

  // What a person at the cluster accepts, when that hub offers itself (trust.h).
  void WatchTrust() {
    loop_.After(kTrustInterval, [this] { WatchTrust(); });
    if (link_ == nullptr) return;
    const LinkSnapshot snapshot = link_->Snapshot();
    if (!snapshot.refusal) return;
    const std::optional<intent::HubId> trusted = TrustedByHand(options_.data_dir);
    if (!trusted || snapshot.refusal->offered.hub != *trusted) return;
    link_->Trust(*trusted, [this, hub = *trusted](const absl::Status& status) {
      if (!status.ok()) {
        return log_.Error("agent", "cannot accept the hub", {{"error", status.message()}});
      }
      ForgetTrustedByHand(options_.data_dir);
      log_.Warning("agent", "a person has accepted this hub", {{"hub", hub.Hex()}});
    });
  }

  void ReportPhase(LinkPhase phase) {
    const LinkSnapshot snapshot = link_->Snapshot();
    if (phase == LinkPhase::kWaiting && snapshot.failures > 0)
      keeper_->OnFailure(snapshot.last_code, snapshot.failures);
    if (phase == LinkPhase::kLive) {
      log_.Info("agent/link", "connected",
                {{"hub", snapshot.hub}, {"session", absl::StrCat(snapshot.session_epoch)}});
    } else if (phase == LinkPhase::kWaiting && snapshot.refusal) {
      log_.Error("agent/link", "the hub is not obeyed",
                 {{"hub", snapshot.hub}, {"error", snapshot.refusal->message}});
    } else if (phase == LinkPhase::kWaiting && !snapshot.last_error.empty()) {
      log_.Warning("agent/link", "not connected; will try again",
                   {{"hub", snapshot.hub}, {"error", snapshot.last_error}});
    }
  }

  const AgentOptions options_;
  Log& log_;
  RealClock clock_;
  SystemRandom random_;
  const std::string instance_ = random_.Bytes(16);
  int lock_ = -1;

  // Stopped by Stop; they go last, since everything below holds them.
  ThreadLoop loop_{"agent"};
  ThreadLoop disk_{"state"};
  WorkerThreads workers_{"render", 2};

  std::unique_ptr<Kustomize> kustomize_;
  std::unique_ptr<Renderer> renderer_;
  std::unique_ptr<State> state_;
  std::unique_ptr<Target> cluster_;
  std::unique_ptr<GrpcTransport> transport_;
  std::unique_ptr<ContentFetcher> fetcher_;
  std::unique_ptr<FetchedContent> content_;
  std::unique_ptr<ScriptWorker> scripts_;  // Its child starts when there is something to run.
  std::unique_ptr<CustomHealth> health_;
  std::unique_ptr<Reconciler> reconciler_;
  std::unique_ptr<FleetSettings> settings_;
  std::unique_ptr<PolicyFile> policy_;  // Unless nothing is limited.
  std::unique_ptr<Link> link_;
  std::unique_ptr<CertificateKeeper> keeper_;
};

int Main(int argc, char** argv) {
  AgentOptions options;
  if (const std::optional<int> code = ParseOptions(argc, argv, &options)) return *code;
  if (!options.trust_hub.empty()) {
    const absl::Status status = TrustHubCommand(options);
    if (status.ok()) return 0;
    std::fprintf(stderr, "leidang-agent: %s\n", std::string(status.message()).c_str());
    return absl::IsInvalidArgument(status) ? 64 : absl::IsFailedPrecondition(status) ? 4 : 1;
  }
  StopTracingLibraryMutexes();
  const StopSignals signals;
  const RealClock clock;
  StderrLog log(clock, {.format = options.log_format, .level_min = options.log_level});
  Agent agent(options, log);
  if (const absl::Status status = agent.Start(); !status.ok()) {
    log.Error("agent", "cannot start", {{"error", status.message()}});
    return 1;
  }
  signals.Wait();
  log.Info("agent", "stopping");
  return 0;
}

}  // namespace
}  // namespace leidang::agent

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == leidang::agent::kScriptWorkerArgument) {
    ::_exit(leidang::agent::RunScriptWorker());
  }
  return leidang::agent::Main(argc, argv);
}
