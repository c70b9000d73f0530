#include "hub/rpc/resource_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/status_macros.h"
#include "common/conditions/reason.h"
#include "common/conditions/types.h"
#include "common/object/value.h"
#include "hub/rpc/application_query.h"
#include "hub/rpc/label_filter.h"
#include "hub/rpc/status_json.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

constexpr uint32_t kPageDefault = 500;
constexpr uint32_t kPageMax = 1000;

std::pair<std::string, std::string> SplitKey(const std::string& key) {
  const size_t slash = key.find('/');
  if (slash == std::string::npos) return {"", key};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

std::string DormancyText(const ClusterDormancy& dormancy) {
  std::string text = "away for too long: no deletion waits for it";
  if (dormancy.left_behind.empty()) return text;
  absl::StrAppend(&text, "; left behind on the dormant cluster, to be unclaimed when it is back: ",
                  absl::StrJoin(dormancy.left_behind, ", "));
  if (dormancy.more_left_behind) absl::StrAppend(&text, " and more, see the audit log");
  return text;
}

// What has never been has no field.
template <typename Field>
void SetTimeIfKnown(absl::Time time, const Field& field) {
  if (time != absl::InfinitePast()) SetTime(time, field());
}

void AddCondition(const std::string& type, const std::string& status, const std::string& reason,
                  const std::string& message, absl::Time since, v1::Resource* out) {
  v1::ResourceCondition* condition = out->add_conditions();
  condition->set_type(type);
  condition->set_status(status);
  condition->set_reason(reason);
  condition->set_message(message);
  SetTime(since, condition->mutable_since());
}

void AddConditions(const std::vector<Condition>& conditions, v1::Resource* out) {
  for (const Condition& c : conditions) {
    const char* status = c.status == ConditionStatus::kTrue    ? "True"
                         : c.status == ConditionStatus::kFalse ? "False"
                                                               : "Unknown";
    AddCondition(c.type, status, c.reason, c.message, c.since, out);
  }
}

const char* PhaseName(intent::OperationPhase phase) {
  switch (phase) {
    case intent::OperationPhase::kRunning:
      return "Running";
    case intent::OperationPhase::kSucceeded:
      return "Succeeded";
    case intent::OperationPhase::kFailed:
      return "Failed";
    case intent::OperationPhase::kError:
      return "Error";
    case intent::OperationPhase::kTerminating:
      return "Terminating";
    case intent::OperationPhase::kNone:
      return "";
  }
  return "";
}

void FillObject(const intent::ObjectStatus& from, v1::ObjectState* to) {
  to->set_group(from.key.group);
  to->set_kind(from.key.kind);
  to->set_namespace_(from.key.ns);
  to->set_name(from.key.name);
  to->set_sync(from.hook.empty() ? SyncName(from.sync) : PhaseName(from.operation));
  if (from.health.has_value()) to->set_health(HealthName(*from.health));
  to->set_hook(from.hook);
  to->set_message(from.message);
}

bool LabelsMatch(const LabelFilter& filter, const std::string& manifest) {
  if (filter.empty()) return true;
  const absl::StatusOr<object::Value> parsed = object::ParseJson(manifest);
  return parsed.ok() && filter.Matches(*parsed);
}

uint64_t SyncedOf(const ApplicationCounts& counts) {
  return counts.sync[static_cast<size_t>(intent::SyncState::kSynced)];
}
uint64_t HealthyOf(const ApplicationCounts& counts) {
  return counts.health[static_cast<size_t>(intent::HealthState::kHealthy)];
}

}  // namespace

std::string ResourceView::ClusterName(const intent::ClusterId& id) const {
  const auto found = parts_.records.clusters().find(id);
  return found == parts_.records.clusters().end() ? "" : found->second.name;
}

