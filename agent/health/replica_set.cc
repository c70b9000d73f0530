#include "absl/strings/str_cat.h"

#include "agent/health/kinds.h"

namespace leidang::agent {

Health ReplicaSetHealth(Fields& object) {
  if (object.Number({"metadata", "generation"}) > object.Number({"status", "observedGeneration"})) {
    return Progressing(
        "Waiting for rollout to finish: observed replica set generation less than desired "
        "generation");
  }
  for (const TypedCondition& condition : ConditionsOf(object)) {
    if (condition.type == "ReplicaFailure" && condition.status == "True") {
      return Degraded(condition.message);
    }
  }
  const std::optional<int64_t> wanted = object.OptionalNumber({"spec", "replicas"});
  const int64_t available = object.Number({"status", "availableReplicas"});
  if (wanted.has_value() && available < *wanted) {
    return Progressing(absl::StrCat("Waiting for rollout to finish: ", available, " out of ",
                                    *wanted, " new replicas are available..."));
  }
  return Healthy();
}

}  // namespace leidang::agent
