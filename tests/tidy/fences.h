#pragma once

// Each third-party library has a fence: the rooms that may include and link it.

#include "absl/strings/string_view.h"

#include "tests/tidy/finding.h"
#include "tests/tidy/rooms.h"
#include "tests/tidy/source.h"

namespace leidang::tidy {

// Includes of third-party and system headers: outside their fence, of no known library, forbidden
// everywhere, or of the outside world in a pure room.
Findings CheckFences(const Source& source);

// May a file at `path` link the CMake target `dep::<name>`?
Sight MayLink(absl::string_view path, absl::string_view dep);

}  // namespace leidang::tidy
