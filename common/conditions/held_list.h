#pragma once

// The message of an Application's condition DeletionsHeld: what the agent writes there the hub
// reads, so that both know one form. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace leidang::conditions {

struct HeldList {
  std::string why;
  std::string digest;              // Of the exact list, 64 hex digits.
  uint64_t objects = 0;            // In the list.
  std::vector<std::string> names;  // The first of them: "ConfigMap shop/cart".

  friend bool operator==(const HeldList&, const HeldList&) = default;
};

// "20 of 31 objects would go; waits for approval of list <digest>: a, b and 18 more".
std::string HeldListText(const HeldList& list);
// nullopt for a text of another form.
std::optional<HeldList> ReadHeldList(absl::string_view text);

}  // namespace leidang::conditions
