#include "common/match/doublestar.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/match/doublestar_parts.h"
#include "common/match/runes.h"

namespace leidang::match {

namespace {

constexpr uint64_t kStepsMax = 1'000'000;
constexpr char32_t kNoRune = 0x10FFFF;

enum class Result { kNo, kYes, kBad, kTooMuch };
enum class Validate { kNo, kYes };

size_t FindUnescaped(absl::string_view s, char c) {
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\') {
      ++i;
    } else if (s[i] == c) {
      return i;
    }
  }
  return absl::string_view::npos;
}

// The brace that closes one opened just before `s`.
size_t FindClosingBrace(absl::string_view s) {
  int depth = 1;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\') {
      ++i;
    } else if (s[i] == '{') {
      ++depth;
    } else if (s[i] == '}' && --depth == 0) {
      return i;
    }
  }
  return absl::string_view::npos;
}

// The next comma outside inner braces.
size_t FindComma(absl::string_view s) {
  int depth = 1;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\') {
      ++i;
    } else if (s[i] == '{') {
      ++depth;
    } else if (s[i] == '}') {
      --depth;
    } else if (s[i] == ',' && depth == 1) {
      return i;
    }
  }
  return absl::string_view::npos;
}

bool IsValid(absl::string_view s) {
  int depth = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    switch (s[i]) {
      case '\\':
        if (++i >= s.size()) return false;
        break;
      case '[': {
        if (++i >= s.size()) return false;
        if (s[i] == '^' || s[i] == '!') ++i;
        if (i >= s.size() || s[i] == ']') return false;
        const size_t close = FindUnescaped(s.substr(i), ']');
        if (close == absl::string_view::npos) return false;
        i += close;
        break;
      }
      case '{':
        ++depth;
        break;
      case '}':
        if (depth-- == 0) return false;
        break;
      default:
        break;
    }
  }
  return depth == 0;
}

// Calls `fn` with `before` + each alternative + `after` until one gives something else than kNo.
template <typename Fn>
Result ForEachAlternative(absl::string_view before, absl::string_view alternatives,
                          absl::string_view after, Fn fn) {
  while (true) {
    const size_t comma = FindComma(alternatives);
    const Result result = fn(absl::StrCat(before, alternatives.substr(0, comma), after));
    if (result != Result::kNo || comma == absl::string_view::npos) return result;
    alternatives.remove_prefix(comma + 1);
  }
}

// Whether what is left of a pattern can take the empty rest of a text.
Result TakesNothing(absl::string_view pattern, Validate validate, uint64_t* steps) {
  if ((*steps)-- == 0) {
    *steps = 0;
    return Result::kTooMuch;
  }
  if (pattern.empty() || pattern == "*" || pattern == "**" || pattern == "/**" ||
      pattern == "**/" || pattern == "/**/") {
    return Result::kYes;
  }
  if (pattern.front() == '{') {
    const size_t close = FindClosingBrace(pattern.substr(1));
    if (close == absl::string_view::npos) return Result::kBad;
    return ForEachAlternative(
        "", pattern.substr(1, close), pattern.substr(close + 2),
        [&](const std::string& p) { return TakesNothing(p, validate, steps); });
  }
  return validate == Validate::kYes && !IsValid(pattern) ? Result::kBad : Result::kNo;
}

// Where to go on after a difference: behind the last `*`, else behind the last `**/`.
struct Backtrack {
  ptrdiff_t pattern = -1;
  ptrdiff_t name = -1;
};

class Matching {
 public:
  Matching(absl::string_view name, Validate validate, uint64_t* steps)
      : name_(name), validate_(validate), steps_(steps) {}

  Result Run(absl::string_view pattern, size_t p, size_t n, Backtrack doublestar, Backtrack star) {
    pattern_ = pattern;
    p_ = p;
    n_ = n;
    doublestar_ = doublestar;
    star_ = star;
    segment_start_ = true;
    while (n_ < name_.size()) {
      if (*steps_ == 0) return Result::kTooMuch;
      --*steps_;
      if (p_ < pattern_.size()) {
        const Step step = TakeOne();
        if (step.done) return step.result;
        if (step.taken) continue;
      }
      if (!GoBack()) {
        const bool bad =
            validate_ == Validate::kYes && p_ < pattern_.size() && !IsValid(pattern_.substr(p_));
        return bad ? Result::kBad : Result::kNo;
      }
    }
    return TakesNothing(pattern_.substr(p_), validate_, steps_);
  }

 private:
  struct Step {
    bool taken = false;
    bool done = false;
    Result result = Result::kNo;
  };
  static Step Done(Result result) { return {false, true, result}; }

  Step TakeOne() {
    switch (pattern_[p_]) {
      case '*':
        return TakeStar();
      case '?': {
        segment_start_ = false;
        const Rune r = DecodeRune(name_.substr(n_));
        if (r.value == '/') return {};
        ++p_;
        n_ += r.width;
        return {true};
      }
      case '[':
        return TakeClass();
      case '{':
        return TakeBraces();
      case '\\':
        if (++p_ >= pattern_.size()) return Done(Result::kBad);
        [[fallthrough]];
      default: {
        const Rune want = DecodeRune(pattern_.substr(p_));
        const Rune have = DecodeRune(name_.substr(n_));
        if (want.value != have.value) {
          if (p_ > 0 && pattern_[p_ - 1] == '\\') --p_;
          return {};
        }
        p_ += want.width;
        n_ += have.width;
        segment_start_ = want.value == '/';
        return {true};
      }
    }
  }

