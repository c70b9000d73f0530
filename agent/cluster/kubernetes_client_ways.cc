// How KubernetesClient writes an object in other ways than by one apply: taking over the fields of
// another tool, replacing, making anew.

#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/cluster/api_errors.h"
#include "agent/cluster/kubernetes_client.h"
#include "agent/cluster/kubernetes_client_jobs.h"
#include "agent/cluster/owned_fields.h"
#include "agent/cluster/secret_data.h"
#include "agent/cluster/taken_fields.h"
#include "common/manifest/tracking.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

// How long an object that is made anew may take to go, and how often it is looked for.
constexpr absl::Duration kGoneWait = absl::Seconds(60);
constexpr absl::Duration kGoneLook = absl::Milliseconds(200);
// Of the name of what is only tried: with what the API server adds it is short for every kind.
constexpr size_t kTrialNameMax = 40;

// With these all that is in them would go.
bool HoldsOthers(const ObjectKey& key) {
  return (key.group.empty() && key.kind == "Namespace") ||
         (key.group == "apiextensions.k8s.io" && key.kind == "CustomResourceDefinition");
}

// kAborted if another object or version is there than the caller has seen, or if it is somebody
// else's without the caller having seen that.
absl::Status IsAsSeen(const ApplyRequest& request, const Value& live) {
  const auto refuse = [&](absl::string_view why) {
    return absl::AbortedError(
        absl::StrCat(request.key.ToString(), " is not deleted to be made anew: ", why));
  };
  const absl::string_view version = object::FindString(live, {"metadata", "resourceVersion"});
  if (request.if_version.has_value() && *request.if_version != version) {
    return refuse(absl::StrCat("it is not at version \"", *request.if_version, "\""));
  }
  if (request.seen_uid.has_value() &&
      *request.seen_uid != object::FindString(live, {"metadata", "uid"})) {
    return refuse("another object has its name now");
  }
  const std::optional<std::string> owner = manifest::OwnerOf(live, request.key);
  if (!request.if_version.has_value() && owner.has_value() &&
      owner != manifest::OwnerOf(request.manifest, request.key)) {
    return refuse(absl::StrCat("it belongs to ", *owner, " now"));
  }
  return absl::OkStatus();
}

// Addresses and ports that the object that is there holds are not free for the one that is tried,
// and will be for the one that is made.
void LeaveOutHeld(const Value& live, Value& tried) {
  const auto spec = tried.get_object().find("spec");
  const Value* held = object::Find(live, {"spec"});
  if (object::FindString(tried, {"kind"}) != "Service" || held == nullptr || !held->is_object() ||
      spec == tried.get_object().end() || !spec->value().is_object()) {
    return;
  }
  object::Object& wanted = spec->value().get_object();
  const auto leave_out = [](object::Object& from, absl::string_view name, const Value& other) {
    const Value* value = from.if_contains(boost::json::string_view(name.data(), name.size()));
    const Value* same = object::Find(other, {name});
    if (value == nullptr || same == nullptr || !object::Equal(*value, *same)) return;
    if (value->is_string() && value->get_string() == "None") return;
    object::StableErase(from, name);
  };
  for (const char* name : {"clusterIP", "clusterIPs", "healthCheckNodePort"}) {
    leave_out(wanted, name, *held);
  }
  Value* ports = wanted.if_contains("ports");
  const Value* held_ports = object::Find(*held, {"ports"});
  if (ports == nullptr || !ports->is_array() || held_ports == nullptr || !held_ports->is_array()) {
    return;
  }
  for (Value& port : ports->get_array()) {
    if (!port.is_object()) continue;
    for (const Value& other : held_ports->get_array()) {
      leave_out(port.get_object(), "nodePort", other);
    }
  }
}

}  // namespace

// kAborted if another version was asked for than the one that is there.
absl::Status KubernetesClient::IsAtVersion(const ApplyJob& job, absl::string_view version) {
  const std::optional<std::string>& wanted = job.request.if_version;
  if (!wanted.has_value() || *wanted == version) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat(job.request.key.ToString(), " is not at version \"", *wanted, "\""));
}

