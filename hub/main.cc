// leidang-hub: flags and wiring. What it decides is in hub/control.

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <sys/resource.h>

#include "common/base/library_mutexes.h"
#include "common/base/status_macros.h"
#include "common/log/stderr_log.h"
#include "common/metrics/metrics.h"
#include "common/process/program.h"
#include "common/random/random.h"
#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "common/time/waiting.h"
#include "common/time/workers.h"
#include "hub/admin.h"
#include "hub/auth/certificate_authority.h"
#include "hub/auth/cluster_gate.h"
#include "hub/auth/secret_token.h"
#include "hub/commands.h"
#include "hub/control/application_brakes.h"
#include "hub/control/control_plane.h"
#include "hub/control/operations.h"
#include "hub/control/session_board.h"
#include "hub/http/https_server.h"
#include "hub/http/status_pages.h"
#include "hub/ledger/row_ledger.h"
#include "hub/options.h"
#include "hub/rpc/admin_service.h"
#include "hub/rpc/agent_link_service.h"
#include "hub/rpc/enrolment_service.h"
#include "hub/rpc/fleet_service.h"
#include "hub/rpc/servers.h"
#include "hub/session/session_table.h"
#include "hub/source/mirror_git_source.h"
#include "hub/store/directory_lock.h"
#include "hub/store/rocks/rocks_database.h"
#include "hub/vital_signs.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kServerCertificateLife = absl::Hours(24 * 365);
constexpr absl::Duration kStopGrace = absl::Seconds(2);
constexpr absl::Duration kBoardInterval = absl::Milliseconds(200);

bool IsAddress(const std::string& host) {
  return host.find_first_not_of("0123456789.") == std::string::npos || absl::StrContains(host, ':');
}

CertificateAuthority::ServerNames NamesOf(const std::string& advertise) {
  CertificateAuthority::ServerNames names;
  names.dns = {"localhost"};
  names.ips = {"127.0.0.1", "::1"};
  if (IsAddress(advertise)) {
    names.ips.push_back(advertise);
  } else if (advertise != "localhost") {
    names.dns.push_back(advertise);
  }
  return names;
}

absl::Status WritePrivate(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return absl::InternalError(absl::StrCat("cannot write ", path));
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return written ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", path));
}

MirrorSettings MirrorSettingsOf(const HubOptions& options) {
  MirrorSettings settings;
  settings.directory = options.data_dir + "/mirrors";
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"}) {
    if (const char* value = std::getenv(name))
      settings.extra_environment.push_back(absl::StrCat(name, "=", value));
  }
  return settings;
}

ClusterLink LinkOf(const ClusterView& view) {
  ClusterLink link;
  link.connected = view.session_epoch != 0;
  link.last_seen = view.last_seen;
  link.since = view.since;
  link.agent_version = view.agent_version;
  link.intent_proven =
      view.verdict == LinkVerdict::kReceived || view.verdict == LinkVerdict::kInSync;
  link.applied_proven = view.verdict == LinkVerdict::kInSync;
  if (view.proof) {
    link.last_received_at = view.proof->received_at;
    link.last_received_revision = view.proof->revision;
    if (link.intent_proven)
      link.proven_at = link.applied_proven ? view.proof->applied_at : view.proof->received_at;
  }
  if (view.applied_proof) {
    link.last_applied_at = view.applied_proof->applied_at;
    link.last_applied_revision = view.applied_proof->revision;
  }
  link.unclaimed = view.unclaimed.size();
  if (view.trouble != LinkTrouble::kNone) {
    link.trouble = std::string(LinkTroubleName(view.trouble));
    link.trouble_message = view.trouble_message;
  }
  return link;
}

// Everything that lives as long as the program, in the order of construction; the last goes first.
class Hub {
 public:
  Hub(const HubOptions& options, Log& log) : options_(options), log_(log) {}
  ~Hub() { Stop(); }

