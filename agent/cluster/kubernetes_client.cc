#include "agent/cluster/kubernetes_client.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "agent/cluster/api_errors.h"
#include "agent/cluster/kubernetes_client_jobs.h"
#include "agent/cluster/owned_fields.h"
#include "agent/cluster/secret_data.h"
#include "common/base/status_macros.h"
#include "common/manifest/tracking.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

// Of Events: some servers limit how many may be written.
constexpr char kEventsLane[] = "events";
// Long enough for a first sync of some thousand objects.
constexpr absl::Duration kAbsentFor = absl::Seconds(10);
// How long a kind is waited for after its definition was applied, and how often it is looked for.
constexpr absl::Duration kDefinitionWait = absl::Seconds(10);
constexpr absl::Duration kDefinitionLook = absl::Milliseconds(50);
// More objects of one kind and namespace are found by a list of their names.
constexpr size_t kGetsMax = 4;
constexpr int kPageSize = 500;
constexpr char kMetadataList[] =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

absl::Status Named(const absl::Status& status, const ObjectKey& key) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(key.ToString(), ": ", status.message()));
}

absl::Status UnknownKind(const ObjectKey& key) {
  return absl::UnavailableError(absl::StrCat(
      key.ToString(), ": the cluster does not know this kind (yet); is its definition installed?"));
}

absl::Status Untold(const ObjectKey& key) {
  return absl::UnavailableError(
      absl::StrCat(key.ToString(), ": the API server cannot tell now what the group ", key.group,
                   " has, for that group's own server does not answer it; see its APIService"));
}

absl::Status NotOurs(const ObjectKey& key) {
  return absl::PermissionDeniedError(absl::StrCat(
      key.ToString(),
      ": this agent looks after some namespaces only, and this is in none of them; name its "
      "namespace with --namespaces and give the agent its Role there"));
}

std::string LabelOf(const Selection& selection) {
  return selection.app.empty() ? "" : manifest::AppLabel(selection.app);
}

// As far as is known.
bool HoldsSome(const KindWatch& watch, const std::string& label) {
  return !label.empty() &&
         std::any_of(watch.objects().begin(), watch.objects().end(),
                     [&](const auto& entry) { return entry.second.label == label; });
}

bool OwnsNothing(const ObjectKey& key) {
  static constexpr absl::string_view kKinds[] = {
      "ConfigMap",  "Secret",        "ServiceAccount",     "Role",        "RoleBinding",
      "LimitRange", "ResourceQuota", "ClusterRoleBinding", "ClusterRole", "NetworkPolicy"};
  return (key.group.empty() || absl::EndsWith(key.group, ".k8s.io")) &&
         std::find(std::begin(kKinds), std::end(kKinds), key.kind) != std::end(kKinds);
}

absl::string_view PropagationName(const DeleteRequest& request) {
  switch (request.propagation) {
    case Propagation::kOrphan:
      return "Orphan";
    case Propagation::kBackground:
      return "Background";
    case Propagation::kForeground:
      break;
  }
  return OwnsNothing(request.key) ? "Background" : "Foreground";
}

}  // namespace

KubernetesClient::KubernetesClient(EventLoop& loop, ApiTransport& transport,
                                   std::set<std::string> namespaces, Log* log)
    : loop_(loop),
      transport_(transport),
      namespaces_(std::move(namespaces)),
      log_(log != nullptr ? *log : no_log_),
      gate_(loop, transport) {}

KubernetesClient::~KubernetesClient() { *alive_ = false; }

void KubernetesClient::Watch(Watcher watcher) { watcher_ = std::move(watcher); }

void KubernetesClient::Read(Selection selection, ReadDone done) {
  auto job = std::make_shared<ReadJob>();
  job->selection = std::move(selection);
  job->done = std::move(done);
  loop_.Post(Alive([this, job] {
    Ready(Alive([this, job](const absl::Status& status) {
      if (!status.ok()) return job->done(status);
      const bool unknown = std::any_of(job->selection.keys.begin(), job->selection.keys.end(),
                                       [this](const ObjectKey& key) {
                                         return resources_->Find(key.group, key.kind) == nullptr;
                                       });
      if (!unknown || DiscoveredJustNow()) return ReadKinds(job);
      Discover(Alive([this, job](const absl::Status&) { ReadKinds(job); }));
    }));
  }));
}

