#pragma once

// The matchers that a Glob is compiled to; private to this room.
//
// A matcher answers two questions, and the defects of the dialect come from their differing: Match
// says whether it takes a whole text; Index finds the first place where it takes a part, and all
// lengths that it can take there. Positions and lengths are bytes, Length() counts runes.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace leidang::match::glob {

// What a match may cost. `broken` is set where the original would crash, or when the steps are used
// up.
struct Budget {
  uint64_t steps = 1'000'000;
  bool broken = false;

  bool Spend() {
    if (steps == 0) broken = true;
    if (broken) return false;
    --steps;
    return true;
  }
};

struct Found {
  ptrdiff_t index = -1;
  std::vector<size_t> lengths;  // Ascending.
};

enum class MatcherKind {
  kAny,
  kAnyOf,
  kContains,
  kEveryOf,
  kList,
  kMax,
  kMin,
  kNothing,
  kPrefix,
  kPrefixAny,
  kPrefixSuffix,
  kRange,
  kRow,
  kSingle,
  kSuffix,
  kSuffixAny,
  kSuper,
  kText,
  kTree,
};

struct Matcher {
  static constexpr int kNoLength = -1;

  MatcherKind kind = MatcherKind::kNothing;
  std::string text;             // Prefix, needle, suffix alone.
  std::string suffix;           // Of kPrefixSuffix.
  std::vector<char32_t> runes;  // Separators, or the characters of a list.
  bool negated = false;
  char32_t lo = 0;
  char32_t hi = 0;
  int limit = 0;  // Of kMin and kMax; the number of runes of kText and kRow.
  std::vector<std::shared_ptr<const Matcher>> parts;

  // Of kTree: `value` in the middle, null where a side has to be empty. The lengths are those the
  // sides had before they were simplified.
  std::shared_ptr<const Matcher> value;
  std::shared_ptr<const Matcher> left;
  std::shared_ptr<const Matcher> right;
  int left_length = 0;
  int right_length = 0;
  int tree_length = 0;

  bool Match(absl::string_view s, Budget* budget) const;
  Found Index(absl::string_view s, Budget* budget) const;
  int Length() const;
};

using MatcherPtr = std::shared_ptr<const Matcher>;

}  // namespace leidang::match::glob