  absl::Status Start() {
    RETURN_IF_ERROR(MakePrivateDirectory(options_.data_dir));
    ASSIGN_OR_RETURN(lock_, DirectoryLock::Acquire(options_.data_dir));
    RETURN_IF_ERROR(OpenStore());
    ASSIGN_OR_RETURN(git_, MirrorGitSource::Create(MirrorSettingsOf(options_), clock_));
    RETURN_IF_ERROR(LoadControl());
    gate_ = std::make_unique<ClusterGate>(records().hub());
    ASSIGN_OR_RETURN(authority_,
                     CertificateAuthority::OpenOrCreate(options_.data_dir + "/ca", records().hub(),
                                                        clock_.Now(), random_));
    RETURN_IF_ERROR(MakeAdminToken());
    OnLoop(control_, [&] { BuildOperations(); });
    OnLoop(sessions_, [&] { BuildSessions(); });
    OnLoop(control_, [&] { operations_->Start(); });
    RETURN_IF_ERROR(StartHttp());
    RETURN_IF_ERROR(AwaitOn(control_, [&](auto done) { plane_->Start(std::move(done)); }));
    RETURN_IF_ERROR(StartServers());
    StartAdmin();
    vital_signs_->SetServing(true);
    log_.Info("hub", "the hub is up",
              {{"hub", records().hub().Hex()},
               {"agents_port", absl::StrCat(servers_.agents_port)},
               {"users_port", absl::StrCat(servers_.users_port)}});
    return WritePorts();
  }

  void Stop() {
    if (vital_signs_ != nullptr) vital_signs_->SetServing(false);
    if (fleet_ != nullptr) OnLoop(control_, [&] { fleet_->EndWatches(); });
    if (table_ != nullptr)
      OnLoop(sessions_, [&] { table_->Drain(absl::Seconds(1), absl::Seconds(4)); });
    if (admin_server_ != nullptr) admin_server_->Shutdown();
    Shutdown(&servers_, kStopGrace);
    http_.reset();
    if (git_ != nullptr) git_->Shutdown();
    upkeep_.Stop();
    workers_.Stop();
    sessions_.Stop();
    control_.Stop();
    commits_.Stop();
  }

 private:
  absl::Status OpenStore() {
    DatabaseOptions options;
    options.directory = options_.data_dir + "/store";
    options.new_hub_id = *intent::HubId::FromRaw(random_.Bytes(16));
    options.on_synced = SyncHistogram(metrics_);
    ASSIGN_OR_RETURN(database_, RocksDatabase::Open(options, clock_));
    if (const std::string warning = database_->SlowDiskWarning(); !warning.empty())
      log_.Warning("hub/store", warning);
    ASSIGN_OR_RETURN(ledger_, OpenLedger(database_->rows(), &commits_));
    ASSIGN_OR_RETURN(store_, OpenRocksStore(*database_, &commits_));
    return absl::OkStatus();
  }

  // The first start makes a token for the administrator and shows it once; only its hash is kept.
  absl::Status MakeAdminToken() {
    if (!records().user_tokens().empty()) return absl::OkStatus();
    const SecretToken token = NewSecretToken("admin", random_);
    RETURN_IF_ERROR(AwaitOn(control_, [&](auto done) {
      UserToken record;
      record.hash = token.hash;
      record.name = "admin";
      record.created_at = clock_.Now();
      records().Write({change::PutUserToken{std::move(record)}}, std::move(done));
    }));
    if (!options_.admin_token_file.empty())
      return WritePrivate(options_.admin_token_file, token.text + "\n");
    std::printf("admin token, shown this once: %s\n", token.text.c_str());
    std::fflush(stdout);
    return absl::OkStatus();
  }

  absl::Status LoadControl() {
    ControlPlane::Options options;
    options.polling.poll_interval = options_.poll_interval;
    options.polling.poll_jitter = options_.poll_jitter;
    options.dormancy.after = options_.dormant_after;
    options.dormancy.tombstones = options_.dormant_tombstones;
    if (!options_.config_repo.empty()) {
      options.config = ConfigRepository::Options{options_.config_repo, options_.config_revision,
                                                 options_.config_path};
    }
    return AwaitOn(control_, [&](auto done) {
      plane_ = std::make_unique<ControlPlane>(
          ControlPlane::Parts{control_, workers_, *ledger_, *store_, *git_, random_, log_}, options,
          ControlPlane::Hooks{
              [this](const std::set<intent::ClusterId>& clusters) { gate_->Set(clusters); },
              [this](const intent::ClusterId& id) {
                sessions_.Post([this, id] { table_->Forget(id); });
              },
              [this](const std::set<intent::ClusterId>& held, Surveys when) {
                sessions_.Post([this, held, when] { HoldSessions(held, when); });
              },
              [this](const intent::ClusterId& id) {
                const ClusterView view = board_->View(id);
                return LinkPresence{view.session_epoch != 0, view.last_seen};
              }});
      plane_->Load(database_->hub_id(), std::move(done));
    });
  }

