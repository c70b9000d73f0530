// What the hub reads from Git, in the Fleet service.

#include <string>

#include "hub/rpc/fleet_service.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

void Fill(const RepositoryState& state, v1::SourceRepository* out) {
  out->set_url(state.url);
  out->set_revisions(state.inputs);
  if (state.fetched_at != absl::InfinitePast())
    SetTime(state.fetched_at, out->mutable_fetched_at());
  if (state.error.ok()) return;
  out->set_error(std::string(state.error.message()));
  SetTime(state.failing_since, out->mutable_failing_since());
}

void Fill(const ConfigRepository& config, v1::Configuration* out) {
  out->set_url(config.shown_url());
  out->set_revision(config.options().revision);
  out->set_path(config.options().path);
  out->set_commit(config.commit());
  out->set_error(std::string(config.status().message()));
}

}  // namespace

grpc::ServerUnaryReactor* FleetService::ListSources(grpc::CallbackServerContext* context,
                                                    const v1::ListSourcesRequest*,
                                                    v1::ListSourcesResponse* response) {
  return Serve(context, [this, response](const Author&, grpc::ServerUnaryReactor* reactor) {
    for (const RepositoryState& state : parts_.repositories.List())
      Fill(state, response->add_repositories());
    if (parts_.config != nullptr) Fill(*parts_.config, response->mutable_configuration());
    reactor->Finish(grpc::Status::OK);
  });
}

}  // namespace leidang::hub
