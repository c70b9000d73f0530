#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/intent/intent.h"

namespace leidang::hub {

// The cluster that an agent's certificate speaks for.
struct PeerIdentity {
  intent::HubId hub;
  intent::ClusterId cluster;

  friend bool operator==(const PeerIdentity&, const PeerIdentity&) = default;
};

// "spiffe://<hub_id>/cluster/<cluster_id>".
std::string AgentUri(const PeerIdentity& identity);

// Reads the URI SANs of a certificate whose chain and dates gRPC has verified. kUnauthenticated,
// with the reason, unless there is exactly one and it has the form above.
absl::StatusOr<PeerIdentity> IdentityOf(const std::vector<std::string>& uris);

}  // namespace leidang::hub
