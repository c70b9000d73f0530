#include "hub/control/fleet_snapshot.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace leidang::hub {

absl::StatusOr<intent::ClusterId> Place(const FleetSnapshot& fleet,
                                        const object::Value& destination) {
  const std::string name(object::FindString(destination, {"name"}));
  const std::string server(object::FindString(destination, {"server"}));
  if (!name.empty() && !server.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("spec.destination names both the cluster \"",
                                                   name, "\" and the server \"", server,
                                                   "\": leave one of the two out"));
  }
  if (!name.empty()) {
    const auto found = fleet.cluster_ids.find(name);
    if (found != fleet.cluster_ids.end()) return found->second;
    return absl::NotFoundError(absl::StrCat("no cluster is named \"", name,
                                            "\": register it with `leidang cluster register ", name,
                                            "`, or correct spec.destination.name"));
  }
  if (server.empty()) {
    return absl::InvalidArgumentError(
        "spec.destination names no cluster: set destination.name or destination.server");
  }
  const auto found = fleet.names_by_server.find(server);
  if (found == fleet.names_by_server.end()) {
    return absl::NotFoundError(absl::StrCat(
        "no cluster has the server \"", server, "\": register it with `leidang cluster register ",
        server == generators::kLocalClusterServer ? std::string(generators::kLocalClusterName)
                                                  : absl::StrCat("NAME --server ", server),
        "`, or correct spec.destination.server"));
  }
  if (found->second.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the server \"", server, "\" belongs to several clusters (",
                     absl::StrJoin(found->second, ", "), "): use spec.destination.name"));
  }
  return fleet.cluster_ids.at(found->second.front());
}

}  // namespace leidang::hub
