#pragma once

#include <string>

#include "common/object/value.h"

namespace leidang::yaml {

// YAML text for people: as MarshalYaml (go_yaml.h), with the keys in the order of the object and
// the key `<<` quoted, so that ParseYaml always reads back what ToJson of the value carries. Pure;
// thread-safe.
std::string ToYaml(const object::Value& value);

}  // namespace leidang::yaml