void ResourceView::FillStatus(const DerivedApplication& application,
                              const std::optional<intent::EntryStatus>& status,
                              v1::ApplicationSummary* summary) const {
  const intent::EntryKey key{intent::EntryKind::kApplication, application.key};
  if (const auto live = parts_.store.Assignment(application.cluster, key); live.ok()) {
    summary->set_assigned_revision(live->revision);
    for (const intent::Source& source : live->assignment.sources) {
      if (!summary->desired_commit().empty()) summary->mutable_desired_commit()->append(",");
      summary->mutable_desired_commit()->append(source.commit);
    }
  }
  summary->set_sync("Unknown");
  summary->set_health("Unknown");
  if (!status) return;
  summary->set_received_revision(status->received);
  summary->set_applied_revision(status->applied);
  summary->set_applied_commit(status->applied_commit);
  summary->set_sync(
      SyncName(ShownSync(status->sync, status->applied, summary->assigned_revision())));
  summary->set_health(HealthName(status->health));
  summary->set_phase(PhaseName(status->operation));
  summary->set_message(status->message);
  summary->set_deleting(status->deleting);
  summary->set_objects(status->objects);
  summary->set_drift_corrections(status->drift_corrections);
  SetTime(status->observed_at, summary->mutable_observed_at());
  if (status->operation_started)
    SetTime(*status->operation_started, summary->mutable_operation_started());
  if (status->operation_finished)
    SetTime(*status->operation_finished, summary->mutable_operation_finished());
  summary->set_operation_commit(status->operation_commit);
}

void ResourceView::SetOffline(const intent::ClusterId& cluster, const ClusterLink& link,
                              v1::Resource* resource) const {
  const ClusterRegistration* registered = nullptr;
  if (const auto found = parts_.records.clusters().find(cluster);
      found != parts_.records.clusters().end())
    registered = &found->second;
  std::string message =
      absl::StrCat("cluster ", registered == nullptr ? cluster.Hex() : registered->name);
  if (registered != nullptr && !registered->joined()) {
    absl::StrAppend(&message, " has not joined yet: nothing is known of its state");
  } else if (link.last_seen == absl::InfinitePast()) {
    absl::StrAppend(&message, " is offline, and this hub does not know since when",
                    ": what it last reported says nothing about now");
  } else {
    absl::StrAppend(&message, " is offline, last seen ", Rfc3339(link.last_seen),
                    ": what it last reported says nothing about now");
  }
  AddCondition(conditions::kClusterOffline, "True", conditions::kClusterOffline, message,
               link.since, resource);
  v1::ApplicationSummary* summary = resource->mutable_application();
  if (summary->has_observed_at()) {
    summary->set_reported_sync(summary->sync());
    summary->set_reported_health(summary->health());
  }
  summary->set_sync("Unknown");
  summary->set_health("Unknown");
}

v1::Resource ResourceView::OfApplication(const DerivedApplication& application,
                                         Detail detail) const {
  v1::Resource resource;
  resource.set_kind(v1::APPLICATION);
  const auto [ns, name] = SplitKey(application.key);
  resource.set_namespace_(ns);
  resource.set_name(name);
  resource.set_owner(application.set.empty() ? kApiOwner : absl::StrCat("set ", application.set));
  v1::ApplicationSummary* summary = resource.mutable_application();
  summary->set_cluster(ClusterName(application.cluster));
  summary->set_project(application.project);
  summary->set_set(application.set);
  summary->set_uid(application.uid.Raw());
  const ClusterLink link = parts_.link(application.cluster);
  summary->set_cluster_connected(link.connected);
  SetTimeIfKnown(link.last_seen, [summary] { return summary->mutable_cluster_last_seen(); });
  SetTimeIfKnown(link.last_applied_at,
                 [summary] { return summary->mutable_cluster_last_applied_at(); });
  summary->set_cluster_last_applied_revision(link.last_applied_revision);
  const std::optional<intent::EntryStatus> status =
      parts_.store
          .Status(application.cluster, {intent::EntryKind::kApplication, application.key},
                  application.uid)
          .value_or(std::nullopt);
  FillStatus(application, status, summary);
  AddConditions(application.conditions, &resource);
  if (!link.connected && !application.cluster.IsNone())
    SetOffline(application.cluster, link, &resource);
  if (status) {
    if (detail == Detail::kObjects) {
      for (const intent::ObjectStatus& object : status->resources)
        FillObject(object, summary->add_resources());
    }
    for (const intent::StatusCondition& c : status->conditions) {
      AddCondition(c.type, "True", c.reason, c.message, c.since, &resource);
    }
  }
  resource.set_manifest(WithStatus(application.manifest, resource));
  return resource;
}

