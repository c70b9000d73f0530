// A text, a line `---`, and the JSON of its parameters: substitution never fails once compiled, and
// a text without a known tag comes back as it was. Names and URLs in normal form stay as they are.

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "generators/template/fasttemplate.h"
#include "generators/template/normalize.h"
#include "generators/template/value_json.h"

namespace leidang::generators {
namespace {

void Run(absl::string_view input) {
  constexpr absl::string_view kBreak = "\n---\n";
  const size_t at = input.find(kBreak);
  const absl::string_view text = input.substr(0, at);
  TValue root;
  if (at != absl::string_view::npos) {
    const auto json = object::ParseJson(input.substr(at + kBreak.size()));
    if (json.ok() && json->is_object()) root = FromJson(*json);
  }
  if (const absl::StatusOr<FastTemplate> compiled = FastTemplate::Compile(text); compiled.ok()) {
    std::string out = "kept";
    compiled->Execute(root, &out);
    CHECK(out.substr(0, 4) == "kept");
    std::string unknown;
    compiled->Execute(TValue(), &unknown);
    CHECK(unknown == text);
  }
  const std::string name = Normalize(text);
  CHECK(name.size() <= 253);
  (void)Slugify(text);
  (void)NormalizeGitUrl(text);
}

}  // namespace
}  // namespace leidang::generators

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leidang::generators::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
