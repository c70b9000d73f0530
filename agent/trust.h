#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/options.h"
#include "common/intent/intent.h"

namespace leidang::agent {

// A person at the cluster accepts another hub: `leidang-agent trust-hub` leaves a file in the data
// directory, and the agent acts on it when that very hub offers itself and would be refused.

// Writes the file, after joining that hub where options.rejoin says so. kFailedPrecondition while
// an agent runs that would have to be given a new identity.
absl::Status TrustHubCommand(const AgentOptions& options);

// The hub that the file names; none where there is no file or it names none.
std::optional<intent::HubId> TrustedByHand(const std::string& data_dir);
void ForgetTrustedByHand(const std::string& data_dir);

// Holds <data_dir>/LOCK: two agents on one state would undo each other's work. The descriptor is
// the caller's.
absl::StatusOr<int> LockDirectory(const std::string& data_dir);

}  // namespace leidang::agent
