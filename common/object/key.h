#pragma once

#include <compare>
#include <string>

namespace leidang::object {

// Names one Kubernetes object in one cluster. `group` is empty for the core API, `ns` for
// cluster-scoped kinds.
struct ObjectKey {
  std::string group;
  std::string kind;
  std::string ns;
  std::string name;

  // "apps/Deployment shop/cart", "Namespace shop": for messages.
  std::string ToString() const;

  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

}  // namespace leidang::object
