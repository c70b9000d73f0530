#include "cli/app.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "cli/kinds.h"
#include "cli/table.h"
#include "common/base/status_macros.h"

namespace leidang::cli {
namespace {

constexpr size_t kObjectsShown = 3;  // Of an Application that is waited for.

absl::Time TimeOf(const google::protobuf::Timestamp& t) {
  return absl::FromUnixSeconds(t.seconds());
}

bool HasEnded(const v1::OperationView& operation) {
  return operation.state() >= v1::OperationView::SUCCEEDED;
}

std::string StateText(const v1::OperationView& operation) {
  std::string text = absl::AsciiStrToLower(v1::OperationView::State_Name(operation.state()));
  text[0] = absl::ascii_toupper(text[0]);
  return text;
}

std::string KindText(const v1::OperationView& operation) {
  switch (operation.kind()) {
    case v1::OPERATION_SYNC:
      return "sync";
    case v1::OPERATION_TERMINATE:
      return "terminate";
    default:
      return "refresh";
  }
}

v1::OperationKind KindOf(SyncOptions::What what) {
  switch (what) {
    case SyncOptions::What::kSync:
      return v1::OPERATION_SYNC;
    case SyncOptions::What::kRefresh:
      return v1::OPERATION_REFRESH;
    case SyncOptions::What::kTerminate:
      return v1::OPERATION_TERMINATE;
  }
  return v1::OPERATION_KIND_UNSPECIFIED;
}

absl::StatusOr<v1::OperationView> Ask(Connection& connection, const SyncOptions& options,
                                      const std::string& text) {
  const ResourceName name = ParseName(text);
  v1::OperateRequest request;
  request.set_namespace_(name.ns);
  request.set_name(name.name);
  request.set_kind(KindOf(options.what));
  request.set_prune(options.prune);
  request.set_approve_deletions(options.approve_deletions);
  for (const std::string& resource : options.resources) request.add_resources(resource);
  if (!options.async)
    request.set_lifetime_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(options.timeout)));
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::OperationView operation;
  RETURN_IF_ERROR(connection.Explain(connection.fleet().Operate(&context, request, &operation),
                                     absl::StrCat("operate on ", text)));
  return operation;
}

absl::StatusOr<v1::OperationView> Look(Connection& connection, const std::string& id) {
  v1::GetOperationRequest request;
  request.set_id(id);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::OperationView operation;
  RETURN_IF_ERROR(connection.Explain(connection.fleet().GetOperation(&context, request, &operation),
                                     absl::StrCat("get operation ", id)));
  return operation;
}

void PrintOutcome(const v1::OperationView& operation, Streams streams) {
  streams.out << KindText(operation) << " of " << operation.namespace_() << "/" << operation.name()
              << " on " << operation.cluster() << ": " << StateText(operation)
              << (operation.message().empty() ? "" : ": ") << operation.message() << "\n";
}

bool StandsInTheWay(const v1::ObjectState& object) {
  if (!object.hook().empty()) return object.sync() != "Succeeded";
  return object.sync() == "OutOfSync" || (!object.health().empty() && object.health() != "Healthy");
}

// "Deployment shop/web is Progressing: 1 of 3 replicas are ready".
std::string ObjectText(const v1::ObjectState& object) {
  const bool ill =
      object.hook().empty() && !object.health().empty() && object.health() != "Healthy";
  return absl::StrCat(object.hook().empty() ? "" : absl::StrCat(object.hook(), " hook "),
                      object.kind(), " ", object.namespace_(),
                      object.namespace_().empty() ? "" : "/", object.name(), " is ",
                      ill ? object.health() : object.sync(), object.message().empty() ? "" : ": ",
                      object.message());
}

// "cart is OutOfSync and Healthy: <what is wrong>; ConfigMap shop/cart is OutOfSync".
std::string StateOf(const std::string& name, const v1::Resource& resource, absl::Time now) {
  const v1::ApplicationSummary& a = resource.application();
  if (IsOffline(a)) {
    const std::string sync = a.reported_sync().empty() ? a.sync() : a.reported_sync();
    const std::string health = a.reported_health().empty() ? a.health() : a.reported_health();
    const std::string seen =
        a.has_cluster_last_seen()
            ? absl::StrCat("last seen ", Age(TimeOf(a.cluster_last_seen()), now), " ago")
            : "and the hub does not know since when";
    return absl::StrCat(name, ": cluster ", a.cluster(), " is offline, ", seen,
                        "; its last state (", sync, " and ", health, ") says nothing about now");
  }
  std::vector<std::string> why;
  if (const std::string trouble = Trouble(resource); !trouble.empty()) why.push_back(trouble);
  size_t more = 0;
  size_t shown = 0;
  for (const v1::ObjectState& object : a.resources()) {
    if (!StandsInTheWay(object)) continue;
    if (shown == kObjectsShown) {
      ++more;
      continue;
    }
    ++shown;
    why.push_back(ObjectText(object));
  }
  if (more > 0) why.push_back(absl::StrCat("and ", more, " more objects"));
  return absl::StrCat(name, " is ", a.deleting() ? "being deleted" : a.sync(), " and ", a.health(),
                      why.empty() ? "" : ": ", absl::StrJoin(why, "; "));
}

