#include "agent/health/kinds.h"

namespace leidang::agent {

Health WorkflowHealth(Fields& object) {
  const std::string phase = object.Text({"status", "phase"});
  const std::string message = object.Text({"status", "message"});
  if (phase.empty() || phase == "Pending" || phase == "Running") return Progressing(message);
  if (phase == "Succeeded") return Healthy(message);
  if (phase == "Failed" || phase == "Error") return Degraded(message);
  return UnknownHealth(message);
}

}  // namespace leidang::agent