  void BuildOperations() {
    operations_ = std::make_unique<Operations>(Operations::Ports{
        control_, records(), *store_, random_,
        [this](const intent::ClusterId& cluster, const OperationRequest& request,
               std::function<void(absl::Status)> sent) {
          sessions_.Post([this, cluster, request, sent = std::move(sent)] {
            control_.Post([sent, status = table_->Send(cluster, request)] { sent(status); });
          });
        },
        [this](const intent::ClusterId& cluster, const OperationId& id) {
          sessions_.Post([this, cluster, id] { table_->AcknowledgeOperation(cluster, id); });
        }});
    courier_ = std::make_unique<OperationCourier>(control_, *operations_);
    application_brakes_ = std::make_unique<ApplicationBrakes>(records(), *store_, *operations_);
  }

  void BuildSessions() {
    SessionOptions options;
    options.version = LEIDANG_VERSION;
    options.heartbeat = options_.heartbeat;
    table_ = std::make_unique<SessionTable>(sessions_, *store_, options, courier_.get());
    board_ = std::make_unique<SessionBoard>(sessions_, control_, *table_, *store_, kBoardInterval);
    board_->Start();
  }

  // On the session loop.
  void HoldSessions(const std::set<intent::ClusterId>& held, Surveys when) {
    table_->Hold(held, when, [this](const intent::ClusterId& id, const Difference& difference) {
      control_.Post([this, id, difference] { plane_->recovery().OnSurvey(id, difference); });
    });
  }

  absl::StatusOr<std::string> Authenticate(const std::string& token) const {
    const object::Sha256 hash = HashOfToken(token);
    for (const UserToken& known : records().user_tokens()) {
      if (SameHash(known.hash, hash) && clock_.Now() < known.expires_at &&
          clock_.Now() < known.revoked_at) {
        return known.name;
      }
    }
    return absl::UnauthenticatedError("the token is missing, unknown or expired");
  }

  absl::Status StartServers() {
    ASSIGN_OR_RETURN(const CertificateAndKey certificate,
                     authority_->IssueServer(NamesOf(options_.advertise), clock_.Now(),
                                             kServerCertificateLife, random_));
    view_ = std::make_unique<ResourceView>(ResourceView::Parts{
        records(), *store_, plane_->owners(), plane_->repositories(),
        [this](const intent::ClusterId& id) { return LinkOf(board_->View(id)); }});
    link_ = std::make_unique<AgentLinkService>(sessions_, *table_, *gate_);
    ASSIGN_OR_RETURN(AgentServer agents, ListenAgents(options_.agent_listen, certificate,
                                                      authority_->certificate_pem(), link_.get()));
    servers_.agents = std::move(agents.server);
    servers_.admission = std::move(agents.admission);
    servers_.agents_port = agents.port;
    ASSIGN_OR_RETURN(const int users_port, FreePort(options_.user_listen));
    fleet_ = std::make_unique<FleetService>(FleetService::Parts{
        control_, plane_->desk(), *view_, plane_->repositories(), plane_->owners(), *operations_,
        plane_->recovery(), plane_->brakes(), *application_brakes_, plane_->unclaimed(),
        plane_->config(), [this](const std::string& token) { return Authenticate(token); },
        authority_->pin(), absl::StrCat(options_.advertise, ":", users_port)});
    enrolment_ = std::make_unique<EnrolmentService>(EnrolmentService::Parts{
        control_, records(), *authority_, random_, absl::StrCat(":", servers_.agents_port)});
    const std::string users_address = absl::StrCat(
        options_.user_listen.substr(0, options_.user_listen.rfind(':')), ":", users_port);
    ASSIGN_OR_RETURN(servers_.users,
                     ListenUsers(users_address, certificate, {fleet_.get(), enrolment_.get()}));
    servers_.users_port = users_port;
    return absl::OkStatus();
  }

