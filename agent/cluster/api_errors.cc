#include "agent/cluster/api_errors.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace leidang::agent {
namespace {

using object::Value;

constexpr char kUnknownPath[] = "the API server does not serve this kind";
constexpr size_t kShownMax = 1000;

absl::StatusCode CodeOf(int status, absl::string_view message) {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return absl::StatusCode::kInvalidArgument;
    case 403:
      return absl::StrContains(message, "because it is being terminated")
                 ? absl::StatusCode::kUnavailable
                 : absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kAborted;
    default:
      break;
  }
  // What the schema does not know is reported as a failure of the server.
  if (absl::StrContains(message, "field not declared in schema") ||
      absl::StrContains(message, "failed to create typed patch object")) {
    return absl::StatusCode::kInvalidArgument;
  }
  // A version was asked for of what is not there.
  if (absl::StrContains(message, "resourceVersion should not be set on objects to be created")) {
    return absl::StatusCode::kAborted;
  }
  return absl::StatusCode::kUnavailable;
}

// The words of the validation of built-in kinds and of rules of definitions.
bool IsOfImmutability(absl::string_view message) {
  for (const absl::string_view words :
       {"is immutable", "are immutable", "may not be changed", "may not change",
        "cannot be changed", "can not be changed", "cannot change roleRef"}) {
    if (absl::StrContains(message, words)) return true;
  }
  return absl::StrContains(message, "updates to ") && absl::StrContains(message, "are forbidden");
}

}  // namespace

bool SaysImmutable(const absl::StatusOr<ApiResponse>& answer) {
  if (!answer.ok() || answer->status != 422) return false;
  const absl::StatusOr<Value> body = object::ParseJson(answer->body);
  if (!body.ok()) return false;
  const Value* causes = object::Find(*body, {"details", "causes"});
  if (causes == nullptr || !causes->is_array() || causes->get_array().empty()) {
    return IsOfImmutability(object::FindString(*body, {"message"}));
  }
  return std::all_of(
      causes->get_array().begin(), causes->get_array().end(),
      [](const Value& cause) { return IsOfImmutability(object::FindString(cause, {"message"})); });
}

absl::StatusOr<Value> AnswerObject(absl::StatusOr<ApiResponse> answer) {
  if (!answer.ok()) return answer.status();
  absl::StatusOr<Value> body = object::ParseJson(answer->body);
  if (answer->status >= 200 && answer->status < 300) {
    if (body.ok()) return body;
    return absl::UnavailableError(
        absl::StrCat("the API server's answer cannot be read: ", body.status().message()));
  }
  std::string message;
  if (body.ok()) message = std::string(object::FindString(*body, {"message"}));
  if (answer->status == 404 && message.empty()) return absl::NotFoundError(kUnknownPath);
  if (message.empty()) message = answer->body.substr(0, kShownMax);
  const absl::StatusCode code = CodeOf(answer->status, message);
  return absl::Status(code, absl::StrCat("the API server answers ", answer->status, ": ",
                                         message.substr(0, kShownMax)));
}

bool IsUnknownPath(const absl::Status& status) {
  return absl::IsNotFound(status) && status.message() == kUnknownPath;
}

}  // namespace leidang::agent
