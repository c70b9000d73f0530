#pragma once

#include "absl/strings/string_view.h"

namespace leidang::yaml {

// The order in which Go's YAML writer puts string keys. It is not transitive for every set of keys,
// so it is for sorts that survive that (std::list::sort does). Both are UTF-8. Internal to the
// room.
bool KeyLess(absl::string_view a, absl::string_view b);

}  // namespace leidang::yaml
