#include "absl/strings/str_cat.h"

#include "agent/health/kinds.h"

namespace leidang::agent {

Health DaemonSetHealth(Fields& object) {
  if (object.Number({"metadata", "generation"}) > object.Number({"status", "observedGeneration"})) {
    return Progressing(
        "Waiting for rollout to finish: observed daemon set generation less than desired "
        "generation");
  }
  const int64_t wanted = object.Number({"status", "desiredNumberScheduled"});
  const int64_t updated = object.Number({"status", "updatedNumberScheduled"});
  const int64_t available = object.Number({"status", "numberAvailable"});
  if (object.Text({"spec", "updateStrategy", "type"}) == "OnDelete") {
    return Healthy(
        absl::StrCat("daemon set ", updated, " out of ", wanted, " new pods have been updated"));
  }
  const std::string waiting = absl::StrCat(
      "Waiting for daemon set \"", object.Text({"metadata", "name"}), "\" rollout to finish: ");
  if (updated < wanted) {
    return Progressing(
        absl::StrCat(waiting, updated, " out of ", wanted, " new pods have been updated..."));
  }
  if (available < wanted) {
    return Progressing(
        absl::StrCat(waiting, available, " of ", wanted, " updated pods are available..."));
  }
  return Healthy();
}

}  // namespace leidang::agent
