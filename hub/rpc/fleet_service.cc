#include "hub/rpc/fleet_service.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "hub/rpc/to_grpc.h"
#include "hub/rpc/watch_call.h"

namespace leidang::hub {
namespace {

constexpr size_t kWatchesMax = 200;
constexpr int kManifestsMax = 10'000;
constexpr absl::Duration kWatchInterval = absl::Milliseconds(200);
constexpr uint32_t kTokenLifeDefault = 3600;

std::string TokenOf(grpc::CallbackServerContext* context) {
  const auto& metadata = context->client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return "";
  absl::string_view text(found->second.data(), found->second.size());
  return absl::ConsumePrefix(&text, "Bearer ") ? std::string(text) : "";
}

v1::Kind KindOfName(const std::string& kind) {
  if (kind == "ApplicationSet") return v1::APPLICATION_SET;
  if (kind == "Application") return v1::APPLICATION;
  if (kind == "AppProject") return v1::APP_PROJECT;
  if (kind == "ConfigMap") return v1::SETTINGS;
  if (kind == "Cluster") return v1::CLUSTER;
  if (kind == "Secret") return v1::REPOSITORY;
  return v1::KIND_UNSPECIFIED;
}

void FillResult(const Desk::Applied& applied, v1::ApplyResult* out) {
  out->set_kind(KindOfName(applied.kind));
  out->set_namespace_(applied.ns);
  out->set_name(applied.name);
  for (const std::string& warning : applied.warnings) out->add_warnings(warning);
  if (!applied.outcome.ok()) {
    out->set_outcome(v1::ApplyResult::REFUSED);
    out->set_message(std::string(applied.outcome.status().message()));
    return;
  }
  switch (*applied.outcome) {
    case Desk::Outcome::kCreated:
      return out->set_outcome(v1::ApplyResult::CREATED);
    case Desk::Outcome::kConfigured:
      return out->set_outcome(v1::ApplyResult::CONFIGURED);
    case Desk::Outcome::kUnchanged:
      return out->set_outcome(v1::ApplyResult::UNCHANGED);
  }
}

// What is to be deleted is named in full, or is in the default namespace: never searched for.
std::string NamespaceOf(const v1::DeleteRequest& request) {
  return request.namespace_().empty() ? kDefaultNamespace : request.namespace_();
}

absl::StatusOr<Desk::Target> TargetOf(const v1::DeleteRequest& request) {
  const std::string key = absl::StrCat(NamespaceOf(request), "/", request.name());
  switch (request.kind()) {
    case v1::APPLICATION_SET:
      return Desk::Target{WrittenKind::kApplicationSet, key};
    case v1::APPLICATION:
      return Desk::Target{WrittenKind::kApplication, key};
    case v1::APP_PROJECT:
      return Desk::Target{WrittenKind::kAppProject, request.name()};
    case v1::REPOSITORY:
      return Desk::Target{WrittenKind::kRepository, request.name()};
    case v1::SETTINGS:
      return Desk::Target{WrittenKind::kSettings, request.name()};
    default:
      return absl::InvalidArgumentError("the request names no kind that can be deleted this way");
  }
}

}  // namespace

std::optional<intent::DeletionPolicy> PolicyOf(v1::DeleteRequest::Cascade cascade) {
  switch (cascade) {
    case v1::DeleteRequest::FOREGROUND:
      return intent::DeletionPolicy::kForeground;
    case v1::DeleteRequest::BACKGROUND:
      return intent::DeletionPolicy::kBackground;
    case v1::DeleteRequest::ORPHAN:
      return intent::DeletionPolicy::kOrphan;
    default:
      return std::nullopt;
  }
}

FleetService::FleetService(Parts parts) : parts_(std::move(parts)) {}
FleetService::~FleetService() { *alive_ = false; }

grpc::ServerUnaryReactor* FleetService::Serve(
    grpc::CallbackServerContext* context,
    std::function<void(const Author&, grpc::ServerUnaryReactor*)> serve) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.loop.Post(
      [this, reactor, token = TokenOf(context), peer = context->peer(), serve = std::move(serve)] {
        const absl::StatusOr<std::string> who = parts_.authenticate(token);
        if (!who.ok()) return reactor->Finish(ToGrpc(who.status()));
        serve(Author{*who, peer}, reactor);
      });
  return reactor;
}

