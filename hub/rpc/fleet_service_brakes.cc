// Brakes in the Fleet service.

#include <algorithm>
#include <string>
#include <utility>

#include "hub/rpc/fleet_service.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

constexpr size_t kNamesMax = 10'000;

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

}  // namespace

grpc::ServerUnaryReactor* FleetService::ListBrakes(grpc::CallbackServerContext* context,
                                                   const v1::ListBrakesRequest*,
                                                   v1::ListBrakesResponse* response) {
  return Serve(context, [this, response](const Author&, grpc::ServerUnaryReactor* reactor) {
    for (const Brakes::Held& held : parts_.brakes.List())
      Fill(held, parts_.brakes.NameOf(held), response->add_held());
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
    parts_.brakes.Decide(verdict, request->digest(), author,
                         [this, response, reactor](const absl::StatusOr<Brakes::Held>& held) {
                           if (held.ok()) Fill(*held, parts_.brakes.NameOf(*held), response);
                           reactor->Finish(ToGrpc(held.status()));
                         });
  });
}

}  // namespace leidang::hub
