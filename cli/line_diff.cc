#include "cli/line_diff.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace leidang::cli {
namespace {

constexpr size_t kContext = 3;
// Of the table: beyond it everything between the equal ends counts as changed.
constexpr size_t kCellsMax = 16u << 20;

using Lines = std::vector<absl::string_view>;

struct Edit {
  char mark = ' ';  // ' ', '-' or '+'
  absl::string_view line;
};

Lines LinesOf(absl::string_view text) {
  if (text.empty()) return {};
  return absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
}

// By the longest common subsequence of a[first..a_end) and b[first..b_end).
void AddMiddle(const Lines& a, const Lines& b, size_t first, size_t a_end, size_t b_end,
               std::vector<Edit>& edits) {
  const size_t rows = a_end - first + 1;
  const size_t columns = b_end - first + 1;
  const bool small = rows * columns <= kCellsMax;
  std::vector<uint32_t> longest(small ? rows * columns : 0);
  const auto at = [&](size_t i, size_t j) -> uint32_t& { return longest[i * columns + j]; };
  for (size_t i = rows - 1; small && i-- > 0;) {
    for (size_t j = columns - 1; j-- > 0;) {
      at(i, j) = a[first + i] == b[first + j] ? at(i + 1, j + 1) + 1
                                              : std::max(at(i + 1, j), at(i, j + 1));
    }
  }
  size_t i = 0;
  size_t j = 0;
  while (i + 1 < rows || j + 1 < columns) {
    const bool more_a = i + 1 < rows;
    const bool more_b = j + 1 < columns;
    if (small && more_a && more_b && a[first + i] == b[first + j]) {
      edits.push_back({' ', a[first + i]});
      ++i;
      ++j;
    } else if (more_a && (!more_b || !small || at(i + 1, j) >= at(i, j + 1))) {
      edits.push_back({'-', a[first + i++]});
    } else {
      edits.push_back({'+', b[first + j++]});
    }
  }
}

std::vector<Edit> EditsOf(const Lines& a, const Lines& b) {
  size_t first = 0;
  while (first < a.size() && first < b.size() && a[first] == b[first]) ++first;
  size_t tail = 0;
  while (tail < a.size() - first && tail < b.size() - first &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  std::vector<Edit> edits;
  for (size_t i = 0; i < first; ++i) edits.push_back({' ', a[i]});
  AddMiddle(a, b, first, a.size() - tail, b.size() - tail, edits);
  for (size_t i = a.size() - tail; i < a.size(); ++i) edits.push_back({' ', a[i]});
  return edits;
}

// How many lines of each side come before edit `index`.
std::string Header(const std::vector<Edit>& edits, size_t from, size_t to) {
  size_t a = 0;
  size_t b = 0;
  size_t a_count = 0;
  size_t b_count = 0;
  for (size_t i = 0; i < to; ++i) {
    const bool in_a = edits[i].mark != '+';
    const bool in_b = edits[i].mark != '-';
    (i < from ? a : a_count) += in_a ? 1 : 0;
    (i < from ? b : b_count) += in_b ? 1 : 0;
  }
  const auto range = [](size_t start, size_t count) {
    return absl::StrCat(count == 0 ? start : start + 1, count == 1 ? "" : absl::StrCat(",", count));
  };
  return absl::StrCat("@@ -", range(a, a_count), " +", range(b, b_count), " @@\n");
}

}  // namespace

std::string LineDiff(absl::string_view before, absl::string_view after) {
  const Lines a = LinesOf(before);
  const Lines b = LinesOf(after);
  const std::vector<Edit> edits = EditsOf(a, b);
  std::string text;
  for (size_t i = 0; i < edits.size();) {
    if (edits[i].mark == ' ') {
      ++i;
      continue;
    }
    const size_t from = i > kContext ? i - kContext : 0;
    size_t to = i;  // One beyond the last change of the hunk.
    for (size_t j = i; j < edits.size() && j <= to + 2 * kContext; ++j) {
      if (edits[j].mark != ' ') to = j + 1;
    }
    const size_t end = std::min(to + kContext, edits.size());
    absl::StrAppend(&text, Header(edits, from, end));
    for (size_t j = from; j < end; ++j) {
      absl::StrAppend(&text, absl::string_view(&edits[j].mark, 1), edits[j].line, "\n");
    }
    i = end;
  }
  return text;
}

}  // namespace leidang::cli
