// A template, a line `---`, and the JSON of its parameters: compiling and rendering end in time,
// say the same twice, and leave the parameters as they were.

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "generators/template/template.h"
#include "generators/template/value_json.h"

namespace leidang::generators {
namespace {

std::string Render(const Template& compiled, const TValue& root) {
  RenderContext context;
  context.limits.output_bytes_max = 1 << 14;
  context.limits.text_bytes_max = 1 << 16;
  context.limits.steps_max = 20'000;
  context.limits.call_depth_max = 200;
  context.seed = "fuzz";
  std::string out = "kept";
  const absl::Status status = compiled.Execute(root, &context, &out);
  CHECK(out.substr(0, 4) == "kept");
  if (status.ok()) return out;
  CHECK(out == "kept");
  return std::string(status.message());
}

void Run(absl::string_view input) {
  constexpr absl::string_view kBreak = "\n---\n";
  const size_t at = input.find(kBreak);
  const absl::string_view text = input.substr(0, at);
  TValue root;
  if (at != absl::string_view::npos) {
    const auto json = object::ParseJson(input.substr(at + kBreak.size()));
    if (json.ok() && json->is_object()) root = FromJson(*json);
  }
  const std::string before = object::ToJson(ToJson(root));
  for (const char* missing : {"missingkey=default", "missingkey=error"}) {
    const absl::StatusOr<Template> compiled = Template::Compile(text, {std::string(missing)});
    if (!compiled.ok()) return;
    const std::string first = Render(*compiled, root);
    CHECK(Render(*compiled, root) == first);
    if (compiled->is_literal()) CHECK(first == "kept" + compiled->literal());
  }
  CHECK(object::ToJson(ToJson(root)) == before);
}

}  // namespace
}  // namespace leidang::generators

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leidang::generators::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
