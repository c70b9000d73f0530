#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "common/random/random.h"

namespace leidang::sim {

// What happens in a run, as a list that can be cut. Each deed has luck of its own, so that it does
// the same whatever else of the list is left out.
struct Deed {
  size_t number = 0;  // Its place in the whole list.
  uint64_t kind = 0;  // Below the number of kinds that the world knows.
  uint64_t luck = 0;  // What it draws all else from.
};

// `count` deeds of so many kinds, of which those stay that `only` names.
inline std::vector<Deed> DrawDeeds(Random& random, size_t count, uint64_t kinds,
                                   const std::optional<std::set<size_t>>& only) {
  std::vector<Deed> deeds;
  for (size_t number = 0; number < count; ++number) {
    const uint64_t kind = random.Below(kinds);
    const uint64_t luck = random.Next();
    if (!only.has_value() || only->contains(number)) deeds.push_back({number, kind, luck});
  }
  return deeds;
}

}  // namespace leidang::sim
