#include "agent/health/kinds.h"

namespace leidang::agent {

Health PersistentVolumeClaimHealth(Fields& object) {
  const std::string phase = object.Text({"status", "phase"});
  if (phase == "Lost") return Degraded();
  if (phase == "Pending") return Progressing();
  if (phase == "Bound") return Healthy();
  return UnknownHealth();
}

}  // namespace leidang::agent
