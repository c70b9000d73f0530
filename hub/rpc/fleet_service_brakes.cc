// Brakes in the Fleet service.

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "hub/rpc/fleet_service.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

constexpr size_t kNamesMax = 10'000;
constexpr size_t kApplicationsMax = 2'000;

void Fill(const Brakes::Held& held, const std::string& scope, v1::HeldDeletions* out) {
  out->set_scope(scope);
  out->set_digest(held.digest.Hex());
  SetTime(held.since, out->mutable_since());
  out->set_why(held.why);
  out->set_rejected_by(held.decided);
  out->set_deletions(held.deletions.size());
  for (size_t i = 0; i < std::min(held.deletions.size(), kNamesMax); ++i)
    out->add_names(held.deletions[i].name);
}

void Fill(const ApplicationBrakes::Held& held, v1::HeldDeletions* out) {
  out->set_scope(BrakeText(held));
  out->set_digest(held.digest);
  SetTime(held.since, out->mutable_since());
  out->set_why(held.why);
  out->set_deletions(held.objects);
  for (const std::string& name : held.names) out->add_names(name);
}

// docs/adr/0021
absl::Status NotRejectable(const ApplicationBrakes::Held& held) {
  return absl::FailedPreconditionError(
      absl::StrCat("what the ", BrakeText(held),
                   " holds stays held until it is approved or wanted "
                   "again, so there is nothing to reject: put the objects back into its source, or "
                   "leave the list as it is"));
}

void DecideOfApplication(ApplicationBrakes& brakes, const v1::DecideBrakeRequest& request,
                         const Author& author, v1::HeldDeletions* response,
                         grpc::ServerUnaryReactor* reactor) {
  const auto held = brakes.Find(request.digest());
  if (!held.ok()) return reactor->Finish(ToGrpc(held.status()));
  if (request.verdict() == v1::DecideBrakeRequest::REJECT)
    return reactor->Finish(ToGrpc(NotRejectable(*held)));
  brakes.Approve(*held, author, [response, reactor, held = *held](const absl::Status& status) {
    if (status.ok()) Fill(held, response);
    reactor->Finish(ToGrpc(status));
  });
}

}  // namespace

grpc::ServerUnaryReactor* FleetService::ListBrakes(grpc::CallbackServerContext* context,
                                                   const v1::ListBrakesRequest*,
                                                   v1::ListBrakesResponse* response) {
  return Serve(context, [this, response](const Author&, grpc::ServerUnaryReactor* reactor) {
    for (const Brakes::Held& held : parts_.brakes.List())
      Fill(held, parts_.brakes.NameOf(held), response->add_held());
    const auto applications = parts_.application_brakes.List(kApplicationsMax + 1);
    if (!applications.ok()) return reactor->Finish(ToGrpc(applications.status()));
    response->set_more(applications->size() > kApplicationsMax);
    for (size_t i = 0; i < std::min(applications->size(), kApplicationsMax); ++i)
      Fill((*applications)[i], response->add_held());
    reactor->Finish(grpc::Status::OK);
  });
}

grpc::ServerUnaryReactor* FleetService::DecideBrake(grpc::CallbackServerContext* context,
                                                    const v1::DecideBrakeRequest* request,
                                                    v1::HeldDeletions* response) {
  return Serve(context, [this, request, response](const Author& author,
                                                  grpc::ServerUnaryReactor* reactor) {
    if (request->verdict() == v1::DecideBrakeRequest::VERDICT_UNSPECIFIED) {
      return reactor->Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                                          "the request names no verdict: use APPROVE or REJECT"));
    }
    const auto verdict = request->verdict() == v1::DecideBrakeRequest::APPROVE
                             ? BrakeDesk::Verdict::kApproved
                             : BrakeDesk::Verdict::kRejected;
    parts_.brakes.Decide(
        verdict, request->digest(), author,
        [this, request, author, response, reactor](const absl::StatusOr<Brakes::Held>& held) {
          // Those of Applications cost a look at each that holds.
          if (absl::IsNotFound(held.status())) {
            return DecideOfApplication(parts_.application_brakes, *request, author, response,
                                       reactor);
          }
          if (held.ok()) Fill(*held, parts_.brakes.NameOf(*held), response);
          reactor->Finish(ToGrpc(held.status()));
        });
  });
}

}  // namespace leidang::hub
