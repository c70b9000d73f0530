#pragma once

#include <algorithm>
#include <vector>

#include "common/object/key.h"

namespace leidang::agent {

// The object with this key, or nullptr. REQUIRES: `sorted` is sorted by key, each key once. Pure.
template <typename Object>
const Object* FindByKey(const std::vector<Object>& sorted, const object::ObjectKey& key) {
  const auto at = std::lower_bound(
      sorted.begin(), sorted.end(), key,
      [](const Object& object, const object::ObjectKey& k) { return object.key < k; });
  return at != sorted.end() && at->key == key ? &*at : nullptr;
}

}  // namespace leidang::agent
