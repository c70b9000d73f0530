#include "hub/rpc/servers.h"

#include <unistd.h>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/status_macros.h"
#include "hub/rpc/tls_savings.h"

namespace leidang::hub {
namespace {

constexpr int kMessageBytesMax = 16 << 20;
// Of the buffer that each connection keeps for it. What agents are sent is small but for content.
constexpr int kTlsFrameBytes = 4096;
// Its session and what it fetches; further calls wait at the agent.
constexpr int kCallsOfAgentMax = 32;

absl::StatusOr<std::unique_ptr<grpc::Server>> Start(
    const std::string& address, const std::shared_ptr<grpc::ServerCredentials>& credentials,
    const std::vector<grpc::Service*>& services, int* port) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, credentials, port);
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  // Two hubs on one port would share its connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || *port == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address,
                     ": is the port taken by another program, or the address of another machine?"));
  }
  return server;
}

}  // namespace

absl::StatusOr<AgentServer> ListenAgents(const std::string& address,
                                         const CertificateAndKey& server,
                                         const std::string& authority_pem,
                                         AgentLinkService* agent_link,
                                         const AdmissionOptions& admission) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = authority_pem;
  tls.pem_key_cert_pairs.push_back({server.key_pem, server.certificate_pem});
  SaveOnTls();
  AgentServer out;
  ASSIGN_OR_RETURN(out.admission, Admission::Listen(address, admission));
  out.port = out.admission->port();
  grpc::ServerBuilder builder;
  const std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor =
      builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
          grpc::SslServerCredentials(tls));
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  builder.AddChannelArgument(GRPC_ARG_TSI_MAX_FRAME_SIZE, kTlsFrameBytes);
  // No pings to measure how much an agent could send: one may have as much under way as HTTP/2
  // begins with, 64 KiB, and ten thousand of them fill no memory.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kCallsOfAgentMax);
  builder.RegisterService(agent_link);
  out.server = builder.BuildAndStart();
  if (out.server == nullptr)
    return absl::UnavailableError(absl::StrCat("cannot serve agents on ", address));
  out.admission->Start(
      [acceptor](int listener, int connection) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
        parameters.listener_fd = listener;
        parameters.fd = connection;
        acceptor->HandleNewConnection(&parameters);
      },
      [agent_link] { return agent_link->arrived(); });
  return out;
}

absl::StatusOr<std::unique_ptr<grpc::Server>> ListenUsers(
    const std::string& address, const CertificateAndKey& server,
    const std::vector<grpc::Service*>& services) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  tls.pem_key_cert_pairs.push_back({server.key_pem, server.certificate_pem});
  int port = 0;
  return Start(address, grpc::SslServerCredentials(tls), services, &port);
}

absl::StatusOr<int> FreePort(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("the listen address \"", address, "\" is not HOST:PORT"));
  }
  if (port != 0) return port;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(name);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0;
  ::close(fd);
  if (!bound) return absl::UnavailableError("there is no free port");
  return ntohs(name.sin_port);
}

void Shutdown(ListeningServers* servers, absl::Duration grace) {
  const gpr_timespec deadline =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(absl::ToInt64Milliseconds(grace), GPR_TIMESPAN));
  if (servers->admission != nullptr) servers->admission->Stop();
  if (servers->agents != nullptr) servers->agents->Shutdown(deadline);
  if (servers->users != nullptr) servers->users->Shutdown(deadline);
}

}  // namespace leidang::hub
