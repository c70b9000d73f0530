#include "absl/strings/str_cat.h"

#include "agent/health/kinds.h"

namespace leidang::agent {

Health StatefulSetHealth(Fields& object) {
  const int64_t observed = object.Number({"status", "observedGeneration"});
  const int64_t ready = object.Number({"status", "readyReplicas"});
  const int64_t updated = object.Number({"status", "updatedReplicas"});
  const std::optional<int64_t> wanted = object.OptionalNumber({"spec", "replicas"});
  const std::string strategy = object.Text({"spec", "updateStrategy", "type"});
  if (observed == 0 || object.Number({"metadata", "generation"}) > observed) {
    return Progressing("Waiting for statefulset spec update to be observed...");
  }
  if (wanted.has_value() && ready < *wanted) {
    return Progressing(absl::StrCat("Waiting for ", *wanted - ready, " pods to be ready..."));
  }
  if (strategy == "RollingUpdate" && object.Has({"spec", "updateStrategy", "rollingUpdate"})) {
    const std::optional<int64_t> partition =
        object.OptionalNumber({"spec", "updateStrategy", "rollingUpdate", "partition"});
    if (wanted.has_value() && partition.has_value() && updated < *wanted - *partition) {
      return Progressing(absl::StrCat("Waiting for partitioned roll out to finish: ", updated,
                                      " out of ", *wanted - *partition,
                                      " new pods have been updated..."));
    }
    return Healthy(
        absl::StrCat("partitioned roll out complete: ", updated, " new pods have been updated..."));
  }
  if (strategy == "OnDelete") {
    return Healthy(absl::StrCat("statefulset has ", ready, " ready pods"));
  }
  const std::string current = object.Text({"status", "currentRevision"});
  const std::string update = object.Text({"status", "updateRevision"});
  if (update != current) {
    return Progressing(absl::StrCat("waiting for statefulset rolling update to complete ", updated,
                                    " pods at revision ", update, "..."));
  }
  return Healthy(absl::StrCat("statefulset rolling update complete ",
                              object.Number({"status", "currentReplicas"}), " pods at revision ",
                              current, "..."));
}

}  // namespace leidang::agent
