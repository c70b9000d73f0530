#include "hub/rpc/status_json.h"

#include <utility>

#include "absl/status/statusor.h"

#include "common/object/value.h"

namespace leidang::hub {
namespace {

std::string TimeText(const google::protobuf::Timestamp& time) {
  return Rfc3339(absl::FromUnixSeconds(time.seconds()));
}

object::Array ResourcesJson(const v1::ApplicationSummary& application) {
  object::Array list;
  for (const v1::ObjectState& state : application.resources()) {
    object::Object object{{"kind", state.kind()}, {"name", state.name()}, {"status", state.sync()}};
    if (!state.group().empty()) object["group"] = state.group();
    if (!state.namespace_().empty()) object["namespace"] = state.namespace_();
    if (!state.hook().empty()) object["hookType"] = state.hook();
    if (!state.health().empty()) {
      object["health"] = object::Object{{"status", state.health()}, {"message", state.message()}};
    } else if (!state.message().empty()) {
      object["message"] = state.message();
    }
    list.push_back(std::move(object));
  }
  return list;
}

object::Object OperationJson(const v1::ApplicationSummary& a) {
  object::Object operation{{"phase", a.phase()}, {"message", a.message()}};
  if (a.has_operation_started()) operation["startedAt"] = TimeText(a.operation_started());
  if (a.has_operation_finished()) operation["finishedAt"] = TimeText(a.operation_finished());
  if (!a.operation_commit().empty())
    operation["syncResult"] = object::Object{{"revision", a.operation_commit()}};
  return operation;
}

// What the agent reported.
object::Object ReportJson(const v1::ApplicationSummary& a, const std::string& sync,
                          const std::string& health) {
  object::Object report;
  report["sync"] = object::Object{{"status", sync}, {"revision", a.applied_commit()}};
  report["health"] = object::Object{{"status", health}};
  if (!a.phase().empty()) report["operationState"] = OperationJson(a);
  if (a.resources_size() > 0) report["resources"] = ResourcesJson(a);
  return report;
}

object::Object ApplicationStatusJson(const v1::ApplicationSummary& a) {
  if (a.cluster_connected() || a.cluster().empty()) return ReportJson(a, a.sync(), a.health());
  object::Object status{{"sync", object::Object{{"status", a.sync()}}},
                        {"health", object::Object{{"status", a.health()}}}};
  if (a.reported_sync().empty()) return status;
  object::Object last = ReportJson(a, a.reported_sync(), a.reported_health());
  last["observedAt"] = TimeText(a.observed_at());
  if (a.has_cluster_last_seen()) last["clusterLastSeen"] = TimeText(a.cluster_last_seen());
  status["lastReported"] = std::move(last);
  return status;
}

}  // namespace

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string WithStatus(const std::string& manifest, const v1::Resource& resource) {
  absl::StatusOr<object::Value> parsed = object::ParseJson(manifest);
  if (!parsed.ok() || !parsed->is_object()) return manifest;
  object::Object status;
  if (resource.has_application()) status = ApplicationStatusJson(resource.application());
  object::Array conditions;
  for (const v1::ResourceCondition& c : resource.conditions()) {
    object::Object condition{{"type", c.type()},
                             {"status", c.status()},
                             {"reason", c.reason()},
                             {"message", c.message()}};
    if (c.since().seconds() > 0) condition["lastTransitionTime"] = TimeText(c.since());
    conditions.push_back(std::move(condition));
  }
  status["conditions"] = std::move(conditions);
  parsed->as_object()["status"] = std::move(status);
  return object::ToJson(*parsed);
}

}  // namespace leidang::hub