void KubernetesClient::ReadKinds(const std::shared_ptr<ReadJob>& job) {
  std::set<const KindWatch*> asked;
  for (const ObjectKey& key : job->selection.keys) {
    const ApiResource* resource = resources_->Find(key.group, key.kind);
    if (resource == nullptr && resources_->incomplete().contains(key.group)) {
      return job->done(Untold(key));
    }
    if (resource != nullptr && IsOurs(*resource, key.ns)) asked.insert(&WatchOf(*resource, key.ns));
  }
  const std::string label = LabelOf(job->selection);
  job->waiting = 1;
  for (const auto& [watched, watch] : watches_) {
    // What is broken is the concern of who has objects of it.
    const bool concerned = asked.contains(watch.get()) || HoldsSome(*watch, label);
    if (!concerned && !watch->failure().ok()) {
      job->broken = watch->failure();
      continue;
    }
    ++job->waiting;
    watch->WhenSynced(
        Alive([this, job, watched = watched, concerned, label](const absl::Status& status) {
          if (status.ok()) {
            job->some_current = true;
          } else {
            job->broken = status;
          }
          if (concerned && !status.ok() && !label.empty()) unread_[watched].insert(label);
          ReadSynced(job, concerned ? status : absl::OkStatus());
        }));
  }
  ReadSynced(job, absl::OkStatus());
}

void KubernetesClient::ReadSynced(const std::shared_ptr<ReadJob>& job, const absl::Status& status) {
  job->failure.Update(status);
  if (--job->waiting > 0) return;
  // Where nothing is current it is the server that does not answer.
  if (!job->some_current) job->failure.Update(job->broken);
  if (!job->failure.ok()) return job->done(job->failure);
  const std::string label = LabelOf(job->selection);
  for (const auto& [kind, watch] : watches_) {
    for (const auto& [key, object] : watch->objects()) {
      if (!label.empty() && object.label == label && !object.live.owner.empty()) {
        job->found.emplace(key, object.live);
      }
    }
  }
  for (const ObjectKey& key : job->selection.keys) {
    const KindWatch* watch = FindWatch(key);
    if (watch == nullptr) continue;  // A kind that is not served has no objects.
    const KeptObject* kept = watch->Find(key);
    if (kept != nullptr) {
      job->found.emplace(key, kept->live);
    } else {
      job->missing.push_back(key);
    }
  }
  ReadMissing(job);
}

void KubernetesClient::ReadMissing(const std::shared_ptr<ReadJob>& job) {
  std::map<std::pair<GroupKind, std::string>, std::vector<ObjectKey>> groups;
  for (const ObjectKey& key : std::exchange(job->missing, {})) {
    groups[{{key.group, key.kind}, key.ns}].push_back(key);
  }
  job->waiting = 1;
  for (const auto& [group, keys] : groups) {
    if (group.first == GroupKind("", "Namespace")) {
      for (const ObjectKey& key : keys) GetNamespace(job, key);
    } else if (keys.size() > kGetsMax) {
      job->missing.insert(job->missing.end(), keys.begin(), keys.end());
      ++job->waiting;
      NamesOf(job, FindWatch(keys.front())->resource(), group.second, "");
    } else {
      for (const ObjectKey& key : keys) GetOne(job, key);
    }
  }
  OneRead(job, absl::OkStatus());
}

