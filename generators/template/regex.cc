#include "generators/template/regex.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "re2/re2.h"

#include "generators/template/unicode.h"

namespace leidang::generators::go {
namespace {

re2::StringPiece Piece(absl::string_view s) { return {s.data(), s.size()}; }

// Go takes `(?<name>` for `(?P<name>`; this RE2 does not know it yet. Escapes, \Q…\E and classes
// are left alone.
std::string RewriteNames(absl::string_view pattern, std::vector<size_t>* inserted) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const absl::string_view rest = pattern.substr(i);
    if (rest[0] == '\\' && rest.size() > 1) {
      size_t length = 2;
      if (rest[1] == 'Q' && !in_class) {
        const size_t end = rest.find("\\E");
        length = end == absl::string_view::npos ? rest.size() : end + 2;
      }
      absl::StrAppend(&out, rest.substr(0, length));
      i += length - 1;
      continue;
    }
    if (in_class) {
      if (rest[0] == ']') in_class = false;
      if (absl::StartsWith(rest, "[:")) {
        if (const size_t end = rest.find(":]"); end != absl::string_view::npos) {
          absl::StrAppend(&out, rest.substr(0, end + 2));
          i += end + 1;
          continue;
        }
      }
    } else if (rest[0] == '[') {
      in_class = true;
      // A bracket right behind the opening is a member.
      for (const absl::string_view start : {"[^]", "[]"}) {
        if (absl::StartsWith(rest, start)) {
          absl::StrAppend(&out, start.substr(0, start.size() - 1));
          i += start.size() - 1;
          break;
        }
      }
    } else if (absl::StartsWith(rest, "(?<")) {
      inserted->push_back(out.size() + 2);
      out += "(?P<";
      i += 2;
      continue;
    }
    out.push_back(pattern[i]);
  }
  return out;
}

absl::string_view ErrorText(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "regexp/syntax: internal error";
  }
}

// What stands behind a '$' in a replacement: a number or a name, and the text after it.
struct Reference {
  absl::string_view name;
  int number = -1;
  absl::string_view rest;
};

std::optional<Reference> ReadReference(absl::string_view text) {
  if (text.empty()) return std::nullopt;
  const bool brace = text[0] == '{';
  if (brace) text.remove_prefix(1);
  size_t i = 0;
  while (i < text.size()) {
    const Rune rune = DecodeRune(text.substr(i));
    if (!IsLetter(rune.code) && !IsDigit(rune.code) && rune.code != '_') break;
    i += rune.width;
  }
  if (i == 0) return std::nullopt;
  Reference reference;
  reference.name = text.substr(0, i);
  if (brace) {
    if (i >= text.size() || text[i] != '}') return std::nullopt;
    ++i;
  }
  int number = 0;
  for (const char c : reference.name) {
    if (c < '0' || c > '9' || number >= 100'000'000) {
      number = -1;
      break;
    }
    number = number * 10 + (c - '0');
  }
  if (reference.name[0] == '0' && reference.name.size() > 1) number = -1;
  reference.number = number;
  reference.rest = text.substr(i);
  return reference;
}

}  // namespace

struct Regex::Compiled {
  Compiled(const std::string& pattern, const RE2::Options& options, bool empty_pattern)
      : re2(pattern, options), empty(empty_pattern) {}
  const RE2 re2;
  const bool empty;
};

namespace {

using Groups = std::vector<re2::StringPiece>;

bool MatchAt(const RE2& re, absl::string_view text, size_t at, Groups* groups) {
  return re.Match(Piece(text), at, text.size(), RE2::UNANCHORED, groups->data(),
                  static_cast<int>(groups->size()));
}

size_t Begin(absl::string_view text, const re2::StringPiece& group) {
  return static_cast<size_t>(group.data() - text.data());
}

void Expand(const RE2& re, absl::string_view replacement, const Groups& groups, std::string* out) {
  while (!replacement.empty()) {
    const size_t dollar = replacement.find('$');
    if (dollar == absl::string_view::npos) break;
    absl::StrAppend(out, replacement.substr(0, dollar));
    replacement.remove_prefix(dollar + 1);
    if (!replacement.empty() && replacement[0] == '$') {
      out->push_back('$');
      replacement.remove_prefix(1);
      continue;
    }
    const std::optional<Reference> reference = ReadReference(replacement);
    if (!reference.has_value()) {
      out->push_back('$');
      continue;
    }
    replacement = reference->rest;
    int number = reference->number;
    if (number < 0) {
      const auto it = re.NamedCapturingGroups().find(std::string(reference->name));
      if (it == re.NamedCapturingGroups().end()) continue;
      number = it->second;
    }
    if (static_cast<size_t>(number) < groups.size()) {
      const re2::StringPiece& group = groups[static_cast<size_t>(number)];
      if (group.data() != nullptr) out->append(group.data(), group.size());
    }
  }
  absl::StrAppend(out, replacement);
}

template <typename Append>
absl::StatusOr<std::string> Replace(const RE2& re, absl::string_view text, size_t bytes_max,
                                    Append append) {
  std::string out;
  Groups groups(static_cast<size_t>(re.NumberOfCapturingGroups()) + 1);
  size_t last_end = 0;
  for (size_t pos = 0; pos <= text.size();) {
    if (!MatchAt(re, text, pos, &groups)) break;
    const size_t begin = Begin(text, groups[0]), end = begin + groups[0].size();
    absl::StrAppend(&out, text.substr(last_end, begin - last_end));
    // An empty match right behind the previous one does not count.
    if (end > last_end || begin == 0) append(groups, &out);
    if (out.size() > bytes_max)
      return absl::ResourceExhaustedError("the replaced text is too long");
    last_end = end;
    const size_t width = pos < text.size() ? DecodeRune(text.substr(pos)).width : 0;
    if (pos + width > end)
      pos += width;
    else if (pos + 1 > end)
      ++pos;
    else
      pos = end;
  }
  absl::StrAppend(&out, text.substr(last_end));
  return out;
}

}  // namespace

