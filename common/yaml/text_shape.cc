#include "common/yaml/text_shape.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "common/base/check.h"
#include "common/base/utf8.h"

namespace leidang::yaml {
namespace {

constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Whether the character at the beginning needs no escape. Go's writer escapes all of four bytes.
bool IsPrintable(absl::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const size_t length = Utf8Length(text);
  if (length == 1) return text[0] == '\n' || (byte(0) >= 0x20 && byte(0) <= 0x7e);
  if (length == 2) return byte(0) > 0xc2 || byte(1) >= 0xa0;
  if (length != 3) return false;
  if (absl::StartsWith(text, kByteOrderMark)) return false;
  return !(byte(0) == 0xef && byte(1) == 0xbf && byte(2) >= 0xbe);
}

// Whether a plain text outside of brackets must not have `c` where it stands.
struct Neighbours {
  bool first = false;
  bool blank_before = false;
  bool blank_after = false;
};

bool IsIndicator(char c, const Neighbours& at) {
  if (at.first) {
    if (absl::string_view("#,[]{}&*!|>'\"%@`").find(c) != absl::string_view::npos) return true;
    return (c == '?' || c == ':' || c == '-') && at.blank_after;
  }
  return (c == ':' && at.blank_after) || (c == '#' && at.blank_before);
}

// The letter behind the backslash, or 0 if there is none for it.
char ShortEscape(uint32_t rune) {
  switch (rune) {
    case 0x00:
      return '0';
    case 0x07:
      return 'a';
    case 0x08:
      return 'b';
    case 0x09:
      return 't';
    case 0x0a:
      return 'n';
    case 0x0b:
      return 'v';
    case 0x0c:
      return 'f';
    case 0x0d:
      return 'r';
    case 0x1b:
      return 'e';
    case '"':
      return '"';
    case '\\':
      return '\\';
    case 0x85:
      return 'N';
    case 0xa0:
      return '_';
    case 0x2028:
      return 'L';
    case 0x2029:
      return 'P';
    default:
      return 0;
  }
}

uint32_t RuneAt(absl::string_view text, size_t length) {
  uint32_t rune = static_cast<uint8_t>(text[0]);
  if (length > 1) rune &= 0xffu >> (length + 1);
  for (size_t i = 1; i < length; ++i) rune = rune << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
  return rune;
}

void AppendEscape(uint32_t rune, std::string& out) {
  if (const char letter = ShortEscape(rune); letter != 0) {
    out.push_back('\\');
    out.push_back(letter);
  } else if (rune <= 0xff) {
    absl::StrAppendFormat(&out, "\\x%02X", rune);
  } else if (rune <= 0xffff) {
    absl::StrAppendFormat(&out, "\\u%04X", rune);
  } else {
    absl::StrAppendFormat(&out, "\\U%08X", rune);
  }
}

}  // namespace

bool IsBreak(absl::string_view text) {
  return absl::StartsWith(text, "\n") || absl::StartsWith(text, "\r") ||
         absl::StartsWith(text, "\xc2\x85") || absl::StartsWith(text, "\xe2\x80\xa8") ||
         absl::StartsWith(text, "\xe2\x80\xa9");
}

TextShape ShapeOf(absl::string_view text) {
  TextShape shape;
  if (text.empty()) {
    shape.literal_allowed = false;
    return shape;
  }
  bool indicators = absl::StartsWith(text, "---") || absl::StartsWith(text, "...");
  bool special = false;
  bool space_after_break = false;
  bool break_after_space = false;
  bool after_space = false;
  bool after_break = false;
  bool blank_before = true;
  for (size_t i = 0; i < text.size();) {
    const absl::string_view rest = text.substr(i);
    const size_t length = Utf8Length(rest);
    CHECK(length > 0);
    const bool at_end = i + length == text.size();
    const Neighbours at = {i == 0, blank_before, at_end || IsBlank(text[i + length])};
    indicators = indicators || IsIndicator(text[i], at);
    special = special || !IsPrintable(rest);
    const bool is_space = text[i] == ' ';
    const bool is_break = IsBreak(rest);
    shape.several_lines = shape.several_lines || is_break;
    if ((is_space || is_break) && (i == 0 || at_end)) shape.plain_allowed = false;
    if (is_space && at_end) shape.literal_allowed = false;
    space_after_break = space_after_break || (is_space && after_break);
    break_after_space = break_after_space || (is_break && after_space);
    after_space = is_space;
    after_break = is_break;
    blank_before = IsBlank(text[i]) || is_break || text[i] == '\0';
    i += length;
  }
  if (space_after_break || break_after_space || special) shape.single_quoted_allowed = false;
  if (break_after_space || special) shape.literal_allowed = false;
  if (!shape.single_quoted_allowed || shape.several_lines || indicators) {
    shape.plain_allowed = false;
  }
  return shape;
}

absl::string_view ChompingHint(absl::string_view text) {
  const auto take_last = [&text] {
    size_t at = text.size() - 1;
    while ((static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) --at;
    const bool is_break = IsBreak(text.substr(at));
    text = text.substr(0, at);
    return is_break;
  };
  if (text.empty() || !take_last()) return "-";
  return text.empty() || take_last() ? "+" : "";
}

// Go's writer looks for a byte order mark at the beginning only, and then escapes everything.
EscapedText::EscapedText(absl::string_view text) : all_(absl::StartsWith(text, kByteOrderMark)) {}

std::string EscapedText::Of(absl::string_view character) const {
  std::string out;
  if (all_ || !IsPrintable(character) || IsBreak(character) || character[0] == '"' ||
      character[0] == '\\') {
    AppendEscape(RuneAt(character, character.size()), out);
  } else {
    out.assign(character.data(), character.size());
  }
  return out;
}

bool IsBase60(absl::string_view text) {
  const auto skip_digits = [&text](absl::string_view more) {
    while (!text.empty() && (IsDigit(text[0]) || more.find(text[0]) != absl::string_view::npos)) {
      text.remove_prefix(1);
    }
  };
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  if (text.empty() || !IsDigit(text[0])) return false;
  skip_digits("_");
  size_t groups = 0;
  for (; text.size() >= 2 && text[0] == ':' && IsDigit(text[1]); ++groups) {
    // One digit, or two of which the first is at most 5.
    const bool two = text.size() >= 3 && text[1] <= '5' && IsDigit(text[2]);
    text.remove_prefix(two ? 3 : 2);
  }
  if (groups == 0) return false;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    skip_digits("_");
  }
  return text.empty();
}

}  // namespace leidang::yaml
