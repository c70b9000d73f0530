#include <algorithm>

#include "agent/health/kinds.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kConditionsAnnotation = "autoscaling.alpha.kubernetes.io/conditions";

constexpr absl::string_view kBadReasons[] = {"FailedGetScale",
                                             "FailedUpdateScale",
                                             "FailedGetResourceMetric",
                                             "FailedGetObjectMetric",
                                             "FailedGetPodsMetric",
                                             "FailedGetExternalMetric",
                                             "FailedGetContainerResourceMetric",
                                             "FailedComputeMetricsReplicas",
                                             "InvalidSelector"};

// Version 1 has no conditions: they hide in an annotation.
std::vector<TypedCondition> ScalingConditions(Fields& object) {
  const std::string annotation = object.Text({"metadata", "annotations", kConditionsAnnotation});
  if (object.Text({"apiVersion"}) != "autoscaling/v1") return ConditionsOf(object);
  if (annotation.empty()) return {};
  absl::StatusOr<object::Value> list = object::ParseJson(annotation);
  if (!list.ok()) return {};
  const object::Value wrapped = object::Object{{"status", {{"conditions", *std::move(list)}}}};
  Fields fields(wrapped);
  return ConditionsOf(fields);
}

}  // namespace

Health HorizontalPodAutoscalerHealth(Fields& object) {
  const std::vector<TypedCondition> conditions = ScalingConditions(object);
  for (const TypedCondition& condition : conditions) {
    const bool bad = std::find(std::begin(kBadReasons), std::end(kBadReasons), condition.reason) !=
                     std::end(kBadReasons);
    if (bad) return Degraded(condition.message);
  }
  for (const TypedCondition& condition : conditions) {
    if ((condition.type == "AbleToScale" || condition.type == "ScalingLimited") &&
        condition.status == "True") {
      return Healthy(condition.message);
    }
  }
  return Progressing("Waiting to Autoscale");
}

}  // namespace leidang::agent
