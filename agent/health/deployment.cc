#include "absl/strings/str_cat.h"

#include "agent/health/kinds.h"

namespace leidang::agent {

Health DeploymentHealth(Fields& object) {
  if (object.Flag({"spec", "paused"})) return Suspended("Deployment is paused");
  const int64_t updated = object.Number({"status", "updatedReplicas"});
  const int64_t available = object.Number({"status", "availableReplicas"});
  const int64_t replicas = object.Number({"status", "replicas"});
  const std::optional<int64_t> wanted = object.OptionalNumber({"spec", "replicas"});
  const std::string waiting = "Waiting for rollout to finish: ";
  if (object.Number({"metadata", "generation"}) > object.Number({"status", "observedGeneration"})) {
    return Progressing(waiting + "observed deployment generation less than desired generation");
  }
  for (const TypedCondition& condition : ConditionsOf(object)) {
    if (condition.type == "Progressing" && condition.reason == "ProgressDeadlineExceeded") {
      return Degraded(absl::StrCat("Deployment \"", object.Text({"metadata", "name"}),
                                   "\" exceeded its progress deadline"));
    }
  }
  if (wanted.has_value() && updated < *wanted) {
    return Progressing(
        absl::StrCat(waiting, updated, " out of ", *wanted, " new replicas have been updated..."));
  }
  if (replicas > updated) {
    return Progressing(
        absl::StrCat(waiting, replicas - updated, " old replicas are pending termination..."));
  }
  if (available < updated) {
    return Progressing(
        absl::StrCat(waiting, available, " of ", updated, " updated replicas are available..."));
  }
  return Healthy();
}

}  // namespace leidang::agent
