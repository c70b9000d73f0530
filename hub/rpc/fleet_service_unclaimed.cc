// Unclaimed Applications in the Fleet service.

#include <string>
#include <utility>

#include "common/conditions/types.h"
#include "hub/rpc/fleet_service.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

v1::UnclaimedApplication::State StateOf(UnclaimedDesk::Entry::State state) {
  switch (state) {
    case UnclaimedDesk::Entry::State::kKept:
      return v1::UnclaimedApplication::KEPT;
    case UnclaimedDesk::Entry::State::kEnding:
      return v1::UnclaimedApplication::ENDING;
    case UnclaimedDesk::Entry::State::kAdopted:
      return v1::UnclaimedApplication::ADOPTED;
  }
  return v1::UnclaimedApplication::KEPT;
}

v1::DecidedUnclaimed::Written WrittenOf(UnclaimedDesk::Decided::Written written) {
  switch (written) {
    case UnclaimedDesk::Decided::Written::kNo:
      return v1::DecidedUnclaimed::NOT_WRITTEN;
    case UnclaimedDesk::Decided::Written::kAsHeld:
      return v1::DecidedUnclaimed::AS_HELD;
    case UnclaimedDesk::Decided::Written::kAnew:
      return v1::DecidedUnclaimed::ANEW;
  }
  return v1::DecidedUnclaimed::NOT_WRITTEN;
}

// "namespace/name" in its parts.
template <typename Message>
void SetKey(const std::string& key, Message* out) {
  const size_t slash = key.find('/');
  out->set_namespace_(key.substr(0, slash));
  out->set_name(key.substr(slash + 1));
}

absl::Time SinceOf(const intent::EntryStatus& status) {
  for (const intent::StatusCondition& condition : status.conditions) {
    if (condition.type == conditions::kUnclaimed) return condition.since;
  }
  return status.observed_at;
}

void Fill(const UnclaimedDesk::Entry& entry, v1::UnclaimedApplication* out) {
  out->set_cluster(entry.cluster_name);
  SetKey(entry.status.key.name, out);
  out->set_uid(entry.status.uid.Raw());
  out->set_state(StateOf(entry.state));
  out->set_why(entry.why);
  out->set_source(entry.source);
  out->set_objects(entry.status.objects);
  SetTime(SinceOf(entry.status), out->mutable_since());
}

template <typename Request>
absl::StatusOr<UnclaimedDesk::Target> TargetOf(const Request& request) {
  if (request.cluster().empty() || request.name().empty()) {
    return absl::InvalidArgumentError("the request must name a cluster and an Application");
  }
  return UnclaimedDesk::Target{request.cluster(), request.namespace_(), request.name()};
}

}  // namespace

grpc::ServerUnaryReactor* FleetService::ListUnclaimed(grpc::CallbackServerContext* context,
                                                      const v1::ListUnclaimedRequest* request,
                                                      v1::ListUnclaimedResponse* response) {
  return Serve(context,
               [this, request, response](const Author&, grpc::ServerUnaryReactor* reactor) {
                 const absl::StatusOr<UnclaimedDesk::Listed> listed =
                     parts_.unclaimed.List(request->cluster(), request->page_token());
                 if (!listed.ok()) return reactor->Finish(ToGrpc(listed.status()));
                 for (const UnclaimedDesk::Entry& entry : listed->entries) {
                   v1::UnclaimedApplication* item = response->add_items();
                   Fill(entry, item);
                   item->set_connected(parts_.view.Connected(entry.cluster));
                 }
                 response->set_next_page_token(listed->next);
                 reactor->Finish(grpc::Status::OK);
               });
}

UnclaimedDesk::Done FleetService::AnswerUnclaimed(v1::DecidedUnclaimed* response,
                                                  grpc::ServerUnaryReactor* reactor) {
  return [this, response, reactor](const absl::StatusOr<UnclaimedDesk::Decided>& decided) {
    if (!decided.ok()) return reactor->Finish(ToGrpc(decided.status()));
    SetKey(decided->key, response);
    response->set_ending(decided->ending);
    response->set_written(WrittenOf(decided->written));
    response->set_connected(parts_.view.Connected(decided->cluster));
    reactor->Finish(grpc::Status::OK);
  };
}

grpc::ServerUnaryReactor* FleetService::ReleaseUnclaimed(grpc::CallbackServerContext* context,
                                                         const v1::ReleaseUnclaimedRequest* request,
                                                         v1::DecidedUnclaimed* response) {
  return Serve(context,
               [this, request, response](const Author& author, grpc::ServerUnaryReactor* reactor) {
                 const absl::StatusOr<UnclaimedDesk::Target> target = TargetOf(*request);
                 if (!target.ok()) return reactor->Finish(ToGrpc(target.status()));
                 parts_.unclaimed.Release(*target, PolicyOf(request->cascade()), author,
                                          AnswerUnclaimed(response, reactor));
               });
}

grpc::ServerUnaryReactor* FleetService::AdoptUnclaimed(grpc::CallbackServerContext* context,
                                                       const v1::AdoptUnclaimedRequest* request,
                                                       v1::DecidedUnclaimed* response) {
  return Serve(context,
               [this, request, response](const Author& author, grpc::ServerUnaryReactor* reactor) {
                 const absl::StatusOr<UnclaimedDesk::Target> target = TargetOf(*request);
                 if (!target.ok()) return reactor->Finish(ToGrpc(target.status()));
                 parts_.unclaimed.Adopt(*target, author, AnswerUnclaimed(response, reactor));
               });
}

}  // namespace leidang::hub
