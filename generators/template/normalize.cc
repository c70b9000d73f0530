#include "generators/template/normalize.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "generators/template/unicode.h"
#include "generators/template/url.h"

namespace leidang::generators {
namespace {

constexpr size_t kNameMax = 253;

absl::string_view TrimAny(absl::string_view text, absl::string_view chars) {
  const size_t first = text.find_first_not_of(chars);
  if (first == absl::string_view::npos) return absl::string_view();
  return text.substr(first, text.find_last_not_of(chars) - first + 1);
}

bool IsNameChar(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

// `user@host:path` and `ssh://user@host/path`: something behind the last '@', neither '/' nor ':'
// in front of it.
bool IsSshUrl(absl::string_view url) {
  const absl::string_view rest = absl::StripPrefix(url, "ssh://");
  const size_t at = rest.rfind('@');
  if (at == absl::string_view::npos || at + 1 == rest.size()) return false;
  return rest.substr(0, at).find_first_of("/:") == absl::string_view::npos;
}

}  // namespace

std::string Normalize(absl::string_view name) {
  const std::string lower = go::ToLower(name);
  std::string out;
  absl::string_view rest = lower;
  while (!rest.empty()) {
    const go::Rune rune = go::DecodeRune(rest);
    out.push_back(IsNameChar(rune.code) ? static_cast<char>(rune.code) : '-');
    rest.remove_prefix(rune.width);
  }
  if (out.size() > kNameMax) out.resize(kNameMax);
  return std::string(TrimAny(out, "-."));
}

absl::StatusOr<std::string> Slugify(absl::string_view text, const SlugOptions& options) {
  // After Normalize all is ASCII already, so nothing is left to be transliterated.
  std::string slug = Normalize(text);
  const int64_t max = options.length_max;
  if (options.truncate == Truncate::kAnywhere) {
    if (max < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("runtime error: slice bounds out of range [:", max, "]"));
    }
    if (slug.size() >= static_cast<uint64_t>(max)) slug.resize(static_cast<size_t>(max));
  }
  std::string dashed;
  for (const char c : slug) {
    const char d = c == '.' ? '-' : c;
    if (d != '-' || dashed.empty() || dashed.back() != '-') dashed.push_back(d);
  }
  slug = std::string(TrimAny(dashed, "-_"));
  if (options.truncate == Truncate::kAtWord && max > 0 &&
      slug.size() > static_cast<uint64_t>(max)) {
    const size_t dash = slug.rfind('-', static_cast<size_t>(max));
    slug.resize(dash == std::string::npos ? static_cast<size_t>(max) : dash);
  }
  return slug;
}

std::string NormalizeGitUrl(absl::string_view url) {
  std::string repo = go::ToLower(go::TrimSpace(url));
  if (IsSshUrl(repo) && !absl::StartsWith(repo, "ssh://")) {
    // scp form: the first colon separates the path.
    const size_t colon = repo.find(':');
    if (colon != std::string::npos) repo[colon] = '/';
    repo = "ssh://" + repo;
  }
  const absl::StatusOr<go::Url> parsed = go::ParseUrl(absl::StripSuffix(repo, ".git"));
  if (!parsed.ok()) return "";
  return std::string(absl::StripPrefix(parsed->ToString(), "ssh://"));
}

bool SameGitUrl(absl::string_view a, absl::string_view b) {
  std::string left = NormalizeGitUrl(a), right = NormalizeGitUrl(b);
  // An invalid URL is the same as itself.
  if (left.empty()) left = std::string(a);
  if (right.empty()) right = std::string(b);
  return !left.empty() && left == right;
}

}  // namespace leidang::generators
