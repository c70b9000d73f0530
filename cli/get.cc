#include "absl/strings/str_cat.h"

#include "cli/commands.h"
#include "cli/kinds.h"
#include "cli/table.h"
#include "common/base/status_macros.h"
#include "common/object/value.h"
#include "common/yaml/go_yaml.h"

namespace leidang::cli {
namespace {

absl::StatusOr<object::Value> ManifestOf(const v1::Resource& resource) {
  return object::ParseJson(resource.manifest());
}

absl::Status PrintManifests(const std::vector<v1::Resource>& resources, Format format, bool single,
                            Streams streams) {
  object::Array items;
  for (const v1::Resource& resource : resources) {
    ASSIGN_OR_RETURN(object::Value manifest, ManifestOf(resource));
    items.push_back(std::move(manifest));
  }
  object::Value whole;
  if (single && items.size() == 1) {
    whole = items[0];
  } else {
    whole = object::Object{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}};
  }
  streams.out << (format == Format::kJson ? absl::StrCat(object::PrettyJson(whole), "\n")
                                          : yaml::MarshalYaml(whole));
  return absl::OkStatus();
}

std::string TimeText(const google::protobuf::Timestamp& t, absl::Time now) {
  const absl::Time time = absl::FromUnixSeconds(t.seconds());
  if (t.seconds() == 0) return "never";
  return absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()), " (",
                      Age(time, now), " ago)");
}

std::string RevisionAt(const google::protobuf::Timestamp& t, uint64_t revision, absl::Time now) {
  if (t.seconds() == 0) return "never";
  return absl::StrCat("revision ", revision, " at ", TimeText(t, now));
}

void DescribeApplication(const v1::ApplicationSummary& a, absl::Time now, std::ostream& out) {
  out << "Cluster:            " << a.cluster()
      << (IsOffline(a) ? " (offline: what follows was reported before it was last seen)" : "")
      << "\nCluster last seen:  " << TimeText(a.cluster_last_seen(), now)
      << "\nCluster proven:     "
      << RevisionAt(a.cluster_last_applied_at(), a.cluster_last_applied_revision(), now)
      << "\nProject:            " << a.project()
      << "\nApplicationSet:     " << (a.set().empty() ? "-" : a.set())
      << "\nSync:               " << (a.deleting() ? "Deleting" : SyncText(a))
      << "\nHealth:             " << HealthText(a) << "\nDesired commit:     " << a.desired_commit()
      << "\nApplied commit:     " << a.applied_commit()
      << "\nAssigned revision:  " << a.assigned_revision()
      << "\nReceived revision:  " << a.received_revision()
      << "\nApplied revision:   " << a.applied_revision() << "\nObjects:            " << a.objects()
      << "\nDrift corrected:    " << a.drift_corrections()
      << "\nLast report:        " << TimeText(a.observed_at(), now)
      << "\nLast sync:          " << (a.phase().empty() ? "none" : a.phase());
  if (a.has_operation_started())
    out << "\nStarted:            " << TimeText(a.operation_started(), now);
  if (a.has_operation_finished())
    out << "\nFinished:           " << TimeText(a.operation_finished(), now);
  if (!a.operation_commit().empty()) out << "\nOf commit:          " << a.operation_commit();
  out << "\nMessage:            " << (a.message().empty() ? "-" : a.message()) << "\n";
}

void PrintObjects(const v1::ApplicationSummary& a, std::ostream& out) {
  Table table({"GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"});
  size_t objects = 0;
  for (const v1::ObjectState& o : a.resources()) {
    if (o.hook().empty()) ++objects;
    table.Add({o.group(), o.kind(), o.namespace_(), o.name(), o.sync(), o.health(), o.hook(),
               o.message()});
  }
  out << "\n" << table.ToString();
  if (objects < a.objects()) out << "… and " << a.objects() - objects << " more\n";
}

void DescribeCluster(const v1::ClusterSummary& c, absl::Time now, std::ostream& out) {
  out << "Server:             " << c.server()
      << "\nJoined:             " << (c.joined() ? "yes" : "no")
      << "\nConnected:          " << (c.connected() ? "yes" : "no")
      << "\nLast seen:          " << TimeText(c.last_seen(), now)
      << "\nAgent:              " << c.agent_version()
      << "\nHead revision:      " << c.head_revision()
      << "\nAcknowledged:       " << c.acked_revision()
      << "\nIntent proven:      " << (c.intent_proven() ? "yes" : "no")
      << "\nApplied proven:     " << (c.applied_proven() ? "yes" : "no") << "\nProven at:          "
      << (c.has_proven_at() ? TimeText(c.proven_at(), now) : "neither is now")
      << "\nLast received:      "
      << RevisionAt(c.last_received_at(), c.last_received_revision(), now)
      << "\nLast applied:       " << RevisionAt(c.last_applied_at(), c.last_applied_revision(), now)
      << "\nApplications:       " << c.applications() << "\nSynced:             " << c.synced()
      << "\nHealthy:            " << c.healthy()
      << "\nPending deletions:  " << c.pending_tombstones()
      << "\nUnclaimed:          " << c.unclaimed() << "\nDormant since:      "
      << (c.has_dormant_since() ? TimeText(c.dormant_since(), now) : "not dormant")
      << "\nRecovering:         " << (c.recovering() ? "yes: see leidang recover" : "no") << "\n";
}

void DescribeSet(const v1::SetSummary& s, std::ostream& out) {
  out << "Applications:       " << s.applications() << "\nSynced:             " << s.synced()
      << "\nHealthy:            " << s.healthy() << "\nOffline:            " << s.offline()
      << "\nFailed sets:        " << s.failed_parameter_sets()
      << "\nHeld deletions:     " << s.held_deletions() << "\nCommit:             " << s.commit()
      << "\n";
}

