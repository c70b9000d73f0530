#include "hub/source/semver.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace leidang::hub {
namespace {

bool IsNumeric(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool IsIdentifierList(absl::string_view text) {
  for (const absl::string_view part : absl::StrSplit(text, '.')) {
    if (part.empty()) return false;
    for (const char c : part) {
      if (!absl::ascii_isalnum(c) && c != '-') return false;
    }
  }
  return true;
}

// A pre-release number has no leading zero.
bool IsPreRelease(absl::string_view text) {
  if (!IsIdentifierList(text)) return false;
  for (const absl::string_view part : absl::StrSplit(text, '.')) {
    if (IsNumeric(part) && part.size() > 1 && part[0] == '0') return false;
  }
  return true;
}

// The written parts of a version or of a version with wildcards.
struct Pieces {
  std::vector<absl::string_view> numbers;  // One to three, without the leading `v`.
  absl::string_view pre;
};

std::optional<Pieces> SplitVersion(absl::string_view text) {
  absl::ConsumePrefix(&text, "v");
  Pieces pieces;
  if (const size_t plus = text.find('+'); plus != absl::string_view::npos) {
    if (!IsIdentifierList(text.substr(plus + 1))) return std::nullopt;
    text = text.substr(0, plus);
  }
  if (const size_t dash = text.find('-'); dash != absl::string_view::npos) {
    pieces.pre = text.substr(dash + 1);
    if (!IsPreRelease(pieces.pre)) return std::nullopt;
    text = text.substr(0, dash);
  }
  pieces.numbers = absl::StrSplit(text, '.');
  if (pieces.numbers.size() > 3) return std::nullopt;
  return pieces;
}

int CompareIdentifiers(absl::string_view a, absl::string_view b) {
  const bool a_number = IsNumeric(a);
  const bool b_number = IsNumeric(b);
  if (a_number && b_number) {
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
    return a.compare(b);
  }
  if (a_number != b_number) return a_number ? -1 : 1;
  return a.compare(b);
}

int ComparePre(absl::string_view a, absl::string_view b) {
  if (a == b) return 0;
  if (a.empty()) return 1;  // A release follows its pre-releases.
  if (b.empty()) return -1;
  const std::vector<absl::string_view> as = absl::StrSplit(a, '.');
  const std::vector<absl::string_view> bs = absl::StrSplit(b, '.');
  for (size_t i = 0; i < std::min(as.size(), bs.size()); ++i) {
    if (const int order = CompareIdentifiers(as[i], bs[i]); order != 0) return order;
  }
  return as.size() < bs.size() ? -1 : (as.size() > bs.size() ? 1 : 0);
}

int CompareNumbers(uint64_t a, uint64_t b) { return a < b ? -1 : (a > b ? 1 : 0); }

bool IsWildcard(absl::string_view text) { return text == "x" || text == "X" || text == "*"; }

// Characters that may stand in a version with wildcards.
bool IsVersionCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '+' || c == '*';
}

// Takes the longest run of version characters off the front of `text`.
absl::string_view ConsumeVersion(absl::string_view* text) {
  size_t end = 0;
  while (end < text->size() && IsVersionCharacter((*text)[end])) ++end;
  const absl::string_view version = text->substr(0, end);
  text->remove_prefix(end);
  return version;
}

// `1.2 - 1.4` becomes `>=1.2 <=1.4`; a dash counts only between blanks.
std::optional<std::string> RewriteRanges(absl::string_view text) {
  std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \t\n\r"), absl::SkipEmpty());
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "-") return std::nullopt;
    if (!out.empty()) out += ' ';
    if (i + 2 < words.size() && words[i + 1] == "-") {
      out += ">=" + words[i] + " <=" + words[i + 2];
      i += 2;
    } else {
      out += words[i];
    }
  }
  return out;
}

}  // namespace

std::optional<SemVersion> SemVersion::Parse(absl::string_view text) {
  const std::optional<Pieces> pieces = SplitVersion(text);
  if (!pieces) return std::nullopt;
  SemVersion version;
  const std::array<uint64_t*, 3> slots = {&version.major, &version.minor, &version.patch};
  for (size_t i = 0; i < pieces->numbers.size(); ++i) {
    if (!IsNumeric(pieces->numbers[i])) return std::nullopt;
    if (!absl::SimpleAtoi(pieces->numbers[i], slots[i])) return std::nullopt;
  }
  version.pre = std::string(pieces->pre);
  return version;
}

int SemVersion::Compare(const SemVersion& a, const SemVersion& b) {
  if (const int order = CompareNumbers(a.major, b.major); order != 0) return order;
  if (const int order = CompareNumbers(a.minor, b.minor); order != 0) return order;
  if (const int order = CompareNumbers(a.patch, b.patch); order != 0) return order;
  return ComparePre(a.pre, b.pre);
}

std::optional<SemConstraint> SemConstraint::Parse(absl::string_view text) {
  SemConstraint constraint;
  const std::optional<std::string> rewritten = RewriteRanges(text);
  if (!rewritten) return std::nullopt;
  for (const absl::string_view part : absl::StrSplit(*rewritten, "||")) {
    std::optional<Group> group = ParseGroup(part);
    if (!group) return std::nullopt;
    constraint.groups_.push_back(*std::move(group));
  }
  return constraint;
}

