#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "agent/link/grpc/channel.h"

namespace leidang::agent {

// A certificate for 127.0.0.1 that is its own authority, good as server and as client for a day:
// for a load tool's two ends on one machine. No hub gives or takes such a one.
absl::StatusOr<Identity> MakeSelfSigned(absl::Time now);

}  // namespace leidang::agent