v1::Resource ResourceView::OfDeletion(const PendingDeletion& deletion) const {
  v1::Resource resource;
  resource.set_kind(v1::APPLICATION);
  const auto [ns, name] = SplitKey(deletion.key.name);
  resource.set_namespace_(ns);
  resource.set_name(name);
  v1::ApplicationSummary* summary = resource.mutable_application();
  summary->set_cluster(ClusterName(deletion.cluster));
  summary->set_uid(deletion.uid.Raw());
  summary->set_deleting(true);
  summary->set_sync("Unknown");
  summary->set_health("Unknown");
  summary->set_message(absl::StrCat("is being deleted: ", deletion.reason));
  const ClusterLink link = parts_.link(deletion.cluster);
  summary->set_cluster_connected(link.connected);
  if (!link.connected) SetOffline(deletion.cluster, link, &resource);
  object::Object metadata{{"namespace", ns}, {"name", name}};
  resource.set_manifest(object::ToJson(object::Object{{"apiVersion", "argoproj.io/v1alpha1"},
                                                      {"kind", "Application"},
                                                      {"metadata", std::move(metadata)}}));
  return resource;
}

v1::Resource ResourceView::OfWritten(const WrittenObject& object, v1::Kind kind) const {
  v1::Resource resource;
  resource.set_kind(kind);
  const auto [ns, name] = SplitKey(object.key);
  resource.set_namespace_(ns);
  resource.set_name(name);
  resource.set_owner(object.owner);
  SetTime(object.created_at, resource.mutable_created_at());
  if (object.deleting) {
    AddCondition("Deleting", "True", "Deleting", "its Applications are being ended, then it goes",
                 object.changed_at, &resource);
  }
  if (kind == v1::REPOSITORY) {
    absl::StatusOr<object::Value> shown = object::ParseJson(object.manifest);
    if (shown.ok() && shown->is_object()) {
      object::StableErase(shown->as_object(), "data");
      object::StableErase(shown->as_object(), "stringData");
      resource.set_manifest(object::ToJson(*shown));
    }
    return resource;
  }
  resource.set_manifest(object.manifest);
  return resource;
}

v1::Resource ResourceView::OfSet(const WrittenObject& set) const {
  v1::Resource resource = OfWritten(set, v1::APPLICATION_SET);
  v1::SetSummary* summary = resource.mutable_set();
  if (const OwnerReport* report = parts_.owners.Report({WrittenKind::kApplicationSet, set.key})) {
    AddConditions(report->conditions, &resource);
    for (const std::string& warning : report->warnings) {
      AddCondition("Warning", "True", "Warning", warning, set.changed_at, &resource);
    }
    summary->set_failed_parameter_sets(report->failed_parameter_sets);
    summary->set_commit(report->commit);
  }
  const ApplicationCounts counts = parts_.store.Index().OfSet(set.key);
  summary->set_applications(counts.total);
  summary->set_synced(SyncedOf(counts));
  summary->set_healthy(HealthyOf(counts));
  summary->set_offline(counts.offline);
  resource.set_manifest(WithStatus(set.manifest, resource));
  return resource;
}

