// Any bytes: the reader answers without crashing and within its limits, the same value for the same
// text, and a stream's first document is what ParseYaml reads.

#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "common/yaml/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leidang;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = yaml::ParseYaml(text, "fuzz");
  const auto stream = yaml::ParseYamlStream(text, "fuzz");
  if (!stream.ok()) return 0;
  CHECK(value.ok());
  CHECK(stream->empty() ? value->is_null() : object::Equal(stream->front().value, *value));
  const auto json = object::ParseJson(object::ToJson(*value));
  CHECK(json.ok() && object::Equal(*json, *value));
  return 0;
}