// Names only: which of `missing` are there at all.
void KubernetesClient::NamesOf(const std::shared_ptr<ReadJob>& job, const ApiResource& resource,
                               const std::string& ns, const std::string& continuation) {
  ApiRequest request;
  request.path = absl::StrCat(resource.CollectionPath(ns), "?limit=", kPageSize);
  if (!continuation.empty()) absl::StrAppend(&request.path, "&continue=", continuation);
  request.accept = kMetadataList;
  gate_.SendLater(
      resource.Name(), std::move(request),
      Alive([this, job, resource, ns](absl::StatusOr<ApiResponse> a) {
        const absl::StatusOr<Value> list = AnswerObject(std::move(a));
        if (!list.ok()) return OneRead(job, list.status());
        std::set<std::string> names;
        const Value* items = object::Find(*list, {"items"});
        if (items != nullptr && items->is_array()) {
          for (const Value& item : items->get_array()) {
            names.emplace(object::FindString(item, {"metadata", "name"}));
          }
        }
        for (const ObjectKey& key : job->missing) {
          if (key.group == resource.group && key.kind == resource.kind && key.ns == ns &&
              names.contains(key.name)) {
            GetOne(job, key);
          }
        }
        const absl::string_view more = object::FindString(*list, {"metadata", "continue"});
        if (!more.empty()) return NamesOf(job, resource, ns, std::string(more));
        const absl::Duration now = loop_.clock().Monotonic();
        for (const ObjectKey& key : job->missing) {
          if (key.group == resource.group && key.kind == resource.kind && key.ns == ns) {
            absent_[key] = now;
          }
        }
        OneRead(job, absl::OkStatus());
      }));
}

void KubernetesClient::Get(const ApiResource& resource, const ObjectKey& key,
                           std::function<void(absl::StatusOr<Value>)> then) {
  ApiRequest request;
  request.path = resource.ObjectPath(key);
  gate_.Send(std::move(request), Alive([then = std::move(then)](absl::StatusOr<ApiResponse> a) {
               then(AnswerObject(std::move(a)));
             }));
}

void KubernetesClient::GetOne(const std::shared_ptr<ReadJob>& job, const ObjectKey& key) {
  ++job->waiting;
  const ApiResource resource = FindWatch(key)->resource();
  Get(resource, key, [this, job, key, resource](absl::StatusOr<Value> object) {
    if (absl::IsNotFound(object.status())) {
      absent_[key] = loop_.clock().Monotonic();
      return OneRead(job, absl::OkStatus());
    }
    if (!object.ok()) return OneRead(job, Named(object.status(), key));
    absl::StatusOr<KeptObject> kept = KeepObject(resource, *std::move(object));
    if (!kept.ok()) return OneRead(job, Named(kept.status(), key));
    absent_.erase(key);
    job->found.insert_or_assign(key, std::move(kept->live));
    OneRead(job, absl::OkStatus());
  });
}

void KubernetesClient::OneRead(const std::shared_ptr<ReadJob>& job, const absl::Status& status) {
  job->failure.Update(status);
  if (--job->waiting == 0) FinishRead(job);
}

void KubernetesClient::FinishRead(const std::shared_ptr<ReadJob>& job) {
  if (!job->failure.ok()) return job->done(job->failure);
  const absl::Duration now = loop_.clock().Monotonic();
  std::erase_if(absent_, [&](const auto& entry) { return now - entry.second > kAbsentFor; });
  for (const auto& [key, live] : job->found) absent_.erase(key);
  std::vector<LiveObject> objects;
  objects.reserve(job->found.size());
  for (auto& [key, live] : job->found) objects.push_back(std::move(live));
  job->done(std::move(objects));
}

bool KubernetesClient::RecentlyAbsent(const ObjectKey& key) const {
  const auto found = absent_.find(key);
  return found != absent_.end() && loop_.clock().Monotonic() - found->second < kAbsentFor;
}

void KubernetesClient::Apply(ApplyRequest request, ApplyDone done) {
  auto job = std::make_shared<ApplyJob>();
  job->request = std::move(request);
  job->done = std::move(done);
  job->began = loop_.clock().Monotonic();
  loop_.Post(Alive([this, job] {
    Ready(Alive([this, job](const absl::Status& status) {
      if (!status.ok()) return job->done(Named(status, job->request.key));
      FindKind(job);
    }));
  }));
}

