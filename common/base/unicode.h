#pragma once

// The classes of characters by which Go orders keys and reads names, as of Unicode 15.0.0 (that of
// Go 1.26). Pure; thread-safe.

#include <cstdint>

namespace leidang {

// General category L.
bool IsUnicodeLetter(uint32_t rune);

// General category Nd.
bool IsUnicodeDigit(uint32_t rune);

}  // namespace leidang
