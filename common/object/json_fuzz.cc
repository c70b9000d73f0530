// Any bytes: ParseJson answers without crashing, and what it accepts survives printing and parsing
// again.

#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "common/object/value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leidang::object;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = ParseJson(text);
  if (!value.ok()) return 0;
  for (const std::string& printed : {ToJson(*value), CanonicalJson(*value), PrettyJson(*value)}) {
    const auto again = ParseJson(printed);
    CHECK(again.ok());
    CHECK(Equal(*value, *again));
    CHECK(CanonicalJson(*again) == CanonicalJson(*value));
  }
  return 0;
}
