#pragma once

// Replays a recorded session with one of its ends as it is today: the other end says what was
// recorded, in the recorded order, and the answers must come to the same. OK, or the first thing
// that is not so, with its line: a frame that today's end does not understand (kDataLoss), an
// answer that did not come or differs, an end that came to hold or show something else
// (kFailedPrecondition).

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/status.h"

#include "tests/sim/replay/recording.h"

namespace leidang::sim {

struct ReplayOptions {
  // The link as the recorded version knew it: LinkSchema() of then.
  std::set<std::string> schema;
  // The recorded end is of a later version: it adds fields and messages that nobody knows.
  enum class Speech : uint8_t { kAsRecorded, kWithUnknown };
  Speech speech = Speech::kAsRecorded;
};

// The recorded agent talks to today's hub.
absl::Status ReplayAgainstHub(const Recording& recording, const ReplayOptions& options);
// The recorded hub talks to today's agent.
absl::Status ReplayAgainstAgent(const Recording& recording, const ReplayOptions& options);

}  // namespace leidang::sim
