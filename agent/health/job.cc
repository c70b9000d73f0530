#include "agent/health/kinds.h"

namespace leidang::agent {

Health JobHealth(Fields& object) {
  bool failed = false;
  bool complete = false;
  bool suspended = false;
  std::string failure;
  std::string message;
  for (const TypedCondition& condition : ConditionsOf(object)) {
    // Whatever the condition's status, as Argo CD has it.
    if (condition.type == "Failed") {
      failed = true;
      complete = true;
      failure = condition.message;
    } else if (condition.type == "Complete") {
      complete = true;
      message = condition.message;
    } else if (condition.type == "Suspended") {
      complete = true;
      message = condition.message;
      suspended = condition.status == "True";
    }
  }
  if (!complete) return Progressing(message);
  if (failed) return Degraded(failure);
  if (suspended) return Suspended(failure);
  return Healthy(message);
}

}  // namespace leidang::agent
