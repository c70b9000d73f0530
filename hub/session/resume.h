#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "hub/store/store.h"
#include "leidang/v1/link.pb.h"

namespace leidang::hub {

// What an agent says about itself in Hello.
struct Greeting {
  intent::ClusterId cluster;
  intent::Authority authority;  // authority.hub.IsNone(): it obeys nobody yet.
  intent::Revision revision = 0;
  object::Sha256 intent_root;
  uint64_t session_epoch = 0;
};

// kInvalidArgument, naming the field, for a Hello against docs/formats/link.md.
absl::StatusOr<Greeting> ParseHello(const v1::Hello& hello);

enum class Opening : uint8_t {
  kResume,   // Send everything after Greeting::revision.
  kCompare,  // The two must be compared first.
  kBehind,   // This hub lost what the agent holds: send nothing.
};

// How a session with that agent begins. Also kCompare where the agent obeys a foreign authority: it
// will refuse, and its word for it is worth having. Pure.
Opening OpeningFor(const Greeting& greeting, const ClusterLog& log);

}  // namespace leidang::hub
