#include "tests/conformance/health_area.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

#include "agent/health/health.h"
#include "common/manifest/manifest.h"

namespace leidang::conformance {
namespace {

// null for a kind without a check.
object::Value StatusValue(const std::optional<agent::Health>& health) {
  if (!health.has_value()) return nullptr;
  switch (health->state) {
    case intent::HealthState::kHealthy:
      return "Healthy";
    case intent::HealthState::kProgressing:
      return "Progressing";
    case intent::HealthState::kSuspended:
      return "Suspended";
    case intent::HealthState::kDegraded:
      return "Degraded";
    case intent::HealthState::kMissing:
      return "Missing";
    case intent::HealthState::kUnknown:
      break;
  }
  return "Unknown";
}

Outcome CompareStatus(const std::optional<agent::Health>& health, const object::Value& line) {
  const object::Value status = StatusValue(health);
  const object::Value expected = line.at("status");
  if (!object::Equal(status, expected)) return Outcome::Different(Difference(expected, status));
  return Outcome::Equal();
}

}  // namespace

Outcome CheckHealth(const object::Value& line) {
  const std::optional<agent::Health> health = agent::AssessBuiltInHealth(line.at("resource"));
  const Outcome status = CompareStatus(health, line);
  if (!status.equal) return status;
  const std::string message = health.has_value() ? health->message : "";
  const std::string wanted(object::FindString(line, {"message"}));
  if (line.as_object().contains("error")) {
    Outcome outcome = Outcome::Equal();
    outcome.same_message = message == wanted;
    return outcome;
  }
  if (message == wanted) return Outcome::Equal();
  return Outcome::Different(absl::StrCat("message \"", message, "\" instead of \"", wanted, "\""));
}

Outcome CheckCustomHealth(const object::Value& line) {
  const object::Value& resource = line.at("resource");
  const absl::string_view api_version = object::FindString(resource, {"apiVersion"});
  if (!agent::HasHealthCheck(manifest::GroupOf(api_version),
                             object::FindString(resource, {"kind"}))) {
    return Outcome::Equal();
  }
  const std::optional<agent::Health> health = agent::AssessHealth(resource);
  Outcome outcome = CompareStatus(health, line);
  if (outcome.equal && health.has_value()) {
    outcome.same_message =
        absl::string_view(health->message) == object::FindString(line, {"message"});
  }
  return outcome;
}

}  // namespace leidang::conformance