void KubernetesClient::FindKind(const std::shared_ptr<ApplyJob>& job) {
  const ObjectKey& key = job->request.key;
  const absl::string_view api_version = object::FindString(job->request.manifest, {"apiVersion"});
  const absl::string_view version = manifest::VersionOf(api_version);
  const ApiResource* resource = resources_->Find(key.group, key.kind, version);
  if (resource != nullptr && resource->version == version) {
    job->resource = *resource;
    if (!IsOurs(*resource, key.ns)) return job->done(NotOurs(key));
    WatchOf(*resource, key.ns);
    return LookBefore(job);
  }
  const absl::Duration now = loop_.clock().Monotonic();
  const bool defined = now - defined_ < kDefinitionWait && now - job->began < kDefinitionWait;
  if (!defined && DiscoveredJustNow()) return job->done(UnknownKind(key));
  const bool asked = job->began < discovered_;
  if (!defined && asked) return job->done(UnknownKind(key));
  loop_.After(asked ? kDefinitionLook : absl::ZeroDuration(), Alive([this, job] {
                Discover(Alive([this, job](const absl::Status& status) {
                  if (!status.ok()) return job->done(Named(status, job->request.key));
                  FindKind(job);
                }));
              }));
}

void KubernetesClient::LookBefore(const std::shared_ptr<ApplyJob>& job) {
  const ObjectKey& key = job->request.key;
  if (job->request.if_version != "" || RecentlyAbsent(key)) return Begin(job);
  Get(job->resource, key, [this, job](const absl::StatusOr<Value>& object) {
    if (absl::IsNotFound(object.status())) return Begin(job);
    job->done(object.ok() ? absl::AbortedError(
                                absl::StrCat(job->request.key.ToString(), " is there already"))
                          : Named(object.status(), job->request.key));
  });
}

// Whatever the watch says of the object until the job is done waits for its answer.
void KubernetesClient::Begin(const std::shared_ptr<ApplyJob>& job) {
  const ObjectKey key = job->request.key;
  if (key.kind == "Namespace") namespaces_seen_.at = -absl::InfiniteDuration();
  KindWatch& watch = WatchOf(job->resource, key.ns);
  watch.BeginWrite(key);
  job->done = [&watch, key, done = job->done](absl::StatusOr<Applied> answer) {
    watch.EndWrite(key);
    done(std::move(answer));
  };
  if (job->request.former == ApplyRequest::Former::kTakeOver) return TakeOver(job);
  Write(job);
}

void KubernetesClient::Write(const std::shared_ptr<ApplyJob>& job) {
  if (job->request.way == ApplyRequest::Way::kReplace) return Replace(job);
  Patch(job);
}

void KubernetesClient::Patch(const std::shared_ptr<ApplyJob>& job) {
  const ApplyRequest& wanted = job->request;
  const bool new_only = wanted.if_version == "";
  const bool at_version = wanted.if_version.has_value() && !new_only;
  ApiRequest request;
  request.method = "PATCH";
  request.path = absl::StrCat(job->resource.ObjectPath(wanted.key), "?fieldManager=", kFieldManager,
                              new_only ? "" : "&force=true");
  request.content_type = "application/apply-patch+yaml";
  if (at_version || wanted.key.kind == "Secret") {
    Value body = wanted.manifest;
    FoldStringData(body);
    if (at_version) {
      body.get_object()["metadata"].get_object()["resourceVersion"] = *wanted.if_version;
    }
    request.body = object::ToJson(body);
  } else {
    request.body = object::ToJson(wanted.manifest);
  }
  gate_.Send(std::move(request), Alive([this, job](absl::StatusOr<ApiResponse> answer) {
               OnPatched(job, std::move(answer));
             }));
}

