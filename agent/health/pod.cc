#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "agent/health/kinds.h"

namespace leidang::agent {
namespace {

// Why a container ended badly; "" if it did not, or does not say.
std::string FailureOf(const object::Value& container) {
  Fields fields(container);
  const std::string message = fields.Text({"state", "terminated", "message"});
  if (!message.empty()) return message;
  if (fields.Text({"state", "terminated", "reason"}) == "OOMKilled") return "OOMKilled";
  const int64_t code = fields.Number({"state", "terminated", "exitCode"});
  if (code == 0) return "";
  return absl::StrCat("container \"", fields.Text({"name"}), "\" failed with exit code ", code);
}

// Messages of containers that wait because of an error, which a restart will not mend.
std::optional<std::string> StuckContainers(Fields& object) {
  bool stuck = false;
  std::vector<std::string> messages;
  for (const object::Value* container : object.Items({"status", "containerStatuses"})) {
    Fields fields(*container);
    const std::string reason = fields.Text({"state", "waiting", "reason"});
    if (absl::StartsWith(reason, "Err") || absl::EndsWith(reason, "Error") ||
        absl::EndsWith(reason, "BackOff")) {
      stuck = true;
      messages.push_back(fields.Text({"state", "waiting", "message"}));
    }
  }
  if (!stuck) return std::nullopt;
  return absl::StrJoin(messages, ", ");
}

Health FailedHealth(Fields& object, const std::string& message) {
  if (!message.empty()) return Degraded(message);
  for (const absl::string_view list : {"initContainerStatuses", "containerStatuses"}) {
    for (const object::Value* container : object.Items({"status", list})) {
      const std::string failure = FailureOf(*container);
      if (!failure.empty()) return Degraded(failure);
    }
  }
  return Degraded();
}

// Of a pod that is to run for ever.
Health RunningHealth(Fields& object, const std::string& message) {
  for (const TypedCondition& condition : ConditionsOf(object)) {
    if (condition.type == "Ready" && condition.status == "True") return Healthy(message);
  }
  for (const object::Value* container : object.Items({"status", "containerStatuses"})) {
    if (Fields(*container).Has({"lastState", "terminated"})) return Degraded(message);
  }
  return Progressing(message);
}

}  // namespace

Health PodHealth(Fields& object) {
  const std::string restart = object.Text({"spec", "restartPolicy"});
  const bool hook = object.Has({"metadata", "annotations", "argocd.argoproj.io/hook"});
  const bool ignored = !hook && object.Text({"metadata", "annotations",
                                             "argocd.argoproj.io/ignore-restart-policy"}) == "true";
  if (restart == "Always") {
    const std::optional<std::string> stuck = StuckContainers(object);
    if (stuck.has_value()) return Degraded(*stuck);
  }
  const std::string phase = object.Text({"status", "phase"});
  const std::string message = object.Text({"status", "message"});
  if (phase == "Pending") return Progressing(message);
  if (phase == "Succeeded") return Healthy(message);
  if (phase == "Failed") return FailedHealth(object, message);
  if (phase == "Running") {
    if (restart == "Always" || (ignored && !restart.empty())) {
      return RunningHealth(object, message);
    }
    // Such a pod ends some day: as a hook it is waited for.
    if (restart == "OnFailure" || restart == "Never") return Progressing(message);
  }
  return UnknownHealth(message);
}

}  // namespace leidang::agent
