#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"
#include "common/yaml/node.h"
#include "common/yaml/yaml.h"

namespace leidang::yaml {

// A document's nodes to the tree that JSON would carry. Internal to the room.
absl::StatusOr<object::Value> Decode(Node& root, absl::string_view file_name,
                                     const ParseOptions& options);

}  // namespace leidang::yaml
