#include "agent/link/grpc/certificate_keeper.h"

#include <utility>

#include "absl/status/statusor.h"

#include "agent/link/grpc/tls_probe.h"
#include "leidang/v1/enrolment.grpc.pb.h"

namespace leidang::agent {
// One question to the hub. Lives until gRPC is done with it.
struct CertificateKeeper::Call {
  std::unique_ptr<v1::Enrolment::Stub> stub;
  grpc::ClientContext context;
  v1::RenewRequest renew;
  v1::RenewResponse renewed;
  v1::WhyRefusedRequest why;
  v1::WhyRefusedResponse answer;
  absl::Status status;
};

CertificateKeeper::CertificateKeeper(EventLoop& loop, Random& random, Log& log, Options options)
    : loop_(loop),
      random_(random),
      log_(log),
      options_(std::move(options)),
      gate_(std::make_shared<LoopGate>(loop)) {}

CertificateKeeper::~CertificateKeeper() {
  *alive_ = false;
  loop_.Cancel(timer_);
  if (call_ != nullptr) call_->context.TryCancel();
  gate_->Close();
}

void CertificateKeeper::Start() {
  ask_not_before_ = loop_.clock().Monotonic();
  Look();
}

void CertificateKeeper::Look() {
  timer_ = loop_.After(options_.look_every * (0.5 + random_.Unit()), [this] { Look(); });
  const absl::StatusOr<Identity> identity = ReadIdentity(options_.files);
  const absl::StatusOr<CertificateDates> dates =
      identity.ok() ? DatesOf(identity->certificate_pem)
                    : absl::StatusOr<CertificateDates>(identity.status());
  if (!dates.ok()) {
    log_.Error("agent/link", "the certificate cannot be looked at",
               {{"error", dates.status().message()}});
    return;
  }
  const absl::Time due = dates->not_before + (dates->not_after - dates->not_before) * 2 / 3;
  if (loop_.clock().Now() >= due) Renew();
}

std::shared_ptr<CertificateKeeper::Call> CertificateKeeper::Begin(const Identity& identity) {
  auto call = std::make_shared<Call>();
  call->stub = v1::Enrolment::NewStub(OpenEnrolmentChannel(options_.hub, identity.authority_pem));
  call->context.set_deadline(gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_millis(absl::ToInt64Milliseconds(options_.timeout), GPR_TIMESPAN)));
  call_ = call;
  gate_->Begin();
  return call;
}

void CertificateKeeper::Renew() {
  if (call_ != nullptr) return;
  if (options_.hub.empty()) {
    log_.Error("agent/link",
               "the certificate has to be renewed, but this agent does not know the hub's user "
               "port: start it with --hub");
    return;
  }
  const absl::StatusOr<Identity> identity = ReadIdentity(options_.files);
  absl::StatusOr<std::string> csr = identity.ok() ? MakeRequest(identity->key_pem)
                                                  : absl::StatusOr<std::string>(identity.status());
  if (!csr.ok()) {
    log_.Error("agent/link", "the certificate cannot be renewed",
               {{"error", csr.status().message()}});
    return;
  }
  std::shared_ptr<Call> call = Begin(*identity);
  call->renew.set_certificate_pem(identity->certificate_pem);
  call->renew.set_csr(*std::move(csr));
  call->stub->async()->Renew(
      &call->context, &call->renew, &call->renewed,
      [this, alive = alive_, call, gate = gate_](const grpc::Status& status) mutable {
        call->status = FromGrpc(status);
        const Call& ended = *call;
        gate->End(std::move(call), [this, alive, &ended] {
          if (*alive) Renewed(ended);
        });
      });
}

void CertificateKeeper::Renewed(const Call& call) {
  call_.reset();
  absl::Status status = call.status;
  const std::string& certificate = call.renewed.certificate_pem();
  if (status.ok()) status = DatesOf(certificate).status();
  if (status.ok()) status = WriteIdentityFile(options_.files.certificate, certificate, 0644);
  if (!status.ok()) {
    log_.Warning("agent/link", "the certificate is not renewed; will try again",
                 {{"error", status.message()}});
    return;
  }
  log_.Info("agent/link", "the certificate is renewed");
  if (on_renewed_) on_renewed_();
}

void CertificateKeeper::OnFailure(absl::StatusCode code, uint64_t failures) {
  const absl::Duration now = loop_.clock().Monotonic();
  if (call_ != nullptr || options_.hub.empty() || now < ask_not_before_) return;
  if (code != absl::StatusCode::kUnauthenticated && failures < options_.failures_before_asking)
    return;
  ask_not_before_ = now + options_.ask_pause;
  AskWhy();
}

void CertificateKeeper::AskWhy() {
  const absl::StatusOr<Identity> identity = ReadIdentity(options_.files);
  if (!identity.ok()) return;  // The link says so at each attempt.
  std::shared_ptr<Call> call = Begin(*identity);
  call->why.set_certificate_pem(identity->certificate_pem);
  call->stub->async()->WhyRefused(
      &call->context, &call->why, &call->answer,
      [this, alive = alive_, call, gate = gate_](const grpc::Status& status) mutable {
        call->status = FromGrpc(status);
        const Call& ended = *call;
        gate->End(std::move(call), [this, alive, &ended] {
          if (*alive) Answered(ended);
        });
      });
}

void CertificateKeeper::Answered(const Call& call) {
  call_.reset();
  if (!call.status.ok()) {
    log_.Warning("agent/link", "the hub cannot be asked why it does not answer",
                 {{"error", call.status.message()}});
    return;
  }
  const v1::WhyRefusedResponse::Reason reason = call.answer.reason();
  if (reason == v1::WhyRefusedResponse::ACCEPTED) return;
  log_.Error("agent/link", "the hub refuses this agent's certificate",
             {{"reason", v1::WhyRefusedResponse::Reason_Name(reason)},
              {"message", call.answer.message()}});
  if (reason == v1::WhyRefusedResponse::EXPIRED) Renew();
}

}  // namespace leidang::agent