v1::Resource ResourceView::OfCluster(const ClusterRegistration& cluster) const {
  v1::Resource resource;
  resource.set_kind(v1::CLUSTER);
  resource.set_name(cluster.name);
  resource.set_owner(cluster.owner);
  SetTime(cluster.created_at, resource.mutable_created_at());
  const ClusterLink link = parts_.link(cluster.id);
  v1::ClusterSummary* summary = resource.mutable_cluster();
  summary->set_id(cluster.id.Raw());
  summary->set_server(cluster.server);
  summary->set_joined(cluster.joined());
  summary->set_connected(link.connected);
  SetTimeIfKnown(link.last_seen, [summary] { return summary->mutable_last_seen(); });
  summary->set_agent_version(link.agent_version);
  summary->set_intent_proven(link.intent_proven);
  summary->set_applied_proven(link.applied_proven);
  SetTimeIfKnown(link.proven_at, [summary] { return summary->mutable_proven_at(); });
  SetTimeIfKnown(link.last_received_at, [summary] { return summary->mutable_last_received_at(); });
  summary->set_last_received_revision(link.last_received_revision);
  SetTimeIfKnown(link.last_applied_at, [summary] { return summary->mutable_last_applied_at(); });
  summary->set_last_applied_revision(link.last_applied_revision);
  summary->set_unclaimed(link.unclaimed);
  summary->set_recovering(cluster.recovering);
  if (cluster.dormancy) {
    SetTime(cluster.dormancy->since, summary->mutable_dormant_since());
    AddCondition(conditions::kDormant, "True",
                 std::string(conditions::ToString(conditions::Reason::kClusterDormant)),
                 DormancyText(*cluster.dormancy), cluster.dormancy->since, &resource);
  }
  if (const auto log = parts_.store.Log(cluster.id); log.ok()) {
    summary->set_head_revision(log->head);
    summary->set_acked_revision(log->acked);
    summary->set_applications(log->live);
    summary->set_pending_tombstones(log->tombstones);
  }
  if (!link.trouble.empty())
    AddCondition(link.trouble, "True", link.trouble, link.trouble_message, link.last_seen,
                 &resource);
  const ApplicationCounts counts = parts_.store.Index().OfCluster(cluster.id);
  summary->set_synced(SyncedOf(counts));
  summary->set_healthy(HealthyOf(counts));
  object::Object labels, annotations;
  for (const auto& [key, value] : cluster.labels) labels[key] = value;
  for (const auto& [key, value] : cluster.annotations) annotations[key] = value;
  object::Object metadata{{"name", cluster.name}, {"labels", std::move(labels)}};
  if (!annotations.empty()) metadata["annotations"] = std::move(annotations);
  object::Object spec{{"id", cluster.id.Hex()}, {"server", cluster.server}};
  if (!cluster.project.empty()) spec["project"] = cluster.project;
  resource.set_manifest(object::ToJson(object::Object{{"apiVersion", "leidang.dev/v1alpha1"},
                                                      {"kind", "Cluster"},
                                                      {"metadata", std::move(metadata)},
                                                      {"spec", std::move(spec)}}));
  return resource;
}

bool ResourceView::Exists(v1::Kind kind, const std::string& key) const {
  if (kind == v1::APPLICATION_SET)
    return parts_.records.Object(WrittenKind::kApplicationSet, key) != nullptr;
  if (parts_.store.Application(key).ok()) return true;
  for (const auto& [id, deletion] : parts_.records.pending_deletions()) {
    if (deletion.key == intent::EntryKey{intent::EntryKind::kApplication, key}) return true;
  }
  return false;
}

std::set<std::string> ResourceView::Namespaces() const {
  std::set<std::string> namespaces = {kDefaultNamespace};
  for (const WrittenKind kind : {WrittenKind::kApplicationSet, WrittenKind::kApplication}) {
    for (const auto& [key, object] : parts_.records.Objects(kind))
      namespaces.insert(SplitKey(key).first);
  }
  for (const auto& [id, deletion] : parts_.records.pending_deletions()) {
    if (deletion.key.kind == intent::EntryKind::kApplication)
      namespaces.insert(SplitKey(deletion.key.name).first);
  }
  return namespaces;
}

absl::StatusOr<std::string> ResourceView::Locate(v1::Kind kind, const std::string& ns,
                                                 const std::string& name) const {
  const char* what = kind == v1::APPLICATION_SET ? "ApplicationSet" : "Application";
  const std::string asked = absl::StrCat(ns.empty() ? kDefaultNamespace : ns, "/", name);
  if (Exists(kind, asked)) return asked;
  std::vector<std::string> found;
  for (const std::string& candidate : Namespaces()) {
    const std::string key = absl::StrCat(candidate, "/", name);
    if (Exists(kind, key)) found.push_back(key);
  }
  if (found.empty())
    return absl::NotFoundError(
        absl::StrCat("there is no ", what, " ", ns.empty() ? "" : absl::StrCat(ns, "/"), name));
  if (!ns.empty()) {
    return absl::NotFoundError(absl::StrCat("there is no ", what, " ", ns, "/", name, ", but ",
                                            absl::StrJoin(found, " and ")));
  }
  if (found.size() == 1) return found[0];
  return absl::InvalidArgumentError(
      absl::StrCat("there are several of this name: say which of ", absl::StrJoin(found, ", ")));
}

