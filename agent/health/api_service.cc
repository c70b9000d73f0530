#include "absl/strings/str_cat.h"

#include "agent/health/kinds.h"

namespace leidang::agent {

Health ApiServiceHealth(Fields& object) {
  for (const TypedCondition& condition : ConditionsOf(object)) {
    if (condition.type != "Available") continue;
    const std::string message = absl::StrCat(condition.reason, ": ", condition.message);
    return condition.status == "True" ? Healthy(message) : Progressing(message);
  }
  return Progressing("Waiting to be processed");
}

}  // namespace leidang::agent
