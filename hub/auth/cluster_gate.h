#pragma once

#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"

#include "common/base/mutex.h"
#include "hub/auth/peer_identity.h"

namespace leidang::hub {

// Which clusters may speak to this hub: asked on every agent call, told by whoever knows the
// registrations. Thread-safe.
class ClusterGate {
 public:
  explicit ClusterGate(const intent::HubId& hub) : hub_(hub) {}

  void Set(std::set<intent::ClusterId> clusters) ABSL_LOCKS_EXCLUDED(mu_);

  // kUnauthenticated, with the reason, for another hub's certificate or a cluster that is not
  // registered (any more).
  absl::Status Check(const PeerIdentity& identity) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const intent::HubId hub_;
  mutable Mutex mu_;
  std::set<intent::ClusterId> clusters_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::hub
