#pragma once

// Words and calls that may stand only in the rooms that own what they do, or nowhere.

#include "tests/tidy/finding.h"
#include "tests/tidy/source.h"

namespace leidang::tidy {

Findings CheckBanned(const Source& source);

// boost::json::object::erase swaps the last member into the gap; outside common/object only
// object::StableErase may erase from an object. Recognised by the declarations of the same file.
Findings CheckObjectErase(const Source& source);

}  // namespace leidang::tidy
