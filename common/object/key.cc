#include "common/object/key.h"

#include "absl/strings/str_cat.h"

namespace leidang::object {

std::string ObjectKey::ToString() const {
  return absl::StrCat(group, group.empty() ? "" : "/", kind, " ", ns, ns.empty() ? "" : "/", name);
}

}  // namespace leidang::object
