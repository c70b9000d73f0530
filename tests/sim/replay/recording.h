#pragma once

// Recording: what the wire of one cluster's link carried, both ways, with the times and with what
// people and reconciler did meanwhile. A text file, so that it says itself what it is:
//
//   leidang link recording 1
//   commit 0123… of 40 digits
//   0s hub open hub=… epoch=3 incarnation=77
//   1ms agent start instance=…
//   1ms open 1                  the agent's stream 1 is there
//   1ms up 1 0a2f…              the agent wrote an AgentMessage on it: its bytes
//   5ms down 1 0a31…            the hub wrote a HubMessage
//   9s agent-gone 1             the agent ended its end
//   9s hub-closed 1             the hub ended its end
//   20s end
//   fact hub head=3             how it ended: what each end then held and showed
//
// Lines that begin with a time and `hub`, `agent` or `cut` are deeds: hub_end.h and agent_end.h
// know them. Times do not go back. Empty lines and those with # are for people.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leidang::sim {

// What an end does by itself or on behalf of people: "hub put key=… uid=…".
struct Deed {
  std::string end;   // "hub", "agent"; "cut" is of both.
  std::string verb;  // Empty for "cut".
  std::multimap<std::string, std::string> arguments;
  // The first of that name; empty if there is none.
  std::string Get(absl::string_view name) const;
};

struct RecordedStep {
  enum class Kind : uint8_t { kDeed, kOpen, kUp, kDown, kAgentGone, kHubClosed, kEnd };
  size_t line = 0;  // Of the file.
  absl::Duration at;
  Kind kind = Kind::kEnd;
  uint64_t stream = 0;  // Of all but deeds and the end.
  std::string frame;    // Bytes, of kUp and kDown.
  Deed deed;
  std::string text;  // Of the deed, as written.
};

using Facts = std::map<std::string, std::string>;

struct Recording {
  std::string name;
  std::string commit;
  std::vector<RecordedStep> steps;
  Facts hub;
  Facts agent;
};

// kInvalidArgument, naming `name`, the line and what to do, for what is no recording.
absl::StatusOr<Recording> ParseRecording(absl::string_view name, absl::string_view text);
std::string PrintRecording(const Recording& recording);

}  // namespace leidang::sim
