// Any bytes: the reader answers without crashing and within its limits, the same value for the same
// text, and a
// stream's first document is what ParseYaml reads. What is read survives being written.

#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "common/yaml/yaml.h"
#include "common/yaml/yaml_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leidang;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = yaml::ParseYaml(text, "fuzz");
  const auto stream = yaml::ParseYamlStream(text, "fuzz");
  if (!stream.ok()) return 0;
  CHECK(value.ok());
  CHECK(stream->empty() ? value->is_null() : object::Equal(stream->front().value, *value));
  const auto again = yaml::ParseYaml(yaml::ToYaml(*value), "fuzz");
  CHECK(again.ok());
  CHECK(object::Equal(*again, *object::ParseJson(object::ToJson(*value))));
  return 0;
}
