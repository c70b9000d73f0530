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

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

// How long an object that is made anew may take to go, and how often it is looked for.
constexpr absl::Duration kGoneWait = absl::Seconds(60);
constexpr absl::Duration kGoneLook = absl::Milliseconds(200);

// With these all that is in them would go.
bool HoldsOthers(const ObjectKey& key) {
  return (key.group.empty() && key.kind == "Namespace") ||
         (key.group == "apiextensions.k8s.io" && key.kind == "CustomResourceDefinition");
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

bool KubernetesClient::MayMakeAnew(const ApplyJob& job, const absl::Status& refusal) {
  return absl::IsInvalidArgument(refusal) && !HoldsOthers(job.request.key) &&
         job.request.refused == ApplyRequest::Refused::kMakeAnew;
}

// What is refused although it does not exist yet will not be better anew, and ends the job.
void KubernetesClient::MakeAnew(const std::shared_ptr<ApplyJob>& job, const absl::Status& refusal) {
  const ObjectKey& key = job->request.key;
  job->request.refused = ApplyRequest::Refused::kFail;
  Get(job->resource, key, [this, job, key, refusal](const absl::StatusOr<Value>& object) {
    if (!object.ok()) return job->done(refusal);
    DeleteRequest request;
    request.key = key;
    request.uid = std::string(object::FindString(*object, {"metadata", "uid"}));
    request.propagation = Propagation::kBackground;
    const std::string uid = request.uid;
    const absl::Duration until = loop_.clock().Monotonic() + kGoneWait;
    SendDelete(std::move(request), [this, job, uid, until](const absl::StatusOr<Deleted>& deleted) {
      if (!deleted.ok()) return job->done(deleted.status());
      WaitUntilGone(job, uid, until);
    });
  });
}

void KubernetesClient::WaitUntilGone(const std::shared_ptr<ApplyJob>& job, const std::string& uid,
                                     absl::Duration until) {
  const ObjectKey& key = job->request.key;
  Get(job->resource, key, [this, job, key, uid, until](const absl::StatusOr<Value>& object) {
    const bool gone = absl::IsNotFound(object.status()) ||
                      (object.ok() && object::FindString(*object, {"metadata", "uid"}) != uid);
    if (gone) {
      job->request.if_version.reset();
      return Write(job);
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
