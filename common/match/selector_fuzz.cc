// JSON of a selector.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "common/match/selector.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto value =
      leidang::object::ParseJson(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!value.ok()) return 0;
  using Rules = leidang::match::Selector::Rules;
  for (const Rules rules : {Rules::kLabels, Rules::kParameters}) {
    const auto selector = leidang::match::Selector::Parse(*value, rules);
    if (selector.ok()) {
      (void)selector->Matches(std::map<std::string, std::string>{{"env", "prod"}});
    }
  }
  return 0;
}