absl::StatusOr<v1::Resource> ResourceView::Get(const v1::GetRequest& request) const {
  switch (request.kind()) {
    case v1::APPLICATION: {
      ASSIGN_OR_RETURN(const std::string key,
                       Locate(request.kind(), request.namespace_(), request.name()));
      const auto application = parts_.store.Application(key);
      if (application.ok()) return OfApplication(*application, Detail::kObjects);
      for (const auto& [id, deletion] : parts_.records.pending_deletions()) {
        if (deletion.key == intent::EntryKey{intent::EntryKind::kApplication, key})
          return OfDeletion(deletion);
      }
      return absl::NotFoundError(absl::StrCat("there is no Application ", key));
    }
    case v1::APPLICATION_SET: {
      ASSIGN_OR_RETURN(const std::string key,
                       Locate(request.kind(), request.namespace_(), request.name()));
      return OfSet(*parts_.records.Object(WrittenKind::kApplicationSet, key));
    }
    case v1::CLUSTER:
      if (const ClusterRegistration* cluster = parts_.records.ClusterNamed(request.name()))
        return OfCluster(*cluster);
      return absl::NotFoundError(absl::StrCat("there is no cluster ", request.name()));
    case v1::APP_PROJECT:
      if (const WrittenObject* o =
              parts_.records.Object(WrittenKind::kAppProject, request.name())) {
        return OfWritten(*o, v1::APP_PROJECT);
      }
      return absl::NotFoundError(absl::StrCat("there is no AppProject ", request.name()));
    case v1::REPOSITORY:
      if (const WrittenObject* o =
              parts_.records.Object(WrittenKind::kRepository, request.name())) {
        return OfWritten(*o, v1::REPOSITORY);
      }
      return absl::NotFoundError(absl::StrCat("there is no repository ", request.name()));
    case v1::SETTINGS:
      if (const WrittenObject* o = parts_.records.Object(WrittenKind::kSettings, request.name())) {
        return OfWritten(*o, v1::SETTINGS);
      }
      return absl::NotFoundError(absl::StrCat("there are no settings ", request.name()));
    default:
      return absl::InvalidArgumentError("the request names no kind");
  }
}

void ResourceView::AddDeletions(const v1::ListRequest& request, const ApplicationFilter& filter,
                                v1::ListResponse* response) const {
  // What is ending is of no set and no project any more, and in no state that is known.
  if (filter.set || filter.project || !request.label_selector().empty()) return;
  if (filter.sync.value_or(intent::SyncState::kUnknown) != intent::SyncState::kUnknown) return;
  if (filter.health.value_or(intent::HealthState::kUnknown) != intent::HealthState::kUnknown)
    return;
  for (const auto& [id, deletion] : parts_.records.pending_deletions()) {
    if (deletion.key.kind != intent::EntryKind::kApplication) continue;
    if (!request.cluster().empty() && ClusterName(deletion.cluster) != request.cluster()) continue;
    if (!absl::StrContains(SplitKey(deletion.key.name).second, filter.name_part)) continue;
    *response->add_items() = OfDeletion(deletion);
  }
}

// Where the index has them: of everything, or of one cluster, set or project.
std::optional<ApplicationCounts> ResourceView::CountsOf(const v1::ListRequest& request,
                                                        const ApplicationFilter& filter) const {
  const int groups = static_cast<int>(filter.set.has_value()) +
                     static_cast<int>(filter.project.has_value()) +
                     static_cast<int>(filter.cluster.has_value());
  if (groups > 1 || filter.sync || filter.health || !filter.name_part.empty() ||
      !request.label_selector().empty() || !request.page_token().empty())
    return std::nullopt;
  const ApplicationIndex& index = parts_.store.Index();
  if (filter.set) return index.OfSet(*filter.set);
  if (filter.project) return index.OfProject(*filter.project);
  if (filter.cluster) return index.OfCluster(*filter.cluster);
  return index.All();
}