absl::StatusOr<Regex> Regex::Compile(absl::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(64 << 20);
  std::vector<size_t> inserted;
  const std::string rewritten = RewriteNames(pattern, &inserted);
  auto compiled = std::make_shared<const Compiled>(rewritten, options, pattern.empty());
  if (compiled->re2.ok()) return Regex(std::move(compiled));
  std::string arg = compiled->re2.error_arg();
  // The message shows the pattern as it was written.
  const size_t at = rewritten.find(arg);
  for (auto it = inserted.rbegin(); it != inserted.rend() && at != std::string::npos; ++it) {
    if (*it >= at && *it - at < arg.size()) arg.erase(*it - at, 1);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "error parsing regexp: ", ErrorText(compiled->re2.error_code()), ": `", arg, "`"));
}

bool Regex::Matches(absl::string_view text) const {
  return RE2::PartialMatch(Piece(text), compiled_->re2);
}

absl::string_view Regex::Find(absl::string_view text) const {
  Groups groups(1);
  if (!MatchAt(compiled_->re2, text, 0, &groups)) return absl::string_view();
  return {groups[0].data(), groups[0].size()};
}

std::vector<absl::string_view> Regex::FindAll(absl::string_view text, int64_t count) const {
  std::vector<absl::string_view> found;
  const uint64_t max = count < 0 ? text.size() + 1 : static_cast<uint64_t>(count);
  Groups groups(1);
  std::optional<size_t> previous_end;
  for (size_t pos = 0; found.size() < max && pos <= text.size();) {
    if (!MatchAt(compiled_->re2, text, pos, &groups)) break;
    const size_t begin = Begin(text, groups[0]), end = begin + groups[0].size();
    bool accept = true;
    if (end == pos) {
      // Empty: not right behind another match.
      if (previous_end == begin) accept = false;
      pos = pos < text.size() ? pos + DecodeRune(text.substr(pos)).width : text.size() + 1;
    } else {
      pos = end;
    }
    previous_end = end;
    if (accept) found.push_back(text.substr(begin, end - begin));
  }
  return found;
}

absl::StatusOr<std::string> Regex::ReplaceAll(absl::string_view text, absl::string_view replacement,
                                              size_t bytes_max) const {
  const RE2& re = compiled_->re2;
  return Replace(re, text, bytes_max, [&](const Groups& groups, std::string* out) {
    Expand(re, replacement, groups, out);
  });
}

absl::StatusOr<std::string> Regex::ReplaceAllLiteral(absl::string_view text,
                                                     absl::string_view replacement,
                                                     size_t bytes_max) const {
  return Replace(compiled_->re2, text, bytes_max,
                 [&](const Groups&, std::string* out) { absl::StrAppend(out, replacement); });
}

std::vector<std::string> Regex::Split(absl::string_view text, int64_t count) const {
  if (count == 0) return {};
  if (!compiled_->empty && text.empty()) return {""};
  std::vector<std::string> parts;
  size_t begin = 0, end = 0;
  for (const absl::string_view match : FindAll(text, count)) {
    if (count > 0 && parts.size() + 1 >= static_cast<uint64_t>(count)) break;
    end = static_cast<size_t>(match.data() - text.data());
    const size_t match_end = end + match.size();
    if (match_end != 0) parts.emplace_back(text.substr(begin, end - begin));
    begin = match_end;
  }
  if (end != text.size()) parts.emplace_back(text.substr(begin));
  return parts;
}

std::string QuoteMeta(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::string_view("\\.+*?()|[]{}^$").find(c) != absl::string_view::npos)
      out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace leidang::generators::go
