#include "generators/kinds/slug.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

#include "generators/kinds/transliteration.h"

namespace leidang::generators {

namespace {

constexpr size_t kBytesMax = 50;

}  // namespace

std::string BranchSlug(absl::string_view branch) {
  const std::string spelled =
      absl::StrReplaceAll(absl::StripAsciiWhitespace(branch), {{"_", "-"},
                                                               {"&", "and"},
                                                               {"@", "at"},
                                                               {"\"", ""},
                                                               {"'", ""},
                                                               {"\u2019", ""},
                                                               {"\u2012", "-"},
                                                               {"\u2013", "-"},
                                                               {"\u2014", "-"},
                                                               {"\u2015", "-"}});
  std::string slug;
  for (const char c : absl::AsciiStrToLower(transliteration::ToAscii(spelled))) {
    const bool kept = absl::ascii_isalnum(c) || c == '_';
    if (kept) {
      slug.push_back(c);
    } else if (slug.empty() || slug.back() != '-') {
      slug.push_back('-');
    }
  }
  const size_t first = slug.find_first_not_of("-_");
  if (first == std::string::npos) return "";
  slug = slug.substr(first, slug.find_last_not_of("-_") - first + 1);
  if (slug.size() <= kBytesMax) return slug;
  const size_t dash = slug.rfind('-', kBytesMax);
  return slug.substr(0, dash == std::string::npos ? kBytesMax : dash);
}

}  // namespace leidang::generators
