#include "generators/template/go_strings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "generators/template/unicode.h"

namespace leidang::generators::go {

uint64_t CountText(absl::string_view text, absl::string_view part) {
  if (part.empty()) return RuneCount(text) + 1;
  uint64_t count = 0;
  for (size_t i = text.find(part); i != absl::string_view::npos;
       i = text.find(part, i + part.size()))
    ++count;
  return count;
}

std::string ReplaceAll(absl::string_view text, absl::string_view from, absl::string_view to) {
  if (from == to) return std::string(text);
  std::string out;
  if (from.empty()) {
    absl::StrAppend(&out, to);
    while (!text.empty()) {
      const size_t width = DecodeRune(text).width;
      absl::StrAppend(&out, text.substr(0, width), to);
      text.remove_prefix(width);
    }
    return out;
  }
  for (;;) {
    const size_t i = text.find(from);
    if (i == absl::string_view::npos) break;
    absl::StrAppend(&out, text.substr(0, i), to);
    text.remove_prefix(i + from.size());
  }
  absl::StrAppend(&out, text);
  return out;
}

std::vector<std::string> SplitText(absl::string_view text, absl::string_view separator,
                                   int64_t parts_max) {
  std::vector<std::string> parts;
  if (parts_max == 0) return parts;
  const uint64_t max = parts_max < 0 ? UINT64_MAX : static_cast<uint64_t>(parts_max);
  if (separator.empty()) {
    while (!text.empty() && parts.size() + 1 < max) {
      const size_t width = DecodeRune(text).width;
      parts.emplace_back(text.substr(0, width));
      text.remove_prefix(width);
    }
    if (!text.empty()) parts.emplace_back(text);
    return parts;
  }
  while (parts.size() + 1 < max) {
    const size_t i = text.find(separator);
    if (i == absl::string_view::npos) break;
    parts.emplace_back(text.substr(0, i));
    text.remove_prefix(i + separator.size());
  }
  parts.emplace_back(text);
  return parts;
}

absl::string_view TrimRunes(absl::string_view text, absl::string_view set) {
  const auto in_set = [set](uint32_t code) {
    for (absl::string_view rest = set; !rest.empty();) {
      const Rune rune = DecodeRune(rest);
      if (rune.code == code) return true;
      rest.remove_prefix(rune.width);
    }
    return false;
  };
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    if (!in_set(rune.code)) break;
    text.remove_prefix(rune.width);
  }
  while (!text.empty()) {
    const Rune rune = DecodeLastRune(text);
    if (!in_set(rune.code)) break;
    text.remove_suffix(rune.width);
  }
  return text;
}

std::string Abbreviate(absl::string_view text, int64_t offset, int64_t width) {
  const auto size = static_cast<int64_t>(text.size());
  if (size <= width) return std::string(text);
  offset = std::min(offset, size);
  if (size - offset < width - 3) offset = size - (width - 3);
  if (offset <= 4) return absl::StrCat(text.substr(0, static_cast<size_t>(width - 3)), "...");
  if (width < 7) return "";
  if (offset + width - 3 < size) {
    return "..." + Abbreviate(text.substr(static_cast<size_t>(offset)), 0, width - 3);
  }
  return absl::StrCat("...", text.substr(static_cast<size_t>(size - (width - 3))));
}

std::string Wrap(absl::string_view text, int64_t width_asked, absl::string_view separator,
                 LongWords long_words) {
  const auto width = static_cast<size_t>(std::max<int64_t>(width_asked, 1));
  std::string out;
  size_t offset = 0;
  while (text.size() - offset > width) {
    if (text[offset] == ' ') {
      ++offset;
      continue;
    }
    const size_t space = text.substr(offset, width + 1).rfind(' ');
    size_t end = 0;
    if (space != absl::string_view::npos) {
      end = offset + space;
    } else if (long_words == LongWords::kCut) {
      absl::StrAppend(&out, text.substr(offset, width), separator);
      offset += width;
      continue;
    } else {
      end = text.find(' ', offset + width);
      if (end == absl::string_view::npos) break;
    }
    absl::StrAppend(&out, text.substr(offset, end - offset), separator);
    offset = end + 1;
  }
  absl::StrAppend(&out, text.substr(offset));
  return out;
}

}  // namespace leidang::generators::go
