#include "agent/swarm/floor.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"

#include "agent/link/grpc/grpc_transport.h"
#include "agent/link/grpc/self_signed.h"
#include "agent/swarm/program.h"
#include "agent/swarm/waiting.h"
#include "common/base/status_macros.h"
#include "leidang/v1/link.grpc.pb.h"

namespace leidang::agent {
namespace {

constexpr absl::Duration kStartLimit = absl::Seconds(20);
constexpr absl::Duration kConnectLimit = absl::Minutes(5);
// As many at once as the admission of a hub lets in, so that both pay for the same thing.
constexpr size_t kConnectingMax = 100;

class HoldingReactor final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::HubMessage> {
 public:
  HoldingReactor() {
    StartSendInitialMetadata();
    StartRead(&incoming_);
  }
  void OnReadDone(bool ok) override {
    if (ok) return StartRead(&incoming_);
    if (!finished_) Finish(grpc::Status::OK);
    finished_ = true;
  }
  void OnDone() override { delete this; }

 private:
  v1::AgentMessage incoming_;
  bool finished_ = false;
};

class HoldingService final : public v1::AgentLink::CallbackService {
  grpc::ServerBidiReactor<v1::AgentMessage, v1::HubMessage>* Connect(
      grpc::CallbackServerContext*) override {
    return new HoldingReactor();
  }
};

// One stream that is opened and held.
class Held final : public StreamObserver {
 public:
  Held(EventLoop& loop, const Identity& identity)
      : transport_(loop, [identity] { return identity; }) {}

  void Open(const std::string& server, std::function<void(absl::Status)> done) {
    done_ = std::move(done);
    stream_ = transport_.Open({server, ""}, this);
  }

 private:
  void OnOpen() override { Tell(absl::OkStatus()); }
  void OnMessage(v1::HubMessage) override {}
  void OnWritten() override {}
  void OnClosed(absl::Status status) override { Tell(std::move(status)); }
  void Tell(absl::Status status) {
    if (done_) std::exchange(done_, nullptr)(std::move(status));
  }

  GrpcTransport transport_;
  std::unique_ptr<Stream> stream_;
  std::function<void(absl::Status)> done_;
};

// The streams of one measurement, on the loop.
struct Connections {
  std::vector<std::unique_ptr<Held>> held;
  size_t next = 0;
  size_t open = 0;
  absl::Status status;

  void OpenMore(const std::string& server) {
    if (next == held.size() || !status.ok()) return;
    held[next++]->Open(server, [this, server](const absl::Status& opened) {
      status.Update(opened);
      if (opened.ok()) ++open;
      OpenMore(server);
    });
  }
};

absl::StatusOr<int> PortIn(EventLoop& loop, const std::string& file, Program& server) {
  int port = 0;
  const bool there = WaitUntil(loop, kStartLimit, [&] {
    std::string text;
    std::ifstream(file) >> text;
    return (absl::SimpleAtoi(text, &port) && port > 0) || !server.IsRunning();
  });
  if (!there || port == 0)
    return absl::UnavailableError(
        absl::StrCat("the server of the floor does not start: see ", server.log()));
  return port;
}

}  // namespace

absl::Status ServeFloor(const std::string& directory) {
  ASSIGN_OR_RETURN(const Identity identity, ReadIdentity(IdentityFiles::In(directory)));
  RETURN_IF_ERROR(RaiseDescriptorLimit(1));
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = identity.authority_pem;
  tls.pem_key_cert_pairs.push_back({identity.key_pem, identity.certificate_pem});
  HoldingService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError("cannot listen on 127.0.0.1");
  RETURN_IF_ERROR(WriteIdentityFile(directory + "/port", absl::StrCat(port, "\n"), 0644));
  server->Wait();
  return absl::OkStatus();
}

absl::StatusOr<Figure> MeasureFloor(EventLoop& loop, const std::string& program,
                                    const std::string& directory, size_t agents) {
  std::filesystem::create_directories(directory);
  ASSIGN_OR_RETURN(const Identity identity, MakeSelfSigned(loop.clock().Now()));
  const IdentityFiles files = IdentityFiles::In(directory);
  RETURN_IF_ERROR(WriteIdentityFile(files.certificate, identity.certificate_pem, 0644));
  RETURN_IF_ERROR(WriteIdentityFile(files.key, identity.key_pem, 0600));
  RETURN_IF_ERROR(WriteIdentityFile(files.authority, identity.authority_pem, 0644));
  Program server({program, "--serve-floor", directory}, directory + "/floor.log");
  RETURN_IF_ERROR(server.Start());
  ASSIGN_OR_RETURN(const int port, PortIn(loop, directory + "/port", server));
  const double before_mb = UsageOf(server.pid()).resident_mb;
  const absl::Duration begin = loop.clock().Monotonic();
  auto crowd = std::make_shared<Connections>();
  OnLoop(loop, [&] {
    for (size_t i = 0; i < agents; ++i)
      crowd->held.push_back(std::make_unique<Held>(loop, identity));
    for (size_t i = 0; i < std::min(agents, kConnectingMax); ++i)
      crowd->OpenMore(absl::StrCat("127.0.0.1:", port));
  });
  const bool all = WaitUntil(loop, kConnectLimit, [&] {
    return Asked<bool>(loop, [&] { return crowd->open == agents || !crowd->status.ok(); });
  });
  const double seconds = absl::ToDoubleSeconds(loop.clock().Monotonic() - begin);
  const ProcessUsage usage = UsageOf(server.pid());
  absl::Status status = Asked<absl::Status>(loop, [&] { return crowd->status; });
  if (status.ok() && !all) status = absl::DeadlineExceededError("the floor does not connect");
  OnLoop(loop, [&] { crowd.reset(); });
  RETURN_IF_ERROR(status);
  const double each_kb = (usage.resident_mb - before_mb) * 1e3 / static_cast<double>(agents);
  Figure figure("grpc-floor");
  figure.Count("agents", agents)
      .Number("connect_s", seconds)
      .Number("server_rss_mb", usage.resident_mb)
      .Number("kb_each", each_kb)
      .Number("server_cpu_s", usage.cpu_s);
  return figure;
}

}  // namespace leidang::agent
