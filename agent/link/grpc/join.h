#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "agent/link/grpc/channel.h"
#include "common/intent/intent.h"

namespace leidang::agent {

struct JoinOptions {
  std::string hub;     // "host:port" of the hub's user port.
  std::string token;   // One-time.
  std::string ca_pin;  // "sha256:<hex>" of the public key of the hub's authority.
  absl::Duration timeout = absl::Seconds(30);
};

// What an agent knows about its place in the fleet after joining.
struct Membership {
  intent::HubId hub;
  intent::ClusterId cluster;
  std::string cluster_name;
  std::string agent_address;  // "host:port" of the hub's agent port.
  // "host:port" of its user port, where certificates are renewed. Empty for one that joined through
  // a version that did not note it.
  std::string enrolment_address;
};

// Enrols this agent: finds the hub's authority in a bare TLS handshake and checks it against the
// pin before anything is sent, then makes a key, has it certified against the token over verified
// TLS, and leaves key, certificate, authority and membership in `directory` (made with mode 0700;
// the key 0600). Blocks.
//
// kPermissionDenied: the hub is not the one that the token was made for. kUnauthenticated: the
// token is unknown, spent or expired. kUnavailable: the hub cannot be reached. Nothing is left
// behind after an error.
absl::StatusOr<Membership> Join(const JoinOptions& options, const std::string& directory);

// What an earlier Join left. kNotFound if there is nothing, kDataLoss if it cannot be read.
absl::StatusOr<Membership> ReadMembership(const std::string& directory);

}  // namespace leidang::agent
