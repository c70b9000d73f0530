#include "hub/auth/cluster_gate.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace leidang::hub {

void ClusterGate::Set(std::set<intent::ClusterId> clusters) {
  MutexLock lock(&mu_);
  clusters_ = std::move(clusters);
}

absl::Status ClusterGate::Check(const PeerIdentity& identity) const {
  if (identity.hub != hub_) {
    return absl::UnauthenticatedError(absl::StrCat("the certificate was issued by hub ",
                                                   identity.hub.Hex(), ", this is hub ", hub_.Hex(),
                                                   ": join this one with a new token"));
  }
  MutexLock lock(&mu_);
  if (clusters_.contains(identity.cluster)) return absl::OkStatus();
  return absl::UnauthenticatedError(
      absl::StrCat("the cluster ", identity.cluster.Hex(),
                   " is not registered here (any more): register it, and join with the new token"));
}

}  // namespace leidang::hub
