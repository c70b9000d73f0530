#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "cli/commands.h"
#include "cli/kinds.h"
#include "cli/table.h"
#include "common/base/status_macros.h"
#include "common/object/value.h"

namespace leidang::cli {
namespace {

absl::Status FillMap(const std::vector<std::string>& pairs, absl::string_view flag,
                     google::protobuf::Map<std::string, std::string>* out) {
  for (const std::string& pair : pairs) {
    const std::vector<std::string> parts = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    if (parts.size() != 2 || parts[0].empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(flag, " \"", pair, "\" is not of the form key=value"));
    }
    (*out)[parts[0]] = parts[1];
  }
  return absl::OkStatus();
}

std::string Line(const v1::WatchEvent& event) {
  const v1::Resource& r = event.resource();
  std::string line = absl::StrCat(v1::WatchEvent::Type_Name(event.type()), " ", KindName(r.kind()),
                                  "/", ShownName(r));
  if (r.has_application()) {
    const v1::ApplicationSummary& a = r.application();
    absl::StrAppend(&line, " cluster=", a.cluster(),
                    " sync=", a.deleting() ? "Deleting" : SyncText(a), " health=", HealthText(a),
                    " applied=", a.applied_commit().substr(0, 7));
  }
  if (r.has_cluster())
    absl::StrAppend(&line, " connected=", r.cluster().connected() ? "yes" : "no");
  if (r.has_set())
    absl::StrAppend(&line, " applications=", r.set().applications(), " synced=", r.set().synced(),
                    " offline=", r.set().offline());
  if (const std::string trouble = Trouble(r); !trouble.empty())
    absl::StrAppend(&line, " ", trouble);
  return line;
}

}  // namespace

absl::StatusOr<v1::DeleteRequest::Cascade> ParseCascade(const std::string& text) {
  if (text.empty()) return v1::DeleteRequest::CASCADE_UNSPECIFIED;
  // As who comes from Argo CD or kubectl may write it.
  if (text == "false") return v1::DeleteRequest::ORPHAN;
  if (text == "true") return v1::DeleteRequest::FOREGROUND;
  if (text == "foreground") return v1::DeleteRequest::FOREGROUND;
  if (text == "background") return v1::DeleteRequest::BACKGROUND;
  if (text == "orphan") return v1::DeleteRequest::ORPHAN;
  return absl::InvalidArgumentError(
      absl::StrCat("--cascade \"", text, "\" is none of foreground, background and orphan"));
}

bool IsSettled(const v1::Resource& r) {
  if (!r.has_application()) return true;
  const v1::ApplicationSummary& a = r.application();
  return !a.deleting() && a.cluster_connected() && a.sync() == "Synced" &&
         a.health() == "Healthy" && a.applied_revision() >= a.assigned_revision();
}

absl::Status Watch(Connection& connection, const WatchOptions& options, Streams streams) {
  ASSIGN_OR_RETURN(const v1::Kind kind, ParseKind(options.kind));
  v1::WatchRequest request;
  request.set_kind(kind);
  request.set_cluster(options.cluster);
  request.set_set(options.set);
  grpc::ClientContext context;
  connection.PrepareStream(&context, options.timeout);
  auto stream = connection.fleet().Watch(&context, request);
  std::map<std::string, bool> settled;
  bool complete = false;
  v1::WatchEvent event;
  while (stream->Read(&event)) {
    if (event.type() == v1::WatchEvent::BOOKMARK) {
      complete = true;
    } else {
      streams.out << Line(event) << "\n" << std::flush;
      const std::string key =
          absl::StrCat(event.resource().namespace_(), "/", event.resource().name());
      if (event.type() == v1::WatchEvent::DELETED) {
        settled.erase(key);
      } else {
        settled[key] = IsSettled(event.resource());
      }
    }
    if (!options.until_synced || !complete) continue;
    bool all = true;
    for (const auto& [key, done] : settled) all = all && done;
    if (all) {
      context.TryCancel();
      return absl::OkStatus();
    }
  }
  return connection.Explain(stream->Finish(), absl::StrCat("watch ", KindName(kind), "s"));
}