  // Before the sets are expanded, which may take longer than whoever looks after the hub waits.
  absl::Status StartHttp() {
    vital_signs_ = std::make_unique<VitalSigns>(VitalSigns::Parts{
        control_, metrics_, records(), *store_, *database_,
        [this](const intent::ClusterId& id) { return board_->View(id).session_epoch != 0; },
        [this] { upkeep_.Run(GiveBackFreeMemory); }});
    OnLoop(control_, [&] { vital_signs_->Start(); });
    if (options_.http_listen.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const CertificateAndKey certificate,
                     authority_->IssueServer(NamesOf(options_.advertise), clock_.Now(),
                                             kServerCertificateLife, random_));
    HttpsServer::Options http;
    http.address = options_.http_listen;
    http.certificate_pem = certificate.certificate_pem;
    http.key_pem = certificate.key_pem;
    ASSIGN_OR_RETURN(http_, HttpsServer::Listen(http, [this](const HttpRequest& request) {
                       return ServeStatus({metrics_, [this] { return vital_signs_->Alive(); },
                                           [this] { return vital_signs_->Ready(); }},
                                          request);
                     }));
    return absl::OkStatus();
  }

  // A hub without it serves its fleet all the same.
  void StartAdmin() {
    admin_ = std::make_unique<AdminService>(
        AdminPartsOf({upkeep_, *database_, options_.data_dir, clock_, random_, log_}));
    absl::StatusOr<std::unique_ptr<grpc::Server>> server =
        ListenAdmin(options_.data_dir, admin_.get());
    if (server.ok()) {
      admin_server_ = *std::move(server);
    } else {
      log_.Warning("hub", "the admin socket is off", {{"error", server.status().message()}});
    }
  }

  FleetRecords& records() const { return plane_->records(); }

  absl::Status WritePorts() {
    if (options_.ports_file.empty()) return absl::OkStatus();
    const std::string temporary = options_.ports_file + ".tmp";
    {
      std::ofstream file(temporary);
      file << "agents=" << servers_.agents_port << "\nusers=" << servers_.users_port << "\n";
      if (http_ != nullptr) file << "http=" << http_->port() << "\n";
      if (!file.good()) return absl::InternalError("cannot write " + options_.ports_file);
    }
    std::error_code error;
    std::filesystem::rename(temporary, options_.ports_file, error);
    return error ? absl::InternalError("cannot write " + options_.ports_file) : absl::OkStatus();
  }

  const HubOptions options_;
  Log& log_;
  RealClock clock_;
  SystemRandom random_;
  Metrics metrics_;

  // Stopped by Stop; they go last, since everything below holds them.
  ThreadLoop commits_{"commit"};
  ThreadLoop control_{"control"};
  ThreadLoop sessions_{"sessions"};
  WorkerThreads workers_{"worker", 2};
  WorkerThreads upkeep_{"upkeep", 1};  // Backups one at a time.

  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<RocksDatabase> database_;
  std::unique_ptr<MirrorGitSource> git_;
  std::unique_ptr<CertificateAuthority> authority_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Store> store_;

  std::unique_ptr<ClusterGate> gate_;
  std::unique_ptr<ControlPlane> plane_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<OperationCourier> courier_;
  std::unique_ptr<ApplicationBrakes> application_brakes_;
  std::unique_ptr<SessionTable> table_;
  std::unique_ptr<SessionBoard> board_;

  std::unique_ptr<ResourceView> view_;
  std::unique_ptr<AgentLinkService> link_;
  std::unique_ptr<FleetService> fleet_;
  std::unique_ptr<EnrolmentService> enrolment_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<grpc::Server> admin_server_;
  ListeningServers servers_;
  std::unique_ptr<VitalSigns> vital_signs_;
  std::unique_ptr<HttpsServer> http_;
};

// Each agent takes a descriptor; the usual soft limit is 1,024, the hard one far above.
void AllowDescriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int Main(int argc, char** argv) {
  HubOptions options;
  if (const std::optional<int> code = ParseOptions(argc, argv, &options)) return *code;
  StopTracingLibraryMutexes();
  if (options.command != HubCommand::kServe) return RunCommand(options);
  AllowDescriptors();
  const StopSignals signals;
  const RealClock clock;
  StderrLog log(clock, {.format = options.log_format, .level_min = options.log_level});
  Hub hub(options, log);
  if (const absl::Status status = hub.Start(); !status.ok()) {
    log.Error("hub", "cannot start", {{"error", status.message()}});
    return 1;
  }
  signals.Wait();
  log.Info("hub", "stopping");
  return 0;
}

}  // namespace
}  // namespace leidang::hub

int main(int argc, char** argv) { return leidang::hub::Main(argc, argv); }
