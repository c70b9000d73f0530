#include "hub/rpc/enrolment_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "hub/auth/certificate_reader.h"
#include "hub/auth/peer_identity.h"
#include "hub/auth/secret_token.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {}  // namespace

grpc::ServerUnaryReactor* EnrolmentService::Join(grpc::CallbackServerContext* context,
                                                 const v1::JoinRequest* request,
                                                 v1::JoinResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.loop.Post([this, request, response, reactor, peer = context->peer()] {
    parts_.records.SpendToken(
        HashOfToken(request->token()), parts_.loop.clock().Now(),
        [this, request, response, reactor, peer](const absl::StatusOr<JoinToken>& token) {
          if (!token.ok()) {
            AuditEntry entry;
            entry.at = parts_.loop.clock().Now();
            entry.who = "unknown agent";
            entry.from = peer;
            entry.what = "join";
            entry.outcome = absl::StrCat("refused: ", token.status().message());
            parts_.records.Audit(std::move(entry));
            return reactor->Finish(ToGrpc(token.status()));
          }
          Issue(*token, *request, peer, response, reactor);
        });
  });
  return reactor;
}

void EnrolmentService::Issue(const JoinToken& token, const v1::JoinRequest& request,
                             const std::string& peer, v1::JoinResponse* response,
                             grpc::ServerUnaryReactor* reactor) {
  const auto found = parts_.records.clusters().find(token.cluster);
  if (found == parts_.records.clusters().end()) {
    return reactor->Finish(
        grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                     "the cluster of this token is not registered any more: register it again"));
  }
  const ClusterRegistration& cluster = found->second;
  const absl::Time now = parts_.loop.clock().Now();
  const absl::StatusOr<std::string> certificate = parts_.authority.IssueAgent(
      request.csr(), parts_.records.hub(), cluster.id, now, parts_.certificate_life, parts_.random);
  AuditEntry entry;
  entry.at = now;
  entry.who = absl::StrCat("cluster ", cluster.name);
  entry.from = peer;
  entry.what = "join";
  entry.outcome =
      certificate.ok() ? "done" : absl::StrCat("refused: ", certificate.status().message());
  parts_.records.Audit(std::move(entry));
  if (!certificate.ok()) return reactor->Finish(ToGrpc(certificate.status()));
  response->set_hub_id(parts_.records.hub().Raw());
  response->set_cluster_id(cluster.id.Raw());
  response->set_cluster_name(cluster.name);
  response->set_certificate_pem(*certificate);
  response->set_ca_pem(parts_.authority.certificate_pem());
  response->set_agent_address(parts_.agent_address);
  parts_.records.MarkJoined(
      cluster.id, now, [reactor](const absl::Status& status) { reactor->Finish(ToGrpc(status)); });
}

grpc::ServerUnaryReactor* EnrolmentService::WhyRefused(grpc::CallbackServerContext* context,
                                                       const v1::WhyRefusedRequest* request,
                                                       v1::WhyRefusedResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.loop.Post([this, request, response, reactor] {
    const auto set = [response](v1::WhyRefusedResponse::Reason reason, absl::string_view message) {
      response->set_reason(reason);
      response->set_message(std::string(message));
    };
    const absl::StatusOr<CertificateFacts> facts =
        ReadCertificate(request->certificate_pem(), parts_.authority);
    const absl::StatusOr<PeerIdentity> identity =
        facts.ok() ? IdentityOf(facts->uris) : absl::StatusOr<PeerIdentity>(facts.status());
    const absl::Time now = parts_.loop.clock().Now();
    if (!facts.ok() || !identity.ok()) {
      set(v1::WhyRefusedResponse::MALFORMED, identity.status().message());
    } else if (!facts->issued_by_authority || identity->hub != parts_.records.hub()) {
      set(v1::WhyRefusedResponse::FOREIGN_CA,
          "the certificate is of another hub: join this one with a new token");
    } else if (!parts_.records.clusters().contains(identity->cluster)) {
      set(v1::WhyRefusedResponse::UNKNOWN_CLUSTER,
          "the cluster is not registered here (any more): register it, and join with the new "
          "token");
    } else if (now > facts->not_after) {
      set(v1::WhyRefusedResponse::EXPIRED, "the certificate has expired: join with a new token");
    } else {
      set(v1::WhyRefusedResponse::ACCEPTED, "nothing is wrong with the certificate: try again");
    }
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

}  // namespace leidang::hub
