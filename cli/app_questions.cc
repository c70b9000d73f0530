// Commands that ask an agent something.

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "cli/app.h"
#include "cli/kinds.h"
#include "cli/line_diff.h"
#include "cli/table.h"
#include "common/base/status_macros.h"
#include "common/object/value.h"
#include "common/yaml/yaml_writer.h"

namespace leidang::cli {
namespace {

using object::Value;

absl::StatusOr<v1::OperationView> Begin(Connection& connection, const QuestionOptions& options,
                                        v1::OperationKind kind) {
  const ResourceName name = ParseName(options.name);
  v1::OperateRequest request;
  request.set_namespace_(name.ns);
  request.set_name(name.name);
  request.set_kind(kind);
  request.set_lifetime_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(options.timeout)));
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::OperationView operation;
  RETURN_IF_ERROR(connection.Explain(connection.fleet().Operate(&context, request, &operation),
                                     absl::StrCat("ask about ", options.name)));
  return operation;
}

// The agent's answer, a JSON document.
absl::StatusOr<Value> Ask(Connection& connection, const QuestionOptions& options,
                          v1::OperationKind kind, const Clock& clock, Pause pause) {
  const absl::Duration begin = clock.Monotonic();
  ASSIGN_OR_RETURN(v1::OperationView operation, Begin(connection, options, kind));
  while (operation.state() < v1::OperationView::SUCCEEDED) {
    if (clock.Monotonic() - begin > options.timeout) {
      return absl::DeadlineExceededError(absl::StrCat(
          "the agent of cluster ", operation.cluster(), " gave no answer within ",
          absl::FormatDuration(options.timeout),
          ": is it connected (leidang get clusters), and of a version that knows this question?"));
    }
    pause();
    v1::GetOperationRequest request;
    request.set_id(operation.id());
    grpc::ClientContext context;
    connection.Prepare(&context);
    RETURN_IF_ERROR(
        connection.Explain(connection.fleet().GetOperation(&context, request, &operation),
                           absl::StrCat("get operation ", operation.id())));
  }
  if (operation.state() != v1::OperationView::SUCCEEDED) {
    return absl::AbortedError(absl::StrCat("the agent of cluster ", operation.cluster(),
                                           " cannot tell: ", operation.message()));
  }
  absl::StatusOr<Value> answer = object::ParseJson(operation.message());
  if (answer.ok()) return answer;
  return absl::InternalError(absl::StrCat("the agent's answer is no JSON (operation ",
                                          operation.id(), "): ", answer.status().message()));
}

std::string NameOf(const Value& object) {
  const absl::string_view ns = object::FindString(object, {"namespace"});
  return absl::StrCat(object::FindString(object, {"group"}), "/",
                      object::FindString(object, {"kind"}), " ", ns, ns.empty() ? "" : "/",
                      object::FindString(object, {"name"}));
}

std::string TextOf(const Value& object, absl::string_view side) {
  const Value* found = object::Find(object, {side});
  return found == nullptr || found->is_null() ? "" : yaml::ToYaml(*found);
}

int64_t Number(const Value& from, absl::string_view name) {
  const Value* found = object::Find(from, {name});
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

std::string TimeText(int64_t unix_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(unix_ms), absl::UTCTimeZone());
}

const object::Array* ListOf(const Value& answer, absl::string_view name) {
  const Value* list = object::Find(answer, {name});
  return list != nullptr && list->is_array() ? &list->get_array() : nullptr;
}

}  // namespace

absl::Status Diff(Connection& connection, const QuestionOptions& options, const Clock& clock,
                  Pause pause, Streams streams, DiffFound* found) {
  ASSIGN_OR_RETURN(const Format format, ParseFormat(options.format));
  ASSIGN_OR_RETURN(const Value answer, Ask(connection, options, v1::OPERATION_DIFF, clock, pause));
  const object::Array* objects = ListOf(answer, "objects");
  if (objects == nullptr) return absl::InternalError("the agent's answer lists no objects");
  const int64_t more = Number(answer, "more");
  *found = objects->empty() && more == 0 ? DiffFound::kNothing : DiffFound::kDifferences;
  std::vector<std::string> unknown;
  if (format == Format::kJson) streams.out << object::PrettyJson(answer) << "\n";
  for (const Value& object : *objects) {
    const absl::string_view error = object::FindString(object, {"error"});
    if (!error.empty()) unknown.push_back(absl::StrCat(NameOf(object), ": ", error));
    if (!error.empty() || format == Format::kJson) continue;
    streams.out << "===== " << NameOf(object) << " ======\n";
    if (object::Find(object, {"omitted"}) != nullptr) {
      streams.out << "(differs; left out, as all differences together are too large)\n";
    } else {
      streams.out << LineDiff(TextOf(object, "live"), TextOf(object, "desired"));
    }
  }
  if (more > 0 && format != Format::kJson) streams.out << "and " << more << " more objects\n";
  if (unknown.empty()) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat("what an apply would do is not known of ", absl::StrJoin(unknown, "; ")));
}

absl::Status History(Connection& connection, const QuestionOptions& options, const Clock& clock,
                     Pause pause, Streams streams) {
  ASSIGN_OR_RETURN(const Format format, ParseFormat(options.format));
  ASSIGN_OR_RETURN(const Value answer,
                   Ask(connection, options, v1::OPERATION_HISTORY, clock, pause));
  if (format == Format::kJson) {
    streams.out << object::PrettyJson(answer) << "\n";
    return absl::OkStatus();
  }
  const object::Array* items = ListOf(answer, "items");
  if (items == nullptr || items->empty()) {
    streams.err << "No sync of " << options.name << " is remembered.\n";
    return absl::OkStatus();
  }
  Table table({"ID", "DATE", "REVISION", "BY", "RESULT", "MESSAGE"});
  for (const Value& item : *items) {
    const int64_t attempts = Number(item, "attempts");
    table.Add({absl::StrCat(Number(item, "id")), TimeText(Number(item, "ended")),
               std::string(object::FindString(item, {"commit"})),
               std::string(object::FindString(item, {"by"})),
               absl::StrCat(object::FindString(item, {"result"}),
                            attempts > 1 ? absl::StrCat(" (", attempts, " times)") : ""),
               std::string(object::FindString(item, {"message"}))});
  }
  streams.out << table.ToString();
  return absl::OkStatus();
}

}  // namespace leidang::cli
