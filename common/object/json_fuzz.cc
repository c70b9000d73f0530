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
  // As text, not with Equal: a whole double beyond 2^53 reads back as the integer that its text
  // shows.
  const std::string json = ToJson(*value);
  const auto again = ParseJson(json);
  CHECK(again.ok());
  CHECK(ToJson(*again) == json);
  const auto pretty = ParseJson(PrettyJson(*value));
  CHECK(pretty.ok() && ToJson(*pretty) == json);
  const std::string canonical = CanonicalJson(*value);
  const auto same = ParseJson(canonical);
  CHECK(same.ok());
  CHECK(Equal(*same, *value) && CanonicalJson(*same) == canonical);
  return 0;
}
