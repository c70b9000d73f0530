#pragma once

// The room table: which folder may include which (docs/ARCHITECTURE.md draws it).

#include "absl/strings/string_view.h"

#include "tests/tidy/finding.h"
#include "tests/tidy/source.h"

namespace leidang::tidy {

// The room of a file or of an include, "" if it has none. Generated headers have the rooms `wire`
// (messages), `stubs` (gRPC services) and `records` (what the store keeps).
absl::string_view RoomOf(absl::string_view path);

// May a file at `path` include, or a target there link, something of room `seen`?
enum class Sight { kAllowed, kForbidden };
Sight MaySee(absl::string_view path, absl::string_view seen);

// What room `path` belongs to may see, for messages.
absl::string_view SeenBy(absl::string_view path);

// Takes values and returns values: no clock, I/O, lock or log.
bool IsPureRoom(absl::string_view path);

Findings CheckRooms(const Source& source);

}  // namespace leidang::tidy