void KubernetesClient::OnPatched(const std::shared_ptr<ApplyJob>& job,
                                 absl::StatusOr<ApiResponse> answer) {
  const ObjectKey& key = job->request.key;
  absent_.erase(key);
  const int code = answer.ok() ? answer->status : 0;
  const bool anew = MayMakeAnew(*job, answer);
  absl::StatusOr<Value> object = AnswerObject(std::move(answer));
  if (absl::IsNotFound(object.status())) {
    // Its namespace, or its kind, which discovery still had.
    return job->done(
        absl::UnavailableError(absl::StrCat(key.ToString(), ": ", object.status().message())));
  }
  if (anew) return MakeAnew(job, Named(object.status(), key));
  if (!object.ok()) return job->done(Named(object.status(), key));
  if (key.kind == "CustomResourceDefinition") defined_ = loop_.clock().Monotonic();
  absl::StatusOr<KeptObject> kept = KeepObject(job->resource, *std::move(object));
  if (!kept.ok()) return job->done(Named(kept.status(), key));
  const ApiResource watched = WatchOf(job->resource, key.ns).resource();
  if (watched.version == job->resource.version) return OnKept(job, code, *std::move(kept));
  // Hashes are compared in the version that is watched.
  Get(watched, key, [this, job, code, watched](absl::StatusOr<Value> again) {
    if (!again.ok()) return job->done(Named(again.status(), job->request.key));
    absl::StatusOr<KeptObject> read = KeepObject(watched, *std::move(again));
    if (!read.ok()) return job->done(Named(read.status(), job->request.key));
    OnKept(job, code, *std::move(read));
  });
}

void KubernetesClient::OnKept(const std::shared_ptr<ApplyJob>& job, int status, KeptObject kept) {
  KindWatch& watch = WatchOf(job->resource, job->request.key.ns);
  const KeptObject* before = watch.Find(job->request.key);
  Applied applied;
  applied.uid = kept.live.uid;
  applied.version = kept.live.version;
  applied.hash = kept.live.hash;
  if (status == 201) {
    applied.effect = Applied::Effect::kCreated;
  } else if ((before != nullptr && before->live.version == kept.live.version) ||
             job->request.if_version == kept.live.version) {
    applied.effect = Applied::Effect::kUnchanged;
  }
  watch.Wrote(std::move(kept));
  job->done(std::move(applied));
}

void KubernetesClient::ReadWhole(const ObjectKey& key, const WholeDone& done) {
  Ready(Alive([this, key, done](const absl::Status& status) {
    if (!status.ok()) return done(Named(status, key));
    const ApiResource* resource = resources_->Find(key.group, key.kind);
    if (resource == nullptr) return done(UnknownKind(key));
    Get(*resource, key, [key, done](absl::StatusOr<Value> object) {
      if (!object.ok()) return done(Named(object.status(), key));
      done(*std::move(object));
    });
  }));
}

void KubernetesClient::DryRun(const ApplyRequest& request, WholeDone then) {
  Ready(Alive([this, request, then = std::move(then)](const absl::Status& status) {
    if (!status.ok()) return then(Named(status, request.key));
    const absl::string_view version =
        manifest::VersionOf(object::FindString(request.manifest, {"apiVersion"}));
    const ApiResource* resource = resources_->Find(request.key.group, request.key.kind, version);
    if (resource == nullptr || resource->version != version) {
      return then(absl::NotFoundError(UnknownKind(request.key).message()));
    }
    if (!IsOurs(*resource, request.key.ns)) return then(NotOurs(request.key));
    Value body = request.manifest;
    FoldStringData(body);
    ApiRequest asked;
    asked.method = "PATCH";
    asked.path = absl::StrCat(resource->ObjectPath(request.key), "?dryRun=All&force=true",
                              "&fieldManager=", kFieldManager);
    asked.content_type = "application/apply-patch+yaml";
    asked.body = object::ToJson(body);
    gate_.Send(std::move(asked),
               Alive([key = request.key, then](absl::StatusOr<ApiResponse> answer) {
                 absl::StatusOr<Value> object = AnswerObject(std::move(answer));
                 if (!object.ok()) return then(Named(object.status(), key));
                 then(*std::move(object));
               }));
  }));
}

