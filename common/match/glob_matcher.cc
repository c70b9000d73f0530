#include "common/match/glob_matcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

#include "common/match/runes.h"

namespace leidang::match::glob {

namespace {

constexpr size_t kNone = absl::string_view::npos;

bool Has(const std::vector<char32_t>& runes, char32_t rune) {
  return std::find(runes.begin(), runes.end(), rune) != runes.end();
}

size_t FindRune(absl::string_view s, char32_t rune) {
  if (rune == kRuneError) {
    for (size_t i = 0; i < s.size(); i += DecodeRune(s.substr(i)).width) {
      if (DecodeRune(s.substr(i)).value == kRuneError) return i;
    }
    return kNone;
  }
  std::string text;
  AppendRune(rune, &text);
  return s.find(text);
}

// The place of the first of `runes` (in their order, not in that of the text) that occurs at all.
size_t FindAnyRune(absl::string_view s, const std::vector<char32_t>& runes) {
  for (const char32_t r : runes) {
    if (const size_t i = FindRune(s, r); i != kNone) return i;
  }
  return kNone;
}

// Of a rune beyond ASCII it is the *first* place that counts.
size_t FindLastAnyRune(absl::string_view s, const std::vector<char32_t>& runes) {
  for (const char32_t r : runes) {
    const size_t i = r < 0x80 ? s.rfind(static_cast<char>(r)) : FindRune(s, r);
    if (i != kNone) return i;
  }
  return kNone;
}

// The start of each rune, and the end.
void AppendStarts(absl::string_view s, size_t offset, std::vector<size_t>* out) {
  for (size_t i = 0; i < s.size(); i += DecodeRune(s.substr(i)).width) out->push_back(offset + i);
  out->push_back(offset + s.size());
}

// The end of each rune. An invalid byte counts as wide as the U+FFFD that it reads as.
void AppendEnds(absl::string_view s, size_t offset, std::vector<size_t>* out) {
  for (size_t i = 0; i < s.size();) {
    const Rune r = DecodeRune(s.substr(i));
    out->push_back(offset + i + RuneLength(r.value));
    i += r.width;
  }
}

bool TakesRune(const Matcher& m, char32_t r) {
  switch (m.kind) {
    case MatcherKind::kList:
      return Has(m.runes, r) != m.negated;
    case MatcherKind::kRange:
      return (r >= m.lo && r <= m.hi) != m.negated;
    default:
      return !Has(m.runes, r);
  }
}

Found IndexOneRune(const Matcher& m, absl::string_view s) {
  for (size_t i = 0; i < s.size();) {
    const Rune r = DecodeRune(s.substr(i));
    if (TakesRune(m, r.value)) return {static_cast<ptrdiff_t>(i), {RuneLength(r.value)}};
    i += r.width;
  }
  return {};
}

bool RowTakes(const Matcher& m, absl::string_view s, Budget* budget) {
  size_t idx = 0;
  for (const MatcherPtr& part : m.parts) {
    if (!budget->Spend()) return false;
    const int length = part->Length();
    const absl::string_view rest = s.substr(idx);
    size_t next = 0;
    int i = 0;
    for (size_t at = 0; at < rest.size(); at += DecodeRune(rest.substr(at)).width) {
      next = at;
      ++i;
      if (i == length) break;
    }
    if (i < length) return false;
    if (next + 1 > rest.size()) {  // The original reads past the end.
      budget->broken = true;
      return false;
    }
    if (!part->Match(rest.substr(0, next + 1), budget)) return false;
    idx += next + 1;
  }
  return true;
}

Found IndexRow(const Matcher& m, absl::string_view s, Budget* budget) {
  for (size_t i = 0; i < s.size(); i += DecodeRune(s.substr(i)).width) {
    if (s.size() - i < static_cast<size_t>(m.limit)) break;
    if (RowTakes(m, s.substr(i), budget))
      return {static_cast<ptrdiff_t>(i), {static_cast<size_t>(m.limit)}};
    if (budget->broken) break;
  }
  return {};
}

Found IndexContains(const Matcher& m, absl::string_view s) {
  size_t offset = 0;
  const size_t idx = s.find(m.text);
  if (!m.negated) {
    if (idx == kNone) return {};
    offset = idx + m.text.size();
    if (s.size() <= offset) return {0, {offset}};
    s = s.substr(offset);
  } else if (idx != kNone) {
    s = s.substr(0, idx);
  }
  Found found{0, {}};
  AppendStarts(s, offset, &found.lengths);
  return found;
}

Found IndexPrefixSuffix(const Matcher& m, absl::string_view s) {
  const size_t at = s.find(m.text);
  if (at == kNone) return {};
  if (m.suffix.empty()) return {static_cast<ptrdiff_t>(at), {s.size() - at}};
  Found found{static_cast<ptrdiff_t>(at), {}};
  for (absl::string_view sub = s.substr(at);;) {
    const size_t i = sub.rfind(m.suffix);
    if (i == kNone) break;
    found.lengths.push_back(i + m.suffix.size());
    sub = sub.substr(0, i);
  }
  if (found.lengths.empty()) return {};
  std::reverse(found.lengths.begin(), found.lengths.end());
  return found;
}

Found IndexAnyOf(const Matcher& m, absl::string_view s, Budget* budget) {
  Found best;
  for (const MatcherPtr& part : m.parts) {
    Found f = part->Index(s, budget);
    if (f.index == -1 || (best.index != -1 && f.index > best.index)) continue;
    if (best.index == -1 || f.index < best.index) {
      best = std::move(f);
      continue;
    }
    std::vector<size_t> merged;
    std::set_union(best.lengths.begin(), best.lengths.end(), f.lengths.begin(), f.lengths.end(),
                   std::back_inserter(merged));
    best.lengths = std::move(merged);
  }
  return best;
}

Found IndexEveryOf(const Matcher& m, absl::string_view s, Budget* budget) {
  ptrdiff_t index = 0;
  ptrdiff_t offset = 0;
  std::vector<size_t> current;
  absl::string_view sub = s;
  for (size_t i = 0; i < m.parts.size(); ++i) {
    const Found f = m.parts[i]->Index(sub, budget);
    if (f.index == -1) return {};
    if (i == 0) {
      current = f.lengths;
    } else {
      std::vector<size_t> next;
      const ptrdiff_t delta = index - (f.index + offset);
      for (const size_t have : current) {
        for (const size_t n : f.lengths) {
          if (static_cast<ptrdiff_t>(have) + delta == static_cast<ptrdiff_t>(n)) next.push_back(n);
        }
      }
      if (next.empty()) return {};
      current = std::move(next);
    }
    index = f.index + offset;
    sub = s.substr(static_cast<size_t>(index));
    offset += f.index;
  }
  return {index, std::move(current)};
}

Found IndexMinMax(const Matcher& m, absl::string_view s) {
  Found found{0, {}};
  if (m.kind == MatcherKind::kMax) found.lengths.push_back(0);
  if (m.kind == MatcherKind::kMin && static_cast<ptrdiff_t>(s.size()) - m.limit + 1 <= 0) return {};
  int count = 0;
  for (size_t i = 0; i < s.size();) {
    const Rune r = DecodeRune(s.substr(i));
    ++count;
    if (m.kind == MatcherKind::kMax && count > m.limit) break;
    if (m.kind == MatcherKind::kMax || count >= m.limit)
      found.lengths.push_back(i + RuneLength(r.value));
    i += r.width;
  }
  if (found.lengths.empty()) return {};
  return found;
}

bool MatchTree(const Matcher& m, absl::string_view s, Budget* budget) {
  const ptrdiff_t size = static_cast<ptrdiff_t>(s.size());
  if (m.tree_length != Matcher::kNoLength && m.tree_length > size) return false;
  ptrdiff_t offset = std::max(m.left_length, 0);
  const ptrdiff_t limit = m.right_length >= 0 ? size - m.right_length : size;
  while (offset < limit) {
    if (!budget->Spend()) return false;
    const Found f = m.value->Index(
        s.substr(static_cast<size_t>(offset), static_cast<size_t>(limit - offset)), budget);
    if (f.index == -1) return false;
    const absl::string_view before = s.substr(0, static_cast<size_t>(offset + f.index));
    if (m.left != nullptr ? m.left->Match(before, budget) : before.empty()) {
      for (size_t i = f.lengths.size(); i-- > 0;) {
        const size_t end = before.size() + f.lengths[i];
        const absl::string_view after = s.size() <= end ? absl::string_view() : s.substr(end);
        if (m.right != nullptr ? m.right->Match(after, budget) : after.empty()) return true;
        if (!budget->Spend()) return false;
      }
    }
    offset += f.index + static_cast<ptrdiff_t>(DecodeRune(s.substr(before.size())).width);
  }
  return false;
}

Found IndexSuper(absl::string_view s) {
  Found found{0, {}};
  AppendStarts(s, 0, &found.lengths);
  return found;
}

Found IndexAny(const Matcher& m, absl::string_view s) {
  const size_t stop = FindAnyRune(s, m.runes);
  if (stop == 0) return {0, {0}};
  return IndexSuper(stop == kNone ? s : s.substr(0, stop));
}

Found IndexPrefix(const Matcher& m, absl::string_view s) {
  const size_t at = s.find(m.text);
  if (at == kNone) return {};
  absl::string_view sub = s.substr(at + m.text.size());
  if (m.kind == MatcherKind::kPrefixAny) {
    if (const size_t stop = FindAnyRune(sub, m.runes); stop != kNone) sub = sub.substr(0, stop);
  }
  Found found{static_cast<ptrdiff_t>(at), {m.text.size()}};
  AppendEnds(sub, m.text.size(), &found.lengths);
  return found;
}

Found IndexSuffixAny(const Matcher& m, absl::string_view s) {
  const size_t at = s.find(m.text);
  if (at == kNone) return {};
  const size_t stop = FindLastAnyRune(s.substr(0, at), m.runes);
  const size_t start = stop == kNone ? 0 : stop + 1;
  return {static_cast<ptrdiff_t>(start), {at + m.text.size() - start}};
}

}  // namespace

bool Matcher::Match(absl::string_view s, Budget* budget) const {
  if (!budget->Spend()) return false;
  const auto one_of = [&](const MatcherPtr& part) { return part->Match(s, budget); };
  switch (kind) {
    case MatcherKind::kAny:
      return FindAnyRune(s, runes) == kNone;
    case MatcherKind::kAnyOf:
      return std::any_of(parts.begin(), parts.end(), one_of);
    case MatcherKind::kEveryOf:
      return std::all_of(parts.begin(), parts.end(), one_of);
    case MatcherKind::kContains:
      return (s.find(text) != kNone) != negated;
    case MatcherKind::kList:
    case MatcherKind::kRange:
    case MatcherKind::kSingle: {
      const Rune r = DecodeRune(s);
      return s.size() <= r.width && TakesRune(*this, r.value);
    }
    case MatcherKind::kMax:
      return RuneCount(s) <= static_cast<size_t>(limit);
    case MatcherKind::kMin:
      return !s.empty() && RuneCount(s) >= static_cast<size_t>(limit);
    case MatcherKind::kNothing:
      return s.empty();
    case MatcherKind::kPrefix:
      return absl::StartsWith(s, text);
    case MatcherKind::kPrefixAny:
      return absl::StartsWith(s, text) && FindAnyRune(s.substr(text.size()), runes) == kNone;
    case MatcherKind::kPrefixSuffix:
      return absl::StartsWith(s, text) && absl::EndsWith(s, suffix);
    case MatcherKind::kRow:
      return RuneCount(s) == static_cast<size_t>(limit) && RowTakes(*this, s, budget);
    case MatcherKind::kSuffix:
      return absl::EndsWith(s, text);
    case MatcherKind::kSuffixAny:
      return absl::EndsWith(s, text) &&
             FindAnyRune(s.substr(0, s.size() - text.size()), runes) == kNone;
    case MatcherKind::kSuper:
      return true;
    case MatcherKind::kText:
      return s == text;
    case MatcherKind::kTree:
      return MatchTree(*this, s, budget);
  }
  return false;
}

Found Matcher::Index(absl::string_view s, Budget* budget) const {
  if (!budget->Spend()) return {};
  switch (kind) {
    case MatcherKind::kAny:
      return IndexAny(*this, s);
    case MatcherKind::kAnyOf:
      return IndexAnyOf(*this, s, budget);
    case MatcherKind::kEveryOf:
      return IndexEveryOf(*this, s, budget);
    case MatcherKind::kContains:
      return IndexContains(*this, s);
    case MatcherKind::kList:
    case MatcherKind::kRange:
    case MatcherKind::kSingle:
      return IndexOneRune(*this, s);
    case MatcherKind::kMax:
    case MatcherKind::kMin:
      return IndexMinMax(*this, s);
    case MatcherKind::kNothing:
      return {0, {0}};
    case MatcherKind::kPrefix:
    case MatcherKind::kPrefixAny:
      return IndexPrefix(*this, s);
    case MatcherKind::kPrefixSuffix:
      return IndexPrefixSuffix(*this, s);
    case MatcherKind::kRow:
      return IndexRow(*this, s, budget);
    case MatcherKind::kSuffix: {
      const size_t at = s.find(text);
      if (at == kNone) return {};
      return {0, {at + text.size()}};
    }
    case MatcherKind::kSuffixAny:
      return IndexSuffixAny(*this, s);
    case MatcherKind::kSuper:
      return IndexSuper(s);
    case MatcherKind::kText: {
      const size_t at = s.find(text);
      if (at == kNone) return {};
      return {static_cast<ptrdiff_t>(at), {text.size()}};
    }
    case MatcherKind::kTree:
      return {};
  }
  return {};
}

int Matcher::Length() const {
  switch (kind) {
    case MatcherKind::kList:
    case MatcherKind::kRange:
    case MatcherKind::kSingle:
      return 1;
    case MatcherKind::kNothing:
      return 0;
    case MatcherKind::kText:
    case MatcherKind::kRow:
      return limit;
    case MatcherKind::kTree:
      return tree_length;
    case MatcherKind::kEveryOf:
      return parts.empty() ? 0 : kNoLength;
    case MatcherKind::kAnyOf: {
      // An alternative without a length is forgotten as long as no earlier one had any.
      int length = kNoLength;
      for (const MatcherPtr& part : parts) {
        const int l = part->Length();
        if (length == kNoLength) {
          length = l;
        } else if (l != length) {
          return kNoLength;
        }
      }
      return length;
    }
    default:
      return kNoLength;
  }
}

}  // namespace leidang::match::glob