absl::Status Delete(Connection& connection, const DeleteOptions& options, Streams streams) {
  std::string kind_text = options.kind, name_text = options.name;
  SplitKindAndName(&kind_text, &name_text);
  if (name_text.empty()) return absl::InvalidArgumentError("delete needs a kind and a name");
  ASSIGN_OR_RETURN(const v1::Kind kind, ParseKind(kind_text));
  const ResourceName name = ParseName(name_text);
  v1::DeleteRequest request;
  request.set_kind(kind);
  request.set_namespace_(name.ns);
  request.set_name(name.name);
  if (options.confirm) request.set_confirm(*options.confirm);
  ASSIGN_OR_RETURN(const v1::DeleteRequest::Cascade cascade, ParseCascade(options.cascade));
  request.set_cascade(cascade);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::DeleteResponse response;
  RETURN_IF_ERROR(connection.Explain(connection.fleet().Delete(&context, request, &response),
                                     absl::StrCat("delete ", KindName(kind), " ", name_text)));
  streams.out << KindName(kind) << "/" << name_text << " deleted";
  if (response.applications() > 0)
    streams.out << " (" << response.applications() << " Applications are going with it)";
  streams.out << "\n";
  return absl::OkStatus();
}

absl::Status RegisterCluster(Connection& connection, const RegisterOptions& options,
                             Streams streams) {
  ASSIGN_OR_RETURN(const Format format, ParseFormat(options.format));
  v1::RegisterClusterRequest request;
  request.set_name(options.name);
  request.set_server(options.server);
  request.set_project(options.project);
  request.set_token_ttl_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(options.token_life)));
  RETURN_IF_ERROR(FillMap(options.labels, "--label", request.mutable_labels()));
  RETURN_IF_ERROR(FillMap(options.annotations, "--annotation", request.mutable_annotations()));
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::RegisterClusterResponse response;
  RETURN_IF_ERROR(
      connection.Explain(connection.fleet().RegisterCluster(&context, request, &response),
                         absl::StrCat("register cluster ", options.name)));
  if (format == Format::kJson) {
    object::Object out;
    out["name"] = options.name;
    out["token"] = response.token();
    out["caPin"] = response.ca_pin();
    out["command"] = response.command();
    streams.out << object::PrettyJson(out) << "\n";
    return absl::OkStatus();
  }
  streams.err << "Cluster " << options.name
              << " is registered. Run this at the cluster, once, before "
              << absl::FormatTime("%H:%M:%SZ",
                                  absl::FromUnixSeconds(response.expires_at().seconds()),
                                  absl::UTCTimeZone())
              << ":\n\n";
  streams.out << response.command() << "\n";
  return absl::OkStatus();
}

absl::Status Refresh(Connection& connection, const std::string& set, Streams streams) {
  v1::RefreshRequest request;
  request.set_set(set);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::RefreshResponse response;
  RETURN_IF_ERROR(
      connection.Explain(connection.fleet().Refresh(&context, request, &response), "refresh"));
  streams.out << response.repositories() << " repositories are being fetched\n";
  return absl::OkStatus();
}

absl::Status Version(Connection* connection, Streams streams) {
  streams.out << "leidang " << LEIDANG_VERSION << "\n";
  if (connection == nullptr) return absl::OkStatus();
  grpc::ClientContext context;
  connection->Prepare(&context);
  v1::VersionResponse response;
  RETURN_IF_ERROR(
      connection->Explain(connection->fleet().GetVersion(&context, {}, &response), "version"));
  streams.out << "hub " << response.version() << ", " << response.clusters() << " clusters, "
              << response.applications() << " applications\n";
  return absl::OkStatus();
}

}  // namespace leidang::cli
