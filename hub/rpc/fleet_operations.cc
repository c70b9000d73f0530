// The calls of the Fleet service that are about operations.

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/object/value.h"
#include "hub/rpc/fleet_service.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

v1::OperationView ViewOf(const OperationRecord& operation, const std::string& cluster) {
  v1::OperationView view;
  const size_t slash = operation.key.name.find('/');
  view.set_id(operation.id.Hex());
  view.set_namespace_(operation.key.name.substr(0, slash));
  view.set_name(operation.key.name.substr(slash + 1));
  view.set_cluster(cluster);
  view.set_kind(static_cast<v1::OperationKind>(operation.kind));
  view.set_state(static_cast<v1::OperationView::State>(operation.state));
  view.set_message(operation.message);
  view.set_parameters(operation.parameters);
  view.set_requested_by(operation.requested_by);
  SetTime(operation.requested_at, view.mutable_requested_at());
  SetTime(operation.expires_at, view.mutable_expires_at());
  if (IsFinal(operation.state)) SetTime(operation.ended_at, view.mutable_ended_at());
  return view;
}

absl::StatusOr<Operations::Asked> Read(const v1::OperateRequest& request,
                                       const ResourceView& resources, const Author& author) {
  Operations::Asked asked;
  ASSIGN_OR_RETURN(asked.application,
                   resources.Locate(v1::APPLICATION, request.namespace_(), request.name()));
  const bool sync = request.kind() == v1::OPERATION_SYNC;
  if (request.kind() < v1::OPERATION_SYNC || request.kind() > v1::OPERATION_HISTORY)
    return absl::InvalidArgumentError(
        "the request names no operation: use SYNC, REFRESH, TERMINATE, DIFF or HISTORY");
  if (!sync &&
      (request.prune() || !request.approve_deletions().empty() || request.resources_size() > 0)) {
    return absl::InvalidArgumentError("prune, approve_deletions and resources belong to a sync");
  }
  asked.kind = static_cast<OperationKind>(request.kind());
  object::Object parameters;
  if (sync) parameters["requestedBy"] = author.who;
  if (request.prune()) parameters["prune"] = true;
  if (!request.approve_deletions().empty())
    parameters["approveDeletions"] = request.approve_deletions();
  constexpr int kResourcesMax = 1'000;
  if (request.resources_size() > kResourcesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a partial sync names at most ", kResourcesMax, " objects"));
  }
  object::Array objects;
  for (const std::string& resource : request.resources()) objects.emplace_back(resource);
  if (!objects.empty()) parameters["resources"] = std::move(objects);
  asked.parameters = object::ToJson(parameters);
  if (request.lifetime_seconds() != 0) asked.lifetime = absl::Seconds(request.lifetime_seconds());
  return asked;
}

}  // namespace

grpc::ServerUnaryReactor* FleetService::Operate(grpc::CallbackServerContext* context,
                                                const v1::OperateRequest* request,
                                                v1::OperationView* response) {
  return Serve(
      context, [this, request, response](const Author& author, grpc::ServerUnaryReactor* reactor) {
        const absl::StatusOr<Operations::Asked> asked = Read(*request, parts_.view, author);
        if (!asked.ok()) return reactor->Finish(ToGrpc(asked.status()));
        parts_.operations.Request(
            *asked, author,
            [this, response, reactor](const absl::StatusOr<OperationRecord>& operation) {
              if (operation.ok())
                *response = ViewOf(*operation, parts_.view.ClusterName(operation->cluster));
              reactor->Finish(ToGrpc(operation.status()));
            });
      });
}

grpc::ServerUnaryReactor* FleetService::GetOperation(grpc::CallbackServerContext* context,
                                                     const v1::GetOperationRequest* request,
                                                     v1::OperationView* response) {
  return Serve(
      context, [this, request, response](const Author&, grpc::ServerUnaryReactor* reactor) {
        const std::optional<OperationId> id = OperationId::FromHex(request->id());
        if (!id) {
          return reactor->Finish(ToGrpc(absl::InvalidArgumentError(
              absl::StrCat("\"", request->id(), "\" is no operation's id: 32 hex digits"))));
        }
        const absl::StatusOr<OperationRecord> operation = parts_.operations.Find(*id);
        if (operation.ok())
          *response = ViewOf(*operation, parts_.view.ClusterName(operation->cluster));
        reactor->Finish(ToGrpc(operation.status()));
      });
}

grpc::ServerUnaryReactor* FleetService::ListOperations(grpc::CallbackServerContext* context,
                                                       const v1::ListOperationsRequest* request,
                                                       v1::ListOperationsResponse* response) {
  return Serve(
      context, [this, request, response](const Author&, grpc::ServerUnaryReactor* reactor) {
        const absl::StatusOr<std::string> application =
            parts_.view.Locate(v1::APPLICATION, request->namespace_(), request->name());
        if (!application.ok()) return reactor->Finish(ToGrpc(application.status()));
        for (const OperationRecord& operation : parts_.operations.OfApplication(*application))
          *response->add_items() = ViewOf(operation, parts_.view.ClusterName(operation.cluster));
        reactor->Finish(grpc::Status::OK);
      });
}

}  // namespace leidang::hub