absl::Status PrintCounts(Connection& connection, v1::ListRequest request, Streams streams) {
  request.set_page_size(1);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::ListResponse response;
  RETURN_IF_ERROR(connection.Explain(connection.fleet().List(&context, request, &response),
                                     "count applications"));
  if (!response.has_counts()) {
    return absl::InvalidArgumentError(
        "Applications are counted in all, by cluster, by set and by project: give --counts with "
        "one of these at most, and nothing else");
  }
  streams.out << "Applications: " << response.counts().total() << "\n";
  const auto print = [&](const char* what, const auto& states) {
    streams.out << what;
    for (const v1::StateCount& state : states)
      streams.out << " " << state.state() << "=" << state.applications();
    streams.out << "\n";
  };
  print("Sync:        ", response.counts().sync());
  print("Health:      ", response.counts().health());
  if (const uint64_t offline = response.counts().offline(); offline > 0) {
    streams.out << "Offline:      " << offline
                << " of the Unknown: their clusters are not connected\n";
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Format> ParseFormat(absl::string_view text) {
  if (text == "table") return Format::kTable;
  if (text == "json") return Format::kJson;
  if (text == "yaml") return Format::kYaml;
  if (text == "name") return Format::kName;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is no output format: use table, json, yaml or name"));
}

absl::StatusOr<std::vector<v1::Resource>> ListAll(Connection& connection,
                                                  const v1::ListRequest& request) {
  std::vector<v1::Resource> all;
  v1::ListRequest page = request;
  do {
    grpc::ClientContext context;
    connection.Prepare(&context);
    v1::ListResponse response;
    RETURN_IF_ERROR(connection.Explain(connection.fleet().List(&context, page, &response),
                                       absl::StrCat("list ", KindName(request.kind()), "s")));
    for (v1::Resource& item : *response.mutable_items()) all.push_back(std::move(item));
    page.set_page_token(response.next_page_token());
  } while (!page.page_token().empty());
  return all;
}

absl::StatusOr<v1::Resource> GetOne(Connection& connection, v1::Kind kind,
                                    const std::string& name) {
  const ResourceName parsed = ParseName(name);
  v1::GetRequest request;
  request.set_kind(kind);
  request.set_namespace_(parsed.ns);
  request.set_name(parsed.name);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::Resource resource;
  RETURN_IF_ERROR(connection.Explain(connection.fleet().Get(&context, request, &resource),
                                     absl::StrCat("get ", KindName(kind), " ", name)));
  return resource;
}

absl::Status Get(Connection& connection, const GetOptions& options, const Clock& clock,
                 Streams streams) {
  std::string kind_text = options.kind, name = options.name;
  SplitKindAndName(&kind_text, &name);
  ASSIGN_OR_RETURN(const v1::Kind kind, ParseKind(kind_text));
  ASSIGN_OR_RETURN(const Format format, ParseFormat(options.format));
  std::vector<v1::Resource> resources;
  if (!name.empty()) {
    ASSIGN_OR_RETURN(v1::Resource one, GetOne(connection, kind, name));
    resources.push_back(std::move(one));
  } else {
    v1::ListRequest request;
    request.set_kind(kind);
    request.set_cluster(options.cluster);
    request.set_set(options.set);
    request.set_label_selector(options.selector);
    request.set_project(options.project);
    request.set_sync(options.sync);
    request.set_health(options.health);
    request.set_name_part(options.name_part);
    if (options.counts) return PrintCounts(connection, request, streams);
    ASSIGN_OR_RETURN(resources, ListAll(connection, request));
  }
  switch (format) {
    case Format::kTable:
      if (resources.empty()) {
        streams.err << "No " << KindName(kind) << "s found.\n";
      } else {
        streams.out << TableOf(kind, resources, clock.Now()).ToString();
      }
      return absl::OkStatus();
    case Format::kName:
      for (const v1::Resource& r : resources)
        streams.out << KindName(kind) << "/" << ShownName(r) << "\n";
      return absl::OkStatus();
    case Format::kJson:
    case Format::kYaml:
      return PrintManifests(resources, format, !name.empty(), streams);
  }
  return absl::OkStatus();
}

absl::Status Describe(Connection& connection, std::string kind_text, std::string name,
                      const Clock& clock, Streams streams) {
  SplitKindAndName(&kind_text, &name);
  if (name.empty()) return absl::InvalidArgumentError("describe needs a kind and a name");
  ASSIGN_OR_RETURN(const v1::Kind kind, ParseKind(kind_text));
  ASSIGN_OR_RETURN(const v1::Resource r, GetOne(connection, kind, name));
  const absl::Time now = clock.Now();
  streams.out << "Name:               " << r.name() << "\n";
  if (!r.namespace_().empty()) streams.out << "Namespace:          " << r.namespace_() << "\n";
  streams.out << "Kind:               " << KindName(kind) << "\nOwner:              " << r.owner()
              << "\n";
  if (r.has_created_at())
    streams.out << "Created:            " << TimeText(r.created_at(), now) << "\n";
  if (r.has_application()) DescribeApplication(r.application(), now, streams.out);
  if (r.has_cluster()) DescribeCluster(r.cluster(), now, streams.out);
  if (r.has_set()) DescribeSet(r.set(), streams.out);
  streams.out << "Conditions:" << (r.conditions().empty() ? "         none" : "") << "\n";
  for (const v1::ResourceCondition& c : r.conditions()) {
    streams.out << "  " << c.type() << "=" << c.status() << "  " << c.reason() << "  since "
                << TimeText(c.since(), now) << "\n    " << c.message() << "\n";
  }
  if (r.application().resources_size() > 0) PrintObjects(r.application(), streams.out);
  return absl::OkStatus();
}

}  // namespace leidang::cli