grpc::ServerUnaryReactor* FleetService::GetVersion(grpc::CallbackServerContext* context,
                                                   const v1::VersionRequest*,
                                                   v1::VersionResponse* response) {
  return Serve(context, [this, response](const Author&, grpc::ServerUnaryReactor* reactor) {
    *response = parts_.view.Version();
    reactor->Finish(grpc::Status::OK);
  });
}

grpc::ServerUnaryReactor* FleetService::Apply(grpc::CallbackServerContext* context,
                                              const v1::ApplyRequest* request,
                                              v1::ApplyResponse* response) {
  return Serve(context, [this, request, response](const Author& author,
                                                  grpc::ServerUnaryReactor* reactor) {
    if (request->manifests_size() > kManifestsMax) {
      return reactor->Finish(grpc::Status(
          grpc::StatusCode::INVALID_ARGUMENT,
          absl::StrCat("more than ", kManifestsMax, " objects in one call: apply them in parts")));
    }
    std::vector<object::Value> manifests;
    for (const std::string& text : request->manifests()) {
      absl::StatusOr<object::Value> manifest = object::ParseJson(text);
      // What cannot be parsed is refused by the desk as no object, in its place.
      manifests.push_back(manifest.ok() ? *std::move(manifest) : object::Value(nullptr));
    }
    parts_.desk.Apply(manifests, kApiOwner, author,
                      request->dry_run() ? Desk::Mode::kDryRun : Desk::Mode::kApply,
                      [response, reactor](const std::vector<Desk::Applied>& results) {
                        for (const Desk::Applied& applied : results)
                          FillResult(applied, response->add_results());
                        reactor->Finish(grpc::Status::OK);
                      });
  });
}

grpc::ServerUnaryReactor* FleetService::Get(grpc::CallbackServerContext* context,
                                            const v1::GetRequest* request, v1::Resource* response) {
  return Serve(context,
               [this, request, response](const Author&, grpc::ServerUnaryReactor* reactor) {
                 absl::StatusOr<v1::Resource> resource = parts_.view.Get(*request);
                 if (!resource.ok()) return reactor->Finish(ToGrpc(resource.status()));
                 *response = *std::move(resource);
                 reactor->Finish(grpc::Status::OK);
               });
}

grpc::ServerUnaryReactor* FleetService::List(grpc::CallbackServerContext* context,
                                             const v1::ListRequest* request,
                                             v1::ListResponse* response) {
  return Serve(context,
               [this, request, response](const Author&, grpc::ServerUnaryReactor* reactor) {
                 absl::StatusOr<v1::ListResponse> list = parts_.view.List(*request);
                 if (!list.ok()) return reactor->Finish(ToGrpc(list.status()));
                 *response = *std::move(list);
                 reactor->Finish(grpc::Status::OK);
               });
}

grpc::ServerUnaryReactor* FleetService::Delete(grpc::CallbackServerContext* context,
                                               const v1::DeleteRequest* request,
                                               v1::DeleteResponse* response) {
  return Serve(
      context, [this, request, response](const Author& author, grpc::ServerUnaryReactor* reactor) {
        const auto done = [response, reactor](const absl::StatusOr<uint64_t>& applications) {
          if (applications.ok()) response->set_applications(*applications);
          reactor->Finish(ToGrpc(applications.status()));
        };
        if (request->kind() == v1::CLUSTER) {
          return parts_.desk.DeleteCluster(request->name(), PolicyOf(request->cascade()), kApiOwner,
                                           author, done);
        }
        const absl::StatusOr<Desk::Target> target = TargetOf(*request);
        if (!target.ok()) return reactor->Finish(ToGrpc(target.status()));
        if (request->kind() == v1::APPLICATION_SET || request->kind() == v1::APPLICATION) {
          const auto there =
              parts_.view.Locate(request->kind(), NamespaceOf(*request), request->name());
          if (!there.ok()) return reactor->Finish(ToGrpc(there.status()));
        }
        parts_.desk.Delete(
            *target,
            request->has_confirm() ? std::optional<uint64_t>(request->confirm()) : std::nullopt,
            PolicyOf(request->cascade()), kApiOwner, author, done);
      });
}

