// The input's first line is the pattern, the second the separators, the rest the text.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"

#include "common/match/doublestar.h"
#include "common/match/glob.h"
#include "common/match/path_match.h"
#include "common/match/pathspec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const std::pair<absl::string_view, absl::string_view> first =
      absl::StrSplit(input, absl::MaxSplits('\n', 1));
  const std::pair<absl::string_view, absl::string_view> second =
      absl::StrSplit(first.second, absl::MaxSplits('\n', 1));
  const absl::string_view text = second.second;
  if (first.first.size() < 64) {
    if (const auto glob = leidang::match::Glob::Compile(first.first, second.first); glob.ok()) {
      (void)glob->Try(text);
    }
  }
  (void)leidang::match::PathMatch(first.first, text);
  (void)leidang::match::DoublestarMatch(first.first, text);
  if (const auto spec = leidang::match::Pathspec::Parse(first.first); spec.ok()) {
    (void)spec->Matches(text);
  }
  return 0;
}
