#include "hub/rpc/enrolment_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "hub/auth/certificate_reader.h"
#include "hub/auth/peer_identity.h"
#include "hub/auth/secret_token.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

// Certificates begin five minutes before they are made; and a little, for the join's own pace.
constexpr absl::Duration kBackdated = absl::Minutes(6);

// For the audit log.
std::string OutcomeOf(const absl::Status& status) {
  return status.ok() ? "done" : absl::StrCat("refused: ", status.message());
}

}  // namespace

grpc::ServerUnaryReactor* EnrolmentService::Join(grpc::CallbackServerContext* context,
                                                 const v1::JoinRequest* request,
                                                 v1::JoinResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.loop.Post([this, request, response, reactor, peer = context->peer()] {
    parts_.records.SpendToken(
        HashOfToken(request->token()), parts_.loop.clock().Now(),
        [this, request, response, reactor, peer](const absl::StatusOr<JoinToken>& token) {
          if (!token.ok()) {
            parts_.records.Audit({"unknown agent", peer}, "join",
                                 absl::StrCat("refused: ", token.status().message()));
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
  parts_.records.Audit({absl::StrCat("cluster ", cluster.name), peer}, "join",
                       OutcomeOf(certificate.status()));
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

EnrolmentService::Judgement EnrolmentService::Judge(const std::string& certificate_pem,
                                                    absl::Duration grace) const {
  const absl::StatusOr<CertificateFacts> facts = ReadCertificate(certificate_pem, parts_.authority);
  const absl::StatusOr<PeerIdentity> identity =
      facts.ok() ? IdentityOf(facts->uris) : absl::StatusOr<PeerIdentity>(facts.status());
  if (!facts.ok() || !identity.ok())
    return {v1::WhyRefusedResponse::MALFORMED, std::string(identity.status().message()), {}, {}};
  if (!facts->issued_by_authority || identity->hub != parts_.records.hub()) {
    return {v1::WhyRefusedResponse::FOREIGN_CA,
            "the certificate is of another hub: join this one with a new token",
            {},
            {}};
  }
  const auto cluster = parts_.records.clusters().find(identity->cluster);
  if (cluster == parts_.records.clusters().end()) {
    return {v1::WhyRefusedResponse::UNKNOWN_CLUSTER,
            "the cluster is not registered here (any more): register it, and join with the new "
            "token",
            {},
            {}};
  }
  if (parts_.loop.clock().Now() > facts->not_after + grace) {
    return {v1::WhyRefusedResponse::EXPIRED,
            grace > absl::ZeroDuration()
                ? "the certificate expired too long ago: join with a new token"
                : "the certificate has expired: renew it",
            identity->cluster, facts->not_before};
  }
  return {v1::WhyRefusedResponse::ACCEPTED, "nothing is wrong with the certificate: try again",
          identity->cluster, facts->not_before};
}

grpc::ServerUnaryReactor* EnrolmentService::WhyRefused(grpc::CallbackServerContext* context,
                                                       const v1::WhyRefusedRequest* request,
                                                       v1::WhyRefusedResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.loop.Post([this, request, response, reactor] {
    const Judgement judgement = Judge(request->certificate_pem(), absl::ZeroDuration());
    response->set_reason(judgement.reason);
    response->set_message(judgement.message);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

absl::StatusOr<std::string> EnrolmentService::IssueAgain(const v1::RenewRequest& request,
                                                         const std::string& peer) const {
  const Judgement judgement = Judge(request.certificate_pem(), parts_.renewal_grace);
  if (judgement.reason != v1::WhyRefusedResponse::ACCEPTED)
    return absl::UnauthenticatedError(judgement.message);
  const ClusterRegistration& cluster = parts_.records.clusters().at(judgement.cluster);
  if (judgement.not_before + kBackdated < cluster.joined_at) {
    return absl::UnauthenticatedError(
        "an agent has joined for this cluster since the certificate was made: join with a new "
        "token if this is the right one");
  }
  absl::StatusOr<std::string> certificate =
      IsRequestOfSameKey(request.csr(), request.certificate_pem())
          ? parts_.authority.IssueAgent(request.csr(), parts_.records.hub(), judgement.cluster,
                                        parts_.loop.clock().Now(), parts_.certificate_life,
                                        parts_.random)
          : absl::UnauthenticatedError("the request is not of the certificate's key");
  parts_.records.Audit({absl::StrCat("cluster ", cluster.name), peer}, "renew",
                       OutcomeOf(certificate.status()));
  return certificate;
}

grpc::ServerUnaryReactor* EnrolmentService::Renew(grpc::CallbackServerContext* context,
                                                  const v1::RenewRequest* request,
                                                  v1::RenewResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.loop.Post([this, request, response, reactor, peer = context->peer()] {
    const absl::StatusOr<std::string> certificate = IssueAgain(*request, peer);
    if (certificate.ok()) response->set_certificate_pem(*certificate);
    reactor->Finish(ToGrpc(certificate.status()));
  });
  return reactor;
}

}  // namespace leidang::hub