grpc::ServerUnaryReactor* FleetService::RegisterCluster(grpc::CallbackServerContext* context,
                                                        const v1::RegisterClusterRequest* request,
                                                        v1::RegisterClusterResponse* response) {
  return Serve(
      context, [this, request, response](const Author& author, grpc::ServerUnaryReactor* reactor) {
        Desk::Registration registration;
        registration.name = request->name();
        registration.server = request->server();
        registration.project = request->project();
        registration.labels = {request->labels().begin(), request->labels().end()};
        registration.annotations = {request->annotations().begin(), request->annotations().end()};
        const uint32_t life = request->token_ttl_seconds();
        registration.token_life = absl::Seconds(life == 0 ? kTokenLifeDefault : life);
        parts_.desk.Register(
            registration, author,
            [this, response, reactor](const absl::StatusOr<Desk::Registered>& registered) {
              if (!registered.ok()) return reactor->Finish(ToGrpc(registered.status()));
              response->set_cluster_id(registered->id.Raw());
              response->set_token(registered->token);
              response->set_ca_pin(parts_.ca_pin);
              response->set_command(absl::StrCat("leidang-agent --hub ", parts_.user_address,
                                                 " --join-token ", registered->token, " --ca-pin ",
                                                 parts_.ca_pin));
              SetTime(registered->expires_at, response->mutable_expires_at());
              reactor->Finish(grpc::Status::OK);
            });
      });
}

grpc::ServerUnaryReactor* FleetService::Refresh(grpc::CallbackServerContext* context,
                                                const v1::RefreshRequest* request,
                                                v1::RefreshResponse* response) {
  return Serve(context, [this, request, response](const Author&,
                                                  grpc::ServerUnaryReactor* reactor) {
    if (request->set().empty()) {
      response->set_repositories(static_cast<uint32_t>(parts_.repositories.Refresh(std::nullopt)));
      return reactor->Finish(grpc::Status::OK);
    }
    const size_t slash = request->set().find('/');
    const absl::StatusOr<std::string> key =
        slash == std::string::npos
            ? parts_.view.Locate(v1::APPLICATION_SET, "", request->set())
            : parts_.view.Locate(v1::APPLICATION_SET, request->set().substr(0, slash),
                                 request->set().substr(slash + 1));
    if (!key.ok()) return reactor->Finish(ToGrpc(key.status()));
    std::set<std::string> urls;
    for (const GitInput& input :
         parts_.repositories.WantedBy(OwnerKey{WrittenKind::kApplicationSet, *key}.ToString())) {
      urls.insert(input.url);
    }
    size_t count = 0;
    for (const std::string& url : urls) count += parts_.repositories.Refresh(url);
    if (count == 0) {
      return reactor->Finish(
          grpc::Status(grpc::StatusCode::NOT_FOUND,
                       absl::StrCat("the ApplicationSet ", *key, " reads no repository")));
    }
    response->set_repositories(static_cast<uint32_t>(count));
    reactor->Finish(grpc::Status::OK);
  });
}

grpc::ServerWriteReactor<v1::WatchEvent>* FleetService::Watch(grpc::CallbackServerContext* context,
                                                              const v1::WatchRequest* request) {
  auto* call = new WatchCall(parts_.loop, *request, [this, alive = alive_](WatchCall* done) {
    if (*alive) watches_.erase(done);
    delete done;
  });
  parts_.loop.Post([this, call, token = TokenOf(context)] { AddWatch(call, token); });
  return call;
}

void FleetService::AddWatch(WatchCall* call, const std::string& token) {
  if (const absl::StatusOr<std::string> who = parts_.authenticate(token); !who.ok()) {
    return call->End(ToGrpc(who.status()));
  }
  if (watches_.size() >= kWatchesMax) {
    return call->End(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                  "there are too many watchers: try again later"));
  }
  watches_.insert(call);
  call->Tick(parts_.view);
  if (tick_ == 0) TickWatches();
}

void FleetService::TickWatches() {
  tick_ = 0;
  if (watches_.empty()) return;
  for (WatchCall* call : watches_) call->Tick(parts_.view);
  tick_ = parts_.loop.After(kWatchInterval, [this, alive = alive_] {
    if (*alive) TickWatches();
  });
}

void FleetService::EndWatches() {
  for (WatchCall* call : watches_)
    call->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the hub is stopping"));
}

}  // namespace leidang::hub