  Step TakeStar() {
    if (++p_ < pattern_.size() && pattern_[p_] == '*') {
      ++p_;
      if (segment_start_) {
        if (p_ >= pattern_.size()) return Done(Result::kYes);
        if (pattern_[p_] == '/') {
          ++p_;
          doublestar_ = {static_cast<ptrdiff_t>(p_), static_cast<ptrdiff_t>(n_)};
          star_ = {};
          return {true};
        }
      }
    }
    segment_start_ = false;
    star_ = {static_cast<ptrdiff_t>(p_), static_cast<ptrdiff_t>(n_)};
    return {true};
  }

  Step TakeClass() {
    segment_start_ = false;
    if (++p_ >= pattern_.size()) return Done(Result::kBad);
    const Rune have = DecodeRune(name_.substr(n_));
    const bool negate = pattern_[p_] == '!' || pattern_[p_] == '^';
    if (negate) ++p_;
    if (p_ >= pattern_.size() || pattern_[p_] == ']') return Done(Result::kBad);
    if (InClass(have.value) == negate) return p_ >= pattern_.size() ? Done(Result::kBad) : Step{};
    const size_t close = FindUnescaped(pattern_.substr(std::min(p_, pattern_.size())), ']');
    if (close == absl::string_view::npos) return Done(Result::kBad);
    p_ += close + 1;
    n_ += have.width;
    return {true};
  }

  Rune NextInClass() {
    const Rune r = DecodeRune(pattern_.substr(std::min(p_, pattern_.size())));
    p_ += r.width;
    return r;
  }

  // Leaves the place behind the character or range that took the rune, or at the closing bracket.
  bool InClass(char32_t have) {
    char32_t last = kNoRune;
    while (p_ < pattern_.size() && pattern_[p_] != ']') {
      Rune want = NextInClass();
      if (last < kNoRune && want.value == '-' && p_ < pattern_.size() && pattern_[p_] != ']') {
        if (pattern_[p_] == '\\') ++p_;
        want = NextInClass();
        if (last <= have && have <= want.value) return true;
        last = kNoRune;
        continue;
      }
      if (want.value == '\\') want = NextInClass();
      if (want.value == have) return true;
      last = want.value;
    }
    return false;
  }

  Step TakeBraces() {
    const size_t before = p_;
    const size_t close = FindClosingBrace(pattern_.substr(p_ + 1));
    if (close == absl::string_view::npos) return Done(Result::kBad);
    const absl::string_view inner = pattern_.substr(p_ + 1, close);
    const absl::string_view after = pattern_.substr(p_ + close + 2);
    return Done(
        ForEachAlternative(pattern_.substr(0, before), inner, after, [&](const std::string& p) {
          Matching inside(name_, validate_, steps_);
          return inside.Run(p, before, n_, doublestar_, star_);
        }));
  }

  bool GoBack() {
    if (star_.pattern >= 0) {
      const Rune r = DecodeRune(name_.substr(static_cast<size_t>(star_.name)));
      if (r.value != '/') {
        star_.name += static_cast<ptrdiff_t>(r.width);
        p_ = static_cast<size_t>(star_.pattern);
        n_ = static_cast<size_t>(star_.name);
        segment_start_ = false;
        return true;
      }
    }
    if (doublestar_.pattern < 0) return false;
    const size_t slash = name_.find('/', static_cast<size_t>(doublestar_.name));
    if (slash == absl::string_view::npos || slash + 1 > name_.size()) return false;
    n_ = slash + 1;
    doublestar_.name = static_cast<ptrdiff_t>(n_);
    p_ = static_cast<size_t>(doublestar_.pattern);
    segment_start_ = true;
    return true;
  }

  const absl::string_view name_;
  const Validate validate_;
  uint64_t* const steps_;
  absl::string_view pattern_;
  size_t p_ = 0;
  size_t n_ = 0;
  Backtrack doublestar_;
  Backtrack star_;
  bool segment_start_ = true;
};

Result Match(absl::string_view pattern, absl::string_view name, Validate validate,
             uint64_t* steps) {
  return Matching(name, validate, steps).Run(pattern, 0, 0, {}, {});
}

absl::Status BadPattern() { return absl::InvalidArgumentError("syntax error in pattern"); }

absl::Status TooMuch(absl::string_view pattern) {
  return absl::ResourceExhaustedError(absl::StrCat("glob ", pattern, " needs more than ", kStepsMax,
                                                   " steps: use fewer braces and stars"));
}

}  // namespace

absl::StatusOr<bool> DoublestarMatch(absl::string_view pattern, absl::string_view name) {
  uint64_t steps = kStepsMax;
  switch (Match(pattern, name, Validate::kYes, &steps)) {
    case Result::kBad:
      return BadPattern();
    case Result::kTooMuch:
      return TooMuch(pattern);
    case Result::kYes:
      return true;
    case Result::kNo:
      return false;
  }
  return false;
}

namespace doublestar {

bool ValidPattern(absl::string_view pattern) { return IsValid(pattern); }

absl::StatusOr<bool> MatchName(absl::string_view pattern, absl::string_view name) {
  uint64_t steps = kStepsMax;
  switch (Match(pattern, name, Validate::kNo, &steps)) {
    case Result::kBad:
      return BadPattern();
    case Result::kTooMuch:
      return TooMuch(pattern);
    case Result::kYes:
      return true;
    case Result::kNo:
      return false;
  }
  return false;
}

size_t NextComma(absl::string_view alternatives) { return FindComma(alternatives); }

}  // namespace doublestar
}  // namespace leidang::match
