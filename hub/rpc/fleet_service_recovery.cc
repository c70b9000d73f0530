// Recovery in the Fleet service.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "hub/rpc/fleet_service.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

constexpr int kLinesMax = 50;

void AddLines(const char* what, const std::vector<UnclaimedEntry>& entries,
              v1::RecoveringCluster* out) {
  for (const UnclaimedEntry& entry : entries) {
    if (out->lines_size() == kLinesMax) return;
    out->add_lines(absl::StrCat(what, " ", entry.key.ToString()));
  }
}

void Fill(const Recovery::State& state, v1::RecoveringCluster* out) {
  out->set_cluster(state.name);
  out->set_joined(state.joined);
  if (!state.difference.has_value()) return;
  const Difference& difference = *state.difference;
  out->set_compared(true);
  SetTime(state.compared_at, out->mutable_compared_at());
  out->set_equal(difference.equal);
  out->set_add(difference.add.size() + difference.beyond.add);
  out->set_change(difference.change.size() + difference.beyond.change);
  out->set_remove(difference.remove.size() + difference.beyond.remove);
  out->set_keep(difference.keep.size() + difference.beyond.keep);
  out->set_adopt(difference.other_uid.size() + difference.beyond.other_uid);
  out->set_unknown(difference.unknown);
  AddLines("remove", difference.remove, out);
  AddLines("keep", difference.keep, out);
  AddLines("change", difference.change, out);
  AddLines("add", difference.add, out);
  for (const Difference::OtherUid& other : difference.other_uid) {
    if (out->lines_size() == kLinesMax) break;
    out->add_lines(absl::StrCat("adopt ", other.key.ToString()));
  }
  out->set_difference(difference.Digest().Raw());
}

}  // namespace

grpc::ServerUnaryReactor* FleetService::ListRecovery(grpc::CallbackServerContext* context,
                                                     const v1::ListRecoveryRequest*,
                                                     v1::ListRecoveryResponse* response) {
  return Serve(context, [this, response](const Author&, grpc::ServerUnaryReactor* reactor) {
    for (const Recovery::State& state : parts_.recovery.States()) {
      Fill(state, response->add_clusters());
    }
    response->set_settled(parts_.recovery.settled());
    reactor->Finish(grpc::Status::OK);
  });
}

grpc::ServerUnaryReactor* FleetService::AcceptRecovery(grpc::CallbackServerContext* context,
                                                       const v1::AcceptRecoveryRequest* request,
                                                       v1::AcceptRecoveryResponse* response) {
  return Serve(context, [this, request, response](const Author& author,
                                                  grpc::ServerUnaryReactor* reactor) {
    std::vector<Recovery::Accepted> accepted;
    for (const v1::AcceptRecoveryRequest::Accepted& one : request->accepted()) {
      const auto difference = object::Sha256::FromRaw(one.difference());
      if (!difference.has_value()) {
        return reactor->Finish(grpc::Status(
            grpc::StatusCode::INVALID_ARGUMENT,
            absl::StrCat("the difference of cluster ", one.cluster(), " does not have 32 bytes")));
      }
      accepted.push_back({one.cluster(), *difference});
    }
    const auto unsettled = request->although_unsettled() ? Recovery::Unsettled::kAccepted
                                                         : Recovery::Unsettled::kRefused;
    parts_.recovery.Accept(accepted, unsettled, author,
                           [response, reactor](const absl::StatusOr<size_t>& released) {
                             if (released.ok()) response->set_clusters(*released);
                             reactor->Finish(ToGrpc(released.status()));
                           });
  });
}

}  // namespace leidang::hub
