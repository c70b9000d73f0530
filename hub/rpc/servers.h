#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"

#include "hub/auth/certificate_authority.h"
#include "hub/rpc/admission.h"
#include "hub/rpc/agent_link_service.h"

namespace leidang::hub {

// The two gRPC ports. There is no plaintext one. Errors are kUnavailable and name the address.

struct AgentServer {
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<Admission> admission;  // Hands to the server; goes first.
  int port = 0;
};
// Requires a client certificate of the authority, verified by gRPC. Connections are let in at a
// bounded rate. Port 0 picks a free one.
absl::StatusOr<AgentServer> ListenAgents(const std::string& address,
                                         const CertificateAndKey& server,
                                         const std::string& authority_pem,
                                         AgentLinkService* agent_link,
                                         const AdmissionOptions& admission = {});

// Server TLS; the services check tokens.
absl::StatusOr<std::unique_ptr<grpc::Server>> ListenUsers(
    const std::string& address, const CertificateAndKey& server,
    const std::vector<grpc::Service*>& services);

// The port of "host:port", or a free one where that is 0: for services that must know it before
// they listen.
absl::StatusOr<int> FreePort(const std::string& address);

struct ListeningServers {
  std::unique_ptr<grpc::Server> agents;
  std::unique_ptr<Admission> admission;  // Of agents.
  std::unique_ptr<grpc::Server> users;
  int agents_port = 0;
  int users_port = 0;
};
// Lets calls end until `grace` has passed, then cuts them. Nothing if they were never started.
void Shutdown(ListeningServers* servers, absl::Duration grace);

}  // namespace leidang::hub
