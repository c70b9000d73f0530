#include "tests/sim/shrink.h"

#include <algorithm>
#include <iterator>

namespace leidang::sim {
namespace {

// Without the run of `length` deeds from place `begin` on.
std::set<size_t> Without(const std::set<size_t>& deeds, size_t begin, size_t length) {
  std::set<size_t> rest;
  size_t place = 0;
  for (const size_t deed : deeds) {
    if (place < begin || place >= begin + length) rest.insert(rest.end(), deed);
    ++place;
  }
  return rest;
}

}  // namespace

std::set<size_t> Shrink(std::set<size_t> deeds,
                        const std::function<bool(const std::set<size_t>&)>& fails, size_t* runs) {
  for (size_t length = deeds.size(); length > 0;) {
    bool shorter = false;
    for (size_t begin = 0; begin < deeds.size();) {
      std::set<size_t> rest = Without(deeds, begin, length);
      ++*runs;
      if (fails(rest)) {
        deeds = std::move(rest);
        shorter = true;
      } else {
        begin += length;
      }
    }
    // One left out can make another one dispensable: the last round finds nothing.
    if (length > 1) {
      length /= 2;
    } else if (!shorter) {
      break;
    }
  }
  return deeds;
}

}  // namespace leidang::sim
