#pragma once

// JSON merge patches (RFC 7386) and JSON pointers (RFC 6901). Pure; thread-safe.

#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::generators {

// The patch that makes `to` of `from`; an empty object where they are equal. Lists are replaced as
// a whole.
object::Value MakeMergePatch(const object::Value& from, const object::Value& to);

object::Value ApplyMergePatch(const object::Value& value, const object::Value& patch);

// Removes what a pointer names; nothing happens where it names nothing.
void RemovePointer(absl::string_view pointer, object::Value* value);

}  // namespace leidang::generators