// kNotFound if a selector finds none: nothing was meant by that.
absl::StatusOr<std::vector<std::string>> NamesOf(Connection& connection,
                                                 const Applications& which) {
  std::vector<std::string> names = which.names;
  if (which.selector.empty()) {
    if (names.empty())
      return absl::InvalidArgumentError("which Applications? Give names, or -l SELECTOR");
    return names;
  }
  v1::ListRequest request;
  request.set_kind(v1::APPLICATION);
  request.set_label_selector(which.selector);
  ASSIGN_OR_RETURN(const std::vector<v1::Resource> found, ListAll(connection, request));
  if (found.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no Application has the labels \"", which.selector, "\""));
  }
  for (const v1::Resource& resource : found)
    names.push_back(absl::StrCat(resource.namespace_(), "/", resource.name()));
  return names;
}

// What is said of one for which it holds; empty if it does not.
std::string Reached(const WaitOptions& options, const v1::Resource& resource) {
  const v1::ApplicationSummary& a = resource.application();
  if (options.deleted || !a.cluster_connected()) return "";
  const bool all = !options.synced && !options.healthy && !options.operation;
  if (all) return IsSettled(resource) ? "is Synced and Healthy" : "";
  std::vector<std::string> words;
  if (options.synced) {
    if (a.deleting() || a.sync() != "Synced" || a.applied_revision() < a.assigned_revision())
      return "";
    words.push_back("Synced");
  }
  if (options.healthy) {
    if (a.health() != "Healthy") return "";
    words.push_back("Healthy");
  }
  if (options.operation) {
    if (a.phase() == "Running") return "";
    words.push_back("at rest");
  }
  return absl::StrCat("is ", absl::StrJoin(words, " and "));
}

}  // namespace

absl::Status Sync(Connection& connection, const SyncOptions& options, const Clock& clock,
                  Pause pause, Streams streams) {
  const absl::Duration begin = clock.Monotonic();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesOf(connection, options.which));
  std::vector<v1::OperationView> open;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(v1::OperationView operation, Ask(connection, options, name));
    if (options.async) {
      streams.out << KindText(operation) << " of " << name << " requested, operation "
                  << operation.id() << "\n";
    } else {
      open.push_back(std::move(operation));
    }
  }
  size_t failed = 0;
  while (!open.empty()) {
    std::vector<v1::OperationView> still_open;
    for (const v1::OperationView& before : open) {
      ASSIGN_OR_RETURN(v1::OperationView operation, Look(connection, before.id()));
      if (!HasEnded(operation)) {
        still_open.push_back(std::move(operation));
        continue;
      }
      PrintOutcome(operation, streams);
      failed += operation.state() != v1::OperationView::SUCCEEDED;
    }
    open = std::move(still_open);
    if (open.empty()) break;
    if (clock.Monotonic() - begin > options.timeout) {
      for (const v1::OperationView& operation : open) PrintOutcome(operation, streams);
      return absl::DeadlineExceededError(absl::StrCat(
          open.size(), " operations have not ended after ", absl::FormatDuration(options.timeout),
          ": they go on; `leidang app operations NAME` shows them"));
    }
    pause();
  }
  if (failed == 0) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat(failed, " of ", names.size(), " operations failed"));
}

absl::Status Wait(Connection& connection, const WaitOptions& options, const Clock& clock,
                  Pause pause, Streams streams) {
  const absl::Duration begin = clock.Monotonic();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesOf(connection, options.which));
  std::set<std::string> waiting(names.begin(), names.end());
  while (true) {
    std::vector<std::string> states;
    for (auto name = waiting.begin(); name != waiting.end();) {
      const absl::StatusOr<v1::Resource> resource = GetOne(connection, v1::APPLICATION, *name);
      if (options.deleted && absl::IsNotFound(resource.status())) {
        streams.out << "application/" << *name << " is deleted\n";
        name = waiting.erase(name);
        continue;
      }
      if (!resource.ok()) return resource.status();
      if (const std::string reached = Reached(options, *resource); !reached.empty()) {
        streams.out << "application/" << ShownName(*resource) << " " << reached << "\n";
        name = waiting.erase(name);
        continue;
      }
      states.push_back(StateOf(*name, *resource, clock.Now()));
      ++name;
    }
    if (waiting.empty()) return absl::OkStatus();
    if (clock.Monotonic() - begin > options.timeout) {
      return absl::DeadlineExceededError(absl::StrCat("not reached after ",
                                                      absl::FormatDuration(options.timeout), ": ",
                                                      absl::StrJoin(states, "\n  ")));
    }
    pause();
  }
}

absl::Status PrintOperations(Connection& connection, const std::string& name, const Clock& clock,
                             Streams streams) {
  const ResourceName parsed = ParseName(name);
  v1::ListOperationsRequest request;
  request.set_namespace_(parsed.ns);
  request.set_name(parsed.name);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::ListOperationsResponse response;
  RETURN_IF_ERROR(
      connection.Explain(connection.fleet().ListOperations(&context, request, &response),
                         absl::StrCat("list operations of ", name)));
  if (response.items().empty()) {
    streams.err << "No operations on " << name << " since yesterday.\n";
    return absl::OkStatus();
  }
  Table table({"ID", "KIND", "STATE", "REQUESTED", "BY", "MESSAGE"});
  for (const v1::OperationView& operation : response.items()) {
    table.Add({operation.id(), KindText(operation), StateText(operation),
               absl::StrCat(Age(TimeOf(operation.requested_at()), clock.Now()), " ago"),
               operation.requested_by(), operation.message()});
  }
  streams.out << table.ToString();
  return absl::OkStatus();
}

}  // namespace leidang::cli