void KubernetesClient::TakeOver(const std::shared_ptr<ApplyJob>& job) {
  const ObjectKey& key = job->request.key;
  Get(job->resource, key, [this, job, key](const absl::StatusOr<Value>& object) {
    if (absl::IsNotFound(object.status())) return Write(job);
    if (!object.ok()) {
      return job->done(absl::Status(object.status().code(),
                                    absl::StrCat(key.ToString(), ": ", object.status().message())));
    }
    const absl::string_view version = object::FindString(*object, {"metadata", "resourceVersion"});
    // The forced apply is of the version that the patch below gives.
    if (absl::Status asked = IsAtVersion(*job, version); !asked.ok()) return job->done(asked);
    std::optional<object::Array> fields = TakeOverFields(*object);
    if (!fields.has_value()) return Write(job);
    const auto replace = [](absl::string_view path, Value value) {
      object::Object one{{"op", "replace"}};
      one["path"] = boost::json::string_view(path.data(), path.size());
      one["value"] = std::move(value);
      return one;
    };
    const object::Array patch{replace("/metadata/managedFields", *std::move(fields)),
                              replace("/metadata/resourceVersion",
                                      boost::json::string_view(version.data(), version.size()))};
    ApiRequest request;
    request.method = "PATCH";
    request.path = absl::StrCat(job->resource.ObjectPath(key), "?fieldManager=", kFieldManager);
    request.content_type = "application/json-patch+json";
    request.body = object::ToJson(patch);
    gate_.Send(std::move(request), Alive([this, job, key](absl::StatusOr<ApiResponse> answer) {
                 const absl::StatusOr<Value> taken = AnswerObject(std::move(answer));
                 if (!taken.ok()) {
                   return job->done(
                       absl::Status(taken.status().code(),
                                    absl::StrCat("cannot take over the fields of ", key.ToString(),
                                                 ": ", taken.status().message())));
                 }
                 // This was the object that was asked for.
                 if (job->request.if_version.has_value()) {
                   job->request.if_version =
                       std::string(object::FindString(*taken, {"metadata", "resourceVersion"}));
                 }
                 Write(job);
               }));
  });
}

// In place; what is not there is created.
void KubernetesClient::Replace(const std::shared_ptr<ApplyJob>& job) {
  const ObjectKey& key = job->request.key;
  Get(job->resource, key, [this, job, key](const absl::StatusOr<Value>& object) {
    const bool there = object.ok();
    if (!there && !absl::IsNotFound(object.status())) {
      return job->done(absl::Status(object.status().code(),
                                    absl::StrCat(key.ToString(), ": ", object.status().message())));
    }
    const std::string version(there ? object::FindString(*object, {"metadata", "resourceVersion"})
                                    : "");
    if (there) {
      if (absl::Status asked = IsAtVersion(*job, version); !asked.ok()) return job->done(asked);
    }
    Value body = job->request.manifest;
    FoldStringData(body);
    if (there) body.get_object()["metadata"].get_object()["resourceVersion"] = version;
    ApiRequest request;
    request.method = there ? "PUT" : "POST";
    request.path =
        absl::StrCat(there ? job->resource.ObjectPath(key) : job->resource.CollectionPath(key.ns),
                     "?fieldManager=", kFieldManager);
    request.content_type = "application/json";
    request.body = object::ToJson(body);
    gate_.Send(std::move(request), Alive([this, job](absl::StatusOr<ApiResponse> answer) {
                 OnPatched(job, std::move(answer));
               }));
  });
}

bool KubernetesClient::MayMakeAnew(const ApplyJob& job, const absl::StatusOr<ApiResponse>& answer) {
  return job.request.refused == ApplyRequest::Refused::kMakeAnew && !HoldsOthers(job.request.key) &&
         SaysImmutable(answer);
}

