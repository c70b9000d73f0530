#include "generators/template/regex.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "re2/re2.h"

#include "generators/template/unicode.h"

namespace leidang::generators::go {
namespace {

constexpr int kRepeatMax = 1000;

re2::StringPiece Piece(absl::string_view s) { return {s.data(), s.size()}; }

// Where the pattern that RE2 gets differs from the one that was written.
struct Rewritten {
  std::vector<size_t> inserted;
  std::vector<size_t> replaced;
};

// Go takes `(?<name>` for `(?P<name>`; this RE2 does not know it yet. Escapes, \Q…\E and classes
// are left alone. Go has no \C, for which `stand_in` is written.
std::string Rewrite(absl::string_view pattern, char stand_in, Rewritten* changes) {
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
      if (rest[1] == 'C' && !in_class) {
        changes->replaced.push_back(out.size() + 1);
        absl::StrAppend(&out, "\\", absl::string_view(&stand_in, 1));
      } else {
        absl::StrAppend(&out, rest.substr(0, length));
      }
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
      changes->inserted.push_back(out.size() + 2);
      out += "(?P<";
      i += 2;
      continue;
    }
    out.push_back(pattern[i]);
  }
  return out;
}

// An escape that nobody has and that `pattern` does not use.
char EscapeOfNobody(absl::string_view pattern) {
  for (const char c : {'8', '9', 'i', 'j', 'y', 'R', 'K', 'X', 'Y', 'Z'}) {
    if (!absl::StrContains(pattern, std::string({'\\', c}))) return c;
  }
  return '8';
}

// What RE2 complains about, as it was written.
std::string AsWritten(std::string arg, const std::string& rewritten, const Rewritten& changes) {
  const size_t at = rewritten.find(arg);
  if (at == std::string::npos) return arg;
  for (const size_t i : changes.replaced) {
    if (i >= at && i - at < arg.size()) arg[i - at] = 'C';
  }
  for (auto it = changes.inserted.rbegin(); it != changes.inserted.rend(); ++it) {
    if (*it >= at && *it - at < arg.size()) arg.erase(*it - at, 1);
  }
  return arg;
}

// "{2,3}" at the end, and a '?' behind it cut off; empty if there is none or if its counts are
// fine.
absl::string_view WrongRepeatCount(absl::string_view arg) {
  if (absl::EndsWith(arg, "?")) arg.remove_suffix(1);
  const size_t open = arg.rfind('{');
  if (!absl::EndsWith(arg, "}") || open == absl::string_view::npos) return {};
  const absl::string_view counts = arg.substr(open + 1, arg.size() - open - 2);
  const size_t comma = counts.find(',');
  const auto number = [](absl::string_view digits) {
    int n = 0;
    return absl::SimpleAtoi(digits, &n) ? n : kRepeatMax + 1;
  };
  const int min = number(counts.substr(0, comma));
  int max = min;
  if (comma != absl::string_view::npos) {
    max = comma + 1 == counts.size() ? kRepeatMax : number(counts.substr(comma + 1));
  }
  const bool fine = min <= max && max <= kRepeatMax;
  return fine ? absl::string_view() : arg.substr(open);
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

size_t Begin(absl::string_view text, const re2::StringPiece& group) {
  return static_cast<size_t>(group.data() - text.data());
}

// Where the character begins that byte `at` is the inside of; `at` itself if it is not inside of
// one.
size_t CharacterAt(absl::string_view text, size_t at) {
  for (size_t back = 1; back <= 3 && back <= at; ++back) {
    if (DecodeRune(text.substr(at - back)).width > back) return at - back;
  }
  return at;
}

bool MatchAt(const RE2& re, absl::string_view text, size_t at, Groups* groups) {
  for (;;) {
    if (!re.Match(Piece(text), at, text.size(), RE2::UNANCHORED, groups->data(),
                  static_cast<int>(groups->size()))) {
      return false;
    }
    // RE2 finds \B between the bytes of a character, Go does not.
    const size_t begin = Begin(text, (*groups)[0]);
    if (!(*groups)[0].empty() || begin == text.size()) return true;
    const size_t character = CharacterAt(text, begin);
    if (character == begin) return true;
    at = character + DecodeRune(text.substr(character)).width;
  }
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
  Rewritten changes;
  const std::string rewritten = Rewrite(pattern, EscapeOfNobody(pattern), &changes);
  auto compiled = std::make_shared<const Compiled>(rewritten, options, pattern.empty());
  if (compiled->re2.ok()) return Regex(std::move(compiled));
  std::string arg = AsWritten(compiled->re2.error_arg(), rewritten, changes);
  RE2::ErrorCode code = compiled->re2.error_code();
  if (code == RE2::ErrorRepeatSize || code == RE2::ErrorRepeatOp) {
    // Go looks at the counts before it looks at what they stand behind.
    if (const absl::string_view counts = WrongRepeatCount(arg); !counts.empty()) {
      arg = std::string(counts);
      code = RE2::ErrorRepeatSize;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("error parsing regexp: ", ErrorText(code), ": `", arg, "`"));
}

size_t Regex::size() const { return static_cast<size_t>(compiled_->re2.ProgramSize()); }

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