std::optional<SemConstraint::Group> SemConstraint::ParseGroup(absl::string_view text) {
  static constexpr std::array<std::pair<const char*, Op>, 11> kOps = {{{"!=", Op::kNotEqual},
                                                                       {">=", Op::kGreaterEqual},
                                                                       {"=>", Op::kGreaterEqual},
                                                                       {"<=", Op::kLessEqual},
                                                                       {"=<", Op::kLessEqual},
                                                                       {"~>", Op::kTilde},
                                                                       {"=", Op::kEqual},
                                                                       {">", Op::kGreater},
                                                                       {"<", Op::kLess},
                                                                       {"~", Op::kTilde},
                                                                       {"^", Op::kCaret}}};
  Group group;
  text = absl::StripAsciiWhitespace(text);
  while (true) {
    Term term;
    for (const auto& [sign, op] : kOps) {
      if (absl::ConsumePrefix(&text, sign)) {
        term.op = op;
        break;
      }
    }
    text = absl::StripLeadingAsciiWhitespace(text);
    const std::optional<Pieces> pieces = SplitVersion(ConsumeVersion(&text));
    if (!pieces) return std::nullopt;
    const std::array<uint64_t*, 3> slots = {&term.version.major, &term.version.minor,
                                            &term.version.patch};
    const std::array<Open, 3> opens = {Open::kAll, Open::kMinor, Open::kPatch};
    for (size_t i = 0; i < 3; ++i) {
      const bool written = i < pieces->numbers.size();
      if (!written || IsWildcard(pieces->numbers[i])) {
        if (term.open == Open::kNothing) term.open = opens[i];
        continue;
      }
      if (!IsNumeric(pieces->numbers[i])) return std::nullopt;
      uint64_t number = 0;
      if (!absl::SimpleAtoi(pieces->numbers[i], &number)) return std::nullopt;
      if (term.open == Open::kNothing) *slots[i] = number;  // What follows a wildcard is ignored.
    }
    term.version.pre = std::string(pieces->pre);
    group.names_pre = group.names_pre || !term.version.pre.empty();
    group.terms.push_back(std::move(term));
    if (text.empty()) return group;
    // The next one follows a blank or a comma.
    const absl::string_view before = text;
    text = absl::StripLeadingAsciiWhitespace(text);
    absl::ConsumePrefix(&text, ",");
    text = absl::StripLeadingAsciiWhitespace(text);
    if (text == before) return std::nullopt;
  }
}

bool SemConstraint::Allows(const SemVersion& version) const {
  for (const Group& group : groups_) {
    if (!version.pre.empty() && !group.names_pre) continue;
    if (std::all_of(group.terms.begin(), group.terms.end(),
                    [&](const Term& term) { return TermAllows(term, version); })) {
      return true;
    }
  }
  return false;
}

// Equal in the parts that were written.
bool SemConstraint::Matches(const Term& term, const SemVersion& v) {
  const SemVersion& c = term.version;
  switch (term.open) {
    case Open::kNothing:
    case Open::kAll:  // The original compares `!=*` with 0.0.0.
      return SemVersion::Compare(v, c) == 0;
    case Open::kMinor:
      return v.major == c.major;
    case Open::kPatch:
      return v.major == c.major && v.minor == c.minor && v.pre == c.pre;
  }
  return false;
}

bool SemConstraint::TermAllows(const Term& term, const SemVersion& v) {
  const SemVersion& c = term.version;
  const int order = SemVersion::Compare(v, c);
  switch (term.op) {
    case Op::kEqual:
      return term.open == Open::kNothing ? order == 0 : TildeAllows(term, v);
    case Op::kNotEqual:
      return !Matches(term, v);
    case Op::kGreater:
      if (term.open == Open::kMinor) return v.major > c.major;
      if (term.open == Open::kPatch && v.major == c.major) return v.minor > c.minor;
      return order > 0;
    case Op::kLess:
      return order < 0;
    case Op::kGreaterEqual:
      return order >= 0;
    case Op::kLessEqual:
      if (term.open == Open::kNothing) return order <= 0;
      if (v.major > c.major) return false;
      return term.open == Open::kMinor || v.major < c.major || v.minor <= c.minor;
    case Op::kTilde:
      return TildeAllows(term, v);
    case Op::kCaret:
      return CaretAllows(term, v);
  }
  return false;
}

bool SemConstraint::TildeAllows(const Term& term, const SemVersion& v) {
  const SemVersion& c = term.version;
  if (SemVersion::Compare(v, c) < 0) return false;
  const bool zero = c.major == 0 && c.minor == 0 && c.patch == 0;
  if (zero && (term.open == Open::kNothing || term.open == Open::kAll)) return true;
  return v.major == c.major && (term.open == Open::kMinor || v.minor == c.minor);
}

bool SemConstraint::CaretAllows(const Term& term, const SemVersion& v) {
  const SemVersion& c = term.version;
  if (SemVersion::Compare(v, c) < 0) return false;
  if (c.major > 0 || term.open == Open::kMinor) return v.major == c.major;
  if (v.major > 0) return false;
  if (c.minor > 0 || term.open == Open::kPatch) return v.minor == c.minor;
  return v.minor == 0 && v.patch == c.patch;
}

}  // namespace leidang::hub