absl::StatusOr<v1::ListResponse> ResourceView::ListApplications(
    const v1::ListRequest& request) const {
  ASSIGN_OR_RETURN(const LabelFilter labels, LabelFilter::Parse(request.label_selector()));
  ASSIGN_OR_RETURN(ApplicationFilter filter, QueryOf(request));
  ASSIGN_OR_RETURN(const std::string after, KeyOfToken(request.page_token()));
  v1::ListResponse response;
  if (!request.cluster().empty()) {
    const ClusterRegistration* cluster = parts_.records.ClusterNamed(request.cluster());
    if (cluster == nullptr) return response;
    filter.cluster = cluster->id;
  }
  if (const auto counts = CountsOf(request, filter)) FillCounts(*counts, response.mutable_counts());
  const size_t limit =
      std::min(request.page_size() == 0 ? kPageDefault : request.page_size(), kPageMax);
  std::vector<std::string> keys = parts_.store.Index().Keys(filter, after, limit + 1);
  const bool more = keys.size() > limit;
  if (more) keys.pop_back();
  for (const std::string& key : keys) {
    const absl::StatusOr<DerivedApplication> application = parts_.store.Application(key);
    if (absl::IsNotFound(application.status())) continue;  // It has gone since.
    RETURN_IF_ERROR(application.status());
    if (!LabelsMatch(labels, application->manifest)) continue;
    *response.add_items() = OfApplication(*application, Detail::kRow);
  }
  if (more) {
    response.set_next_page_token(TokenOf(keys.back()));
  } else {
    // Those that are ending stand at the end of the list, on its last page.
    AddDeletions(request, filter, &response);
  }
  return response;
}

absl::StatusOr<v1::ListResponse> ResourceView::List(const v1::ListRequest& request) const {
  if (request.kind() == v1::APPLICATION) return ListApplications(request);
  ASSIGN_OR_RETURN(const LabelFilter filter, LabelFilter::Parse(request.label_selector()));
  v1::ListResponse response;
  const auto add = [&](v1::Resource resource) {
    if (LabelsMatch(filter, resource.manifest())) *response.add_items() = std::move(resource);
  };
  switch (request.kind()) {
    case v1::APPLICATION_SET:
      for (const auto& [key, set] : parts_.records.Objects(WrittenKind::kApplicationSet))
        add(OfSet(set));
      return response;
    case v1::CLUSTER: {
      std::vector<const ClusterRegistration*> clusters;
      for (const auto& [id, cluster] : parts_.records.clusters()) clusters.push_back(&cluster);
      std::sort(clusters.begin(), clusters.end(),
                [](const auto* a, const auto* b) { return a->name < b->name; });
      for (const ClusterRegistration* cluster : clusters) add(OfCluster(*cluster));
      return response;
    }
    case v1::APP_PROJECT:
      for (const auto& [key, o] : parts_.records.Objects(WrittenKind::kAppProject))
        add(OfWritten(o, v1::APP_PROJECT));
      return response;
    case v1::REPOSITORY:
      for (const auto& [key, o] : parts_.records.Objects(WrittenKind::kRepository))
        add(OfWritten(o, v1::REPOSITORY));
      return response;
    case v1::SETTINGS:
      for (const auto& [key, o] : parts_.records.Objects(WrittenKind::kSettings))
        add(OfWritten(o, v1::SETTINGS));
      return response;
    default:
      return absl::InvalidArgumentError("the request names no kind");
  }
}

v1::VersionResponse ResourceView::Version() const {
  v1::VersionResponse response;
  response.set_version(LEIDANG_VERSION);
  response.set_hub_id(parts_.records.hub().Raw());
  response.set_clusters(parts_.records.clusters().size());
  response.set_applications(parts_.store.CountApplications());
  return response;
}

}  // namespace leidang::hub
