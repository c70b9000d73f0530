#include "common/match/wildmatch.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"

namespace leidang::match {

namespace {

// kGiveUp: no later start of the text can match either. kToDoublestar: not before the text's next
// `/`.
enum class Result { kNo, kYes, kGiveUp, kToDoublestar };

bool InPosixClass(absl::string_view name, unsigned char c, Case letter_case, bool* known) {
  *known = true;
  if (name == "alnum") return absl::ascii_isalnum(c);
  if (name == "alpha") return absl::ascii_isalpha(c);
  if (name == "blank") return c == ' ' || c == '\t';
  if (name == "cntrl") return absl::ascii_iscntrl(c);
  if (name == "digit") return absl::ascii_isdigit(c);
  if (name == "graph") return absl::ascii_isgraph(c);
  if (name == "lower") return absl::ascii_islower(c);
  if (name == "print") return absl::ascii_isprint(c);
  if (name == "punct") return absl::ascii_ispunct(c);
  if (name == "space") return absl::ascii_isspace(c);
  if (name == "upper")
    return absl::ascii_isupper(c) || (letter_case == Case::kIgnored && absl::ascii_islower(c));
  if (name == "xdigit") return absl::ascii_isxdigit(c);
  *known = false;
  return false;
}

class Matching {
 public:
  Matching(absl::string_view pattern, absl::string_view text, Slashes slashes, Case letter_case)
      : pattern_(pattern), text_(text), slashes_(slashes), case_(letter_case) {}

  Result Run(size_t p, size_t t) {
    const size_t start = p;
    for (; p < pattern_.size(); ++p, ++t) {
      if (steps_ == 0) return Result::kGiveUp;
      --steps_;
      const unsigned char want = pattern_[p];
      if (t >= text_.size() && want != '*') return Result::kGiveUp;
      switch (want) {
        case '?':
          if (slashes_ == Slashes::kSeparate && text_[t] == '/') return Result::kNo;
          break;
        case '*': {
          const std::optional<Result> result = Star(start, &p, &t);
          if (result.has_value()) return *result;
          break;
        }
        case '[': {
          const Result result = Class(&p, Text(t));
          if (result != Result::kYes) return result;
          break;
        }
        case '\\':
          if (Text(t) != Raw(++p)) return Result::kNo;
          break;
        default:
          if (Text(t) != Fold(want)) return Result::kNo;
      }
    }
    return t < text_.size() ? Result::kNo : Result::kYes;
  }

 private:
  unsigned char Fold(unsigned char c) const {
    return case_ == Case::kIgnored ? absl::ascii_tolower(c) : c;
  }
  unsigned char Text(size_t t) const { return t < text_.size() ? Fold(text_[t]) : 0; }
  // Escaped characters and those of a class are taken as they are written, even where case is
  // ignored.
  unsigned char Raw(size_t p) const { return p < pattern_.size() ? pattern_[p] : 0; }

  // At a star. nullopt: the star and what it takes are done with up to the `/` that both now stand
  // at.
  std::optional<Result> Star(size_t start, size_t* p, size_t* t) {
    const size_t first = *p;
    bool crosses = slashes_ == Slashes::kOrdinary;
    ++*p;
    if (Raw(*p) == '*') {
      while (Raw(*p) == '*') ++*p;
      const bool opens = first == start || pattern_[first - 1] == '/';
      const bool closes =
          *p >= pattern_.size() || Raw(*p) == '/' || (Raw(*p) == '\\' && Raw(*p + 1) == '/');
      if (slashes_ == Slashes::kSeparate && opens && closes) {
        if (Raw(*p) == '/' && Run(*p + 1, *t) == Result::kYes) return Result::kYes;
        crosses = true;
      }
    }
    if (*p >= pattern_.size()) {
      if (!crosses && text_.find('/', *t) != absl::string_view::npos) return Result::kToDoublestar;
      return Result::kYes;
    }
    if (!crosses && Raw(*p) == '/') {
      const size_t slash = text_.find('/', *t);
      if (slash == absl::string_view::npos) return Result::kGiveUp;
      *t = slash;
      return std::nullopt;
    }
    for (size_t at = *t;; ++at) {
      if (at >= text_.size()) return Result::kGiveUp;
      const Result result = Run(*p, at);
      if (result != Result::kNo) {
        if (!crosses || result != Result::kToDoublestar) return result;
      } else if (!crosses && text_[at] == '/') {
        return Result::kToDoublestar;
      }
    }
  }

  // At a `[`; leaves the place at its `]`.
  Result Class(size_t* p, unsigned char c) {
    ++*p;
    const bool negated = Raw(*p) == '^' || Raw(*p) == '!';
    if (negated) ++*p;
    bool taken = false;
    unsigned char previous = 0;
    do {
      unsigned char now = Raw(*p);
      if (*p >= pattern_.size()) return Result::kGiveUp;
      if (now == '\\') {
        now = Raw(++*p);
        if (*p >= pattern_.size()) return Result::kGiveUp;
        taken = taken || c == now;
      } else if (now == '-' && previous != 0 && Raw(*p + 1) != 0 && Raw(*p + 1) != ']') {
        now = Raw(++*p);
        if (now == '\\') {
          now = Raw(++*p);
          if (*p >= pattern_.size()) return Result::kGiveUp;
        }
        taken = taken || InRange(previous, now, c);
        now = 0;
      } else if (now == '[' && Raw(*p + 1) == ':') {
        const size_t name = *p + 2;
        const size_t end = pattern_.find(']', name);
        if (end == absl::string_view::npos) return Result::kGiveUp;
        if (end == name || pattern_[end - 1] != ':') {
          taken = taken || c == '[';
          now = '[';
        } else {
          bool known = false;
          taken = InPosixClass(pattern_.substr(name, end - 1 - name), c, case_, &known) || taken;
          if (!known) return Result::kGiveUp;
          *p = end;
          now = 0;
        }
      } else {
        taken = taken || c == now;
      }
      previous = now;
    } while (Raw(++*p) != ']');
    if (taken == negated || (slashes_ == Slashes::kSeparate && c == '/')) return Result::kNo;
    return Result::kYes;
  }

  bool InRange(unsigned char lo, unsigned char hi, unsigned char c) const {
    if (c >= lo && c <= hi) return true;
    const unsigned char upper = absl::ascii_toupper(c);
    return case_ == Case::kIgnored && absl::ascii_islower(c) && upper >= lo && upper <= hi;
  }

  const absl::string_view pattern_;
  const absl::string_view text_;
  const Slashes slashes_;
  const Case case_;
  uint64_t steps_ = 10'000'000;
};

}  // namespace

bool Wildmatch(absl::string_view pattern, absl::string_view text, Slashes slashes,
               Case letter_case) {
  return Matching(pattern, text, slashes, letter_case).Run(0, 0) == Result::kYes;
}

}  // namespace leidang::match
