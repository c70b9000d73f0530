#pragma once

// SkimEvent: which object, and which version of it, a line of a watch is about, at a fraction of
// the cost of reading the line: nothing is allocated, and what comes after an object's identity is
// not looked at. For lines that turn out to say what is known already. Pure; thread-safe.

#include <optional>

#include "absl/strings/string_view.h"

namespace leidang::agent {

// Views into the line.
struct SkimmedEvent {
  absl::string_view type;  // "ADDED", …
  absl::string_view ns;
  absl::string_view name;
  absl::string_view uid;
  absl::string_view version;
};

// nullopt where it is not laid out as API servers do it, or has no identity: it is to be read
// whole, as is every line that is acted upon.
std::optional<SkimmedEvent> SkimEvent(absl::string_view line);

}  // namespace leidang::agent
