#pragma once

#include <cstddef>

namespace leidang {

// Gives back the memory that maps code and constants of this program and its libraries which only
// its start needed: relocation tables, registrations, what lies beside it in the same pages. What
// is used again comes back page by page from the page cache, as it came at first. Nothing that was
// ever written is touched. Bytes of all such mappings, resident or not. Thread-safe.
size_t ForgetStartupCode();

}  // namespace leidang
