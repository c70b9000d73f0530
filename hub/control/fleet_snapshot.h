#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/intent/intent.h"
#include "common/object/value.h"
#include "generators/world.h"

namespace leidang::hub {

// Clusters and projects as they stand at one moment: what an expansion may look at besides Git.
// Never changes once shared.
struct FleetSnapshot {
  std::string control_namespace = "leidang";
  std::map<std::string, intent::ClusterId> cluster_ids;  // By name.
  std::vector<generators::Cluster> clusters;             // Sorted by name.
  std::map<std::string, std::vector<std::string>> names_by_server;
  std::map<std::string, object::Value> projects;  // Spec by name.
};

// The cluster that an Application's destination means: by `name`, or by `server`, never both
// (InvalidSpecError in Argo CD). kInvalidArgument for a destination that is empty, ambiguous or
// names both; kNotFound for a cluster that is not registered. Messages say what to do.
absl::StatusOr<intent::ClusterId> Place(const FleetSnapshot& fleet,
                                        const object::Value& destination);

}  // namespace leidang::hub