void KubernetesClient::Record(const ObjectKey& key, const Value& event) {
  ApiRequest request;
  request.method = "PATCH";
  request.path = absl::StrCat("/api/v1/namespaces/", key.ns, "/events/", key.name,
                              "?fieldManager=", kFieldManager, "&force=true");
  request.content_type = "application/apply-patch+yaml";
  request.body = object::ToJson(event);
  gate_.SendLater(kEventsLane, std::move(request), [](const absl::StatusOr<ApiResponse>&) {});
}

void KubernetesClient::Check(const ApplyRequest& request, const CheckDone& done) {
  DryRun(request, [done](const absl::StatusOr<Value>& object) {
    // Nor do webhooks that have effects of their own let themselves be tried.
    const bool untold = absl::IsNotFound(object.status()) ||
                        absl::StrContains(object.status().message(), "does not support dry run");
    done(untold ? absl::OkStatus() : object.status());
  });
}

void KubernetesClient::Preview(const ApplyRequest& request, const WholeDone& done) {
  DryRun(request, done);
}

void KubernetesClient::Delete(DeleteRequest request, DeleteDone done) {
  loop_.Post(Alive([this, request = std::move(request), done = std::move(done)] {
    Ready(Alive([this, request, done](const absl::Status& status) {
      if (!status.ok()) return done(Named(status, request.key));
      SendDelete(request, done);
    }));
  }));
}

void KubernetesClient::SendDelete(DeleteRequest wanted, const DeleteDone& done) {
  const ApiResource* resource = resources_->Find(wanted.key.group, wanted.key.kind);
  if (resource == nullptr) {
    const bool told = !resources_->incomplete().contains(wanted.key.group);
    // With its kind all its objects went.
    return done(told ? absl::StatusOr<Deleted>(Deleted::kGone) : Untold(wanted.key));
  }
  if (!IsOurs(*resource, wanted.key.ns)) return done(NotOurs(wanted.key));
  KindWatch& watch = WatchOf(*resource, wanted.key.ns);
  watch.BeginWrite(wanted.key);
  if (wanted.key.kind == "Namespace") namespaces_seen_.at = -absl::InfiniteDuration();
  object::Object preconditions;
  if (!wanted.uid.empty()) preconditions["uid"] = wanted.uid;
  if (wanted.if_version.has_value()) preconditions["resourceVersion"] = *wanted.if_version;
  const absl::string_view policy = PropagationName(wanted);
  object::Object body{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  body["propagationPolicy"] = boost::json::string_view(policy.data(), policy.size());
  if (!preconditions.empty()) body["preconditions"] = preconditions;
  ApiRequest request;
  request.method = "DELETE";
  request.path = resource->ObjectPath(wanted.key);
  request.content_type = "application/json";
  request.body = object::ToJson(body);
  gate_.Send(std::move(request), Alive([&watch, wanted, done](absl::StatusOr<ApiResponse> answer) {
               const absl::StatusOr<Value> left = AnswerObject(std::move(answer));
               const bool gone =
                   absl::IsNotFound(left.status()) ||
                   (left.ok() && object::Find(*left, {"metadata", "deletionTimestamp"}) == nullptr);
               if (gone) watch.Deleted(wanted.key, wanted.uid);
               watch.EndWrite(wanted.key);
               if (!left.ok() && !gone) return done(Named(left.status(), wanted.key));
               done(gone ? Deleted::kGone : Deleted::kPending);
             }));
}

std::optional<manifest::Scope> KubernetesClient::ScopeOf(absl::string_view group,
                                                         absl::string_view kind) const {
  if (resources_.has_value()) {
    const ApiResource* resource = resources_->Find(group, kind);
    if (resource != nullptr) return resource->scope;
  }
  return manifest::KnownScope(group, kind);
}

absl::Status KubernetesClient::CheckKeys(const std::vector<ObjectKey>&) const {
  return absl::OkStatus();
}

}  // namespace leidang::agent
