#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"

#include "common/intent/intent.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "hub/auth/certificate_authority.h"
#include "hub/control/fleet_records.h"
#include "leidang/v1/enrolment.grpc.pb.h"

namespace leidang::hub {

// The Enrolment service on the user port: turns a one-time join token into a client certificate,
// and a certificate into one that lasts longer.
//
// The token is spent before the certificate is made: a request that fails afterwards costs a token,
// never grants two certificates for one. Thread-safe, as gRPC calls it; works on `loop`.
class EnrolmentService final : public v1::Enrolment::CallbackService {
 public:
  struct Parts {
    EventLoop& loop;
    FleetRecords& records;
    const CertificateAuthority& authority;
    Random& random;
    std::string
        agent_address;  // What agents dial; ":port" when it is the host that they know already.
    absl::Duration certificate_life = absl::Hours(24 * 30);
    absl::Duration renewal_grace = absl::Hours(24 * 30);  // After its end.
  };
  explicit EnrolmentService(Parts parts) : parts_(std::move(parts)) {}

  grpc::ServerUnaryReactor* Join(grpc::CallbackServerContext* context,
                                 const v1::JoinRequest* request,
                                 v1::JoinResponse* response) override;
  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context,
                                  const v1::RenewRequest* request,
                                  v1::RenewResponse* response) override;
  grpc::ServerUnaryReactor* WhyRefused(grpc::CallbackServerContext* context,
                                       const v1::WhyRefusedRequest* request,
                                       v1::WhyRefusedResponse* response) override;

 private:
  // What is wrong with a certificate that somebody shows, `grace` after its end being no fault.
  struct Judgement {
    v1::WhyRefusedResponse::Reason reason;
    std::string message;
    intent::ClusterId cluster;  // Where it is accepted or expired; not_before too.
    absl::Time not_before;
  };
  Judgement Judge(const std::string& certificate_pem, absl::Duration grace) const;
  absl::StatusOr<std::string> IssueAgain(const v1::RenewRequest& request,
                                         const std::string& peer) const;
  void Issue(const JoinToken& token, const v1::JoinRequest& request, const std::string& peer,
             v1::JoinResponse* response, grpc::ServerUnaryReactor* reactor);

  const Parts parts_;
};

}  // namespace leidang::hub