// Nothing is deleted that would not be created again, and nothing that is not what was seen.
void KubernetesClient::MakeAnew(const std::shared_ptr<ApplyJob>& job, const absl::Status& refusal) {
  const ObjectKey& key = job->request.key;
  job->request.refused = ApplyRequest::Refused::kFail;
  Get(job->resource, key, [this, job, key, refusal](const absl::StatusOr<Value>& object) {
    if (!object.ok()) return job->done(refusal);
    if (absl::Status seen = IsAsSeen(job->request, *object); !seen.ok()) return job->done(seen);
    TryCreate(job, *object, Alive([this, job, live = *object, refusal](const absl::Status& tried) {
                if (tried.ok()) return DeleteToMakeAnew(job, live);
                job->done(absl::Status(
                    tried.code(), absl::StrCat(refusal.message(),
                                               "; it is not deleted to be made anew, for a trial "
                                               "shows that it would not be created: ",
                                               tried.message())));
              }));
  });
}

// Under another name, for this one is taken. Stores nothing.
void KubernetesClient::TryCreate(const std::shared_ptr<ApplyJob>& job, const Value& live,
                                 Then then) {
  Value body = job->request.manifest;
  FoldStringData(body);
  LeaveOutHeld(live, body);
  object::Object& metadata = body.get_object()["metadata"].get_object();
  object::StableErase(metadata, "name");
  metadata["generateName"] =
      absl::StrCat(absl::string_view(job->request.key.name).substr(0, kTrialNameMax), "-");
  ApiRequest request;
  request.method = "POST";
  request.path = absl::StrCat(job->resource.CollectionPath(job->request.key.ns),
                              "?dryRun=All&fieldManager=", kFieldManager);
  request.content_type = "application/json";
  request.body = object::ToJson(body);
  gate_.Send(std::move(request),
             Alive([then = std::move(then)](absl::StatusOr<ApiResponse> answer) {
               then(AnswerObject(std::move(answer)).status());
             }));
}

void KubernetesClient::DeleteToMakeAnew(const std::shared_ptr<ApplyJob>& job, const Value& live) {
  DeleteRequest request;
  request.key = job->request.key;
  request.uid = std::string(object::FindString(live, {"metadata", "uid"}));
  request.if_version = std::string(object::FindString(live, {"metadata", "resourceVersion"}));
  request.propagation = Propagation::kBackground;
  const std::string uid = request.uid;
  const absl::Duration until = loop_.clock().Monotonic() + kGoneWait;
  SendDelete(std::move(request), [this, job, uid, until](const absl::StatusOr<Deleted>& deleted) {
    if (!deleted.ok()) return job->done(deleted.status());
    WaitUntilGone(job, uid, until);
  });
}

void KubernetesClient::WaitUntilGone(const std::shared_ptr<ApplyJob>& job, const std::string& uid,
                                     absl::Duration until) {
  const ObjectKey& key = job->request.key;
  Get(job->resource, key, [this, job, key, uid, until](const absl::StatusOr<Value>& object) {
    if (absl::IsNotFound(object.status())) {
      job->request.if_version = "";
      return Write(job);
    }
    if (object.ok() && object::FindString(*object, {"metadata", "uid"}) != uid) {
      return job->done(absl::AbortedError(absl::StrCat(
          key.ToString(), " was deleted to be made anew, and somebody else has made another one")));
    }
    if (loop_.clock().Monotonic() >= until) {
      return job->done(absl::UnavailableError(absl::StrCat(
          key.ToString(), " is to be made anew and is still being deleted; its finalizers: ",
          object.ok() && object::Find(*object, {"metadata", "finalizers"}) != nullptr
              ? object::ToJson(*object::Find(*object, {"metadata", "finalizers"}))
              : "none")));
    }
    loop_.After(kGoneLook, Alive([this, job, uid, until] { WaitUntilGone(job, uid, until); }));
  });
}

}  // namespace leidang::agent
