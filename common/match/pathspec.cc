#include "common/match/pathspec.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"
#include "common/match/wildmatch.h"

namespace leidang::match {

namespace {

struct Magic {
  bool top = false;
  bool literal = false;
  bool glob = false;
  bool icase = false;
  bool exclude = false;
};

absl::Status ApplyWord(absl::string_view word, absl::string_view whole, Magic* magic) {
  if (word.empty()) return absl::OkStatus();
  if (word == "top") {
    magic->top = true;
  } else if (word == "literal") {
    magic->literal = true;
  } else if (word == "glob") {
    magic->glob = true;
  } else if (word == "icase") {
    magic->icase = true;
  } else if (word == "exclude") {
    magic->exclude = true;
  } else if (absl::StartsWith(word, "attr:")) {
    return absl::UnimplementedError(
        absl::StrCat("pathspec magic 'attr' in '", whole, "' is not supported"));
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("Invalid pathspec magic '", word, "' in '", whole, "'"));
  }
  return absl::OkStatus();
}

// `:(word,word)rest`. Returns the rest.
absl::StatusOr<absl::string_view> TakeLongMagic(absl::string_view whole, Magic* magic) {
  const size_t close = whole.find(')');
  if (close == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("Missing ')' at the end of pathspec magic in '", whole, "'"));
  }
  for (const absl::string_view word : absl::StrSplit(whole.substr(2, close - 2), ',')) {
    RETURN_IF_ERROR(ApplyWord(word, whole, magic));
  }
  return whole.substr(close + 1);
}

// `:!/rest`, `::rest`. Returns the rest.
absl::StatusOr<absl::string_view> TakeShortMagic(absl::string_view whole, Magic* magic) {
  constexpr absl::string_view kMagicCharacters = "!\"#%&',-/:;<=>@_`~";
  size_t i = 1;
  for (; i < whole.size() && whole[i] != ':'; ++i) {
    const char c = whole[i];
    if (c == '^' || c == '!') {
      magic->exclude = true;
    } else if (kMagicCharacters.find(c) == absl::string_view::npos) {
      break;
    } else if (c == '/') {
      magic->top = true;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("Unimplemented pathspec magic '", whole.substr(i, 1), "' in '", whole, "'"));
    }
  }
  if (i < whole.size() && whole[i] == ':') ++i;
  return whole.substr(i);
}

// Removes `.`, `..` and double slashes; a slash at the end stays.
absl::StatusOr<std::string> Normalised(absl::string_view path, absl::string_view whole) {
  const auto outside = [&] {
    return absl::InvalidArgumentError(absl::StrCat(whole, ": '", path, "' is outside repository"));
  };
  if (absl::StartsWith(path, "/")) return outside();
  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part == "..") {
      if (parts.empty()) return outside();
      parts.pop_back();
      continue;
    }
    parts.push_back(part);
  }
  std::string out = absl::StrJoin(parts, "/");
  const bool directory =
      absl::EndsWith(path, "/") || absl::EndsWith(path, "/.") || absl::EndsWith(path, "/..");
  if (directory && !out.empty()) out += '/';
  return out;
}

bool SameBytes(absl::string_view a, absl::string_view b, Case letter_case) {
  return letter_case == Case::kIgnored ? absl::EqualsIgnoreCase(a, b) : a == b;
}

}  // namespace

absl::StatusOr<Pathspec> Pathspec::Parse(absl::string_view text) {
  Magic magic;
  absl::string_view path = text;
  if (absl::StartsWith(text, ":(")) {
    ASSIGN_OR_RETURN(path, TakeLongMagic(text, &magic));
  } else if (absl::StartsWith(text, ":")) {
    ASSIGN_OR_RETURN(path, TakeShortMagic(text, &magic));
  }
  if (magic.literal && magic.glob) {
    return absl::InvalidArgumentError(
        absl::StrCat(text, ": 'literal' and 'glob' are incompatible"));
  }
  Pathspec spec;
  // From the top, Git takes the path as it is written.
  spec.text_ = std::string(path);
  if (!magic.top) {
    ASSIGN_OR_RETURN(spec.text_, Normalised(path, text));
  }
  spec.glob_ = magic.glob;
  spec.icase_ = magic.icase;
  spec.exclude_ = magic.exclude;
  const size_t special = spec.text_.find_first_of("*?[\\");
  spec.literal_bytes_ = magic.literal || special == std::string::npos ? spec.text_.size() : special;
  return spec;
}

bool Pathspec::Matches(absl::string_view path) const { return MatchesItem(path) != exclude_; }

bool Pathspec::MatchesItem(absl::string_view path) const {
  const absl::string_view text = text_;
  if (text.empty()) return true;
  const Case letter_case = icase_ ? Case::kIgnored : Case::kExact;
  if (text.size() <= path.size() && SameBytes(path.substr(0, text.size()), text, letter_case)) {
    if (text.size() == path.size() || text.back() == '/' || path[text.size()] == '/') return true;
  }
  if (literal_bytes_ == text.size()) return false;
  if (path.size() < literal_bytes_ ||
      !SameBytes(path.substr(0, literal_bytes_), text.substr(0, literal_bytes_), letter_case)) {
    return false;
  }
  return Wildmatch(text.substr(literal_bytes_), path.substr(literal_bytes_),
                   glob_ ? Slashes::kSeparate : Slashes::kOrdinary, letter_case);
}

}  // namespace leidang::match
