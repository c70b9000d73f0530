#pragma once

#include <cstddef>
#include <functional>
#include <set>

namespace leidang::sim {

// The shortest list of deeds that still fails, as far as leaving out runs of them finds it: no
// single one of what is left can be missed. `fails` says whether a run with exactly these does; it
// is taken to fail with all of `deeds`. `runs` counts the calls.
std::set<size_t> Shrink(std::set<size_t> deeds,
                        const std::function<bool(const std::set<size_t>&)>& fails, size_t* runs);

}  // namespace leidang::sim
