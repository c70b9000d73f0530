#pragma once

// In which words Go refuses JSON that does not fit an Application's types. Pure; thread-safe.

#include <optional>
#include <string>

#include "common/object/value.h"
#include "generators/application/schema.h"

namespace leidang::generators {

// Members are visited as they stand, or by name: what Go is given for YAML is sorted.
enum class MemberOrder { kAsWritten, kByName };

// "json: cannot unmarshal number into Go struct field ApplicationSource.spec.source.path of type
// string", of the first value that does not fit; nullopt where all do.
std::optional<std::string> GoTypeMismatch(const object::Value& value, const StructType& type,
                                          MemberOrder order);

}  // namespace leidang::generators
