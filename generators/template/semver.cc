#include "generators/template/semver.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "re2/re2.h"

#include "common/base/status_macros.h"
#include "generators/template/strconv.h"

namespace leidang::generators::gotmpl {
namespace {

#define LEIDANG_SEMVER_TAIL \
  "(-([0-9A-Za-z\\-]+(\\.[0-9A-Za-z\\-]+)*))?(\\+([0-9A-Za-z\\-]+(\\.[0-9A-Za-z\\-]+)*))?"
#define LEIDANG_SEMVER_WILD \
  "v?([0-9|x|X|\\*]+)(\\.[0-9|x|X|\\*]+)?(\\.[0-9|x|X|\\*]+)?" LEIDANG_SEMVER_TAIL
#define LEIDANG_SEMVER_OPS "=||!=|>|<|>=|=>|<=|=<|~|~>|\\^"

re2::StringPiece Piece(absl::string_view s) { return {s.data(), s.size()}; }
absl::string_view View(const re2::StringPiece& s) { return {s.data(), s.size()}; }

// The expressions of this file, compiled once.
struct Patterns {
  RE2 version{"^v?([0-9]+)(\\.[0-9]+)?(\\.[0-9]+)?" LEIDANG_SEMVER_TAIL "$"};
  RE2 constraint{"^\\s*(" LEIDANG_SEMVER_OPS ")\\s*(" LEIDANG_SEMVER_WILD ")\\s*$"};
  RE2 find{"(" LEIDANG_SEMVER_OPS ")\\s*(" LEIDANG_SEMVER_WILD ")"};
  RE2 range{"\\s*(" LEIDANG_SEMVER_WILD ")\\s+-\\s+(" LEIDANG_SEMVER_WILD ")\\s*"};
  RE2 valid{"^(\\s*(" LEIDANG_SEMVER_OPS ")\\s*(" LEIDANG_SEMVER_WILD
            ")\\s*)((?:\\s+|,\\s*)(" LEIDANG_SEMVER_OPS ")\\s*(" LEIDANG_SEMVER_WILD ")\\s*)*$"};
};

const Patterns& GetPatterns() {
  static const Patterns* const patterns = new Patterns();
  return *patterns;
}

using Groups = std::vector<re2::StringPiece>;

bool Match(const RE2& re, absl::string_view text, Groups* groups) {
  groups->assign(static_cast<size_t>(re.NumberOfCapturingGroups()) + 1, re2::StringPiece());
  return re.Match(Piece(text), 0, text.size(), RE2::UNANCHORED, groups->data(),
                  static_cast<int>(groups->size()));
}

absl::Status Bad(absl::string_view text) { return absl::InvalidArgumentError(text); }

bool AllDigits(absl::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

absl::Status CheckPrerelease(absl::string_view pre) {
  for (const absl::string_view part : absl::StrSplit(pre, '.')) {
    if (part.empty()) return Bad("invalid prerelease string");
    if (AllDigits(part)) {
      if (part.size() > 1 && part[0] == '0') return Bad("version segment starts with 0");
    } else if (!std::all_of(part.begin(), part.end(), [](char c) {
                 return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                        c == '-';
               })) {
      return Bad("invalid prerelease string");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckMetadata(absl::string_view metadata) {
  for (const absl::string_view part : absl::StrSplit(metadata, '.')) {
    const bool ok = !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-';
    });
    if (!ok) return Bad("invalid metadata string");
  }
  return absl::OkStatus();
}

absl::Status ReadSegment(absl::string_view text, uint64_t* value) {
  if (!text.empty() && text[0] == '.') text.remove_prefix(1);
  if (text.empty()) return absl::OkStatus();
  const auto parsed = go::ParseUint(text, 10);
  if (!parsed.ok()) {
    return Bad(absl::StrCat("error parsing version segment: strconv.ParseUint: parsing ",
                            go::Quote(text), ": value out of range"));
  }
  *value = parsed.value;
  return absl::OkStatus();
}

int Sign(uint64_t a, uint64_t b) { return a < b ? -1 : a > b ? 1 : 0; }

int ComparePart(absl::string_view a, absl::string_view b) {
  if (a == b) return 0;
  if (a.empty()) return -1;
  if (b.empty()) return 1;
  const auto x = go::ParseUint(a, 10), y = go::ParseUint(b, 10);
  if (!x.ok() && !y.ok()) return a > b ? 1 : -1;
  // Numbers come before words.
  if (!y.ok()) return -1;
  if (!x.ok()) return 1;
  return x.value > y.value ? 1 : -1;
}

int ComparePrerelease(absl::string_view a, absl::string_view b) {
  const std::vector<absl::string_view> x = absl::StrSplit(a, '.'), y = absl::StrSplit(b, '.');
  for (size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
    const int c = ComparePart(i < x.size() ? x[i] : absl::string_view(),
                              i < y.size() ? y[i] : absl::string_view());
    if (c != 0) return c;
  }
  return 0;
}

bool IsWild(absl::string_view s) {
  if (!s.empty() && s[0] == '.') s.remove_prefix(1);
  return s.empty() || s == "x" || s == "X" || s == "*";
}

// "1.2 - 3" means ">= 1.2, <= 3 ".
std::string RewriteRanges(absl::string_view text) {
  std::string out(text);
  absl::string_view rest = text;
  Groups groups;
  while (Match(GetPatterns().range, rest, &groups)) {
    const std::string range(View(groups[0]));
    const std::string plain = absl::StrCat(">= ", View(groups[1]), ", <= ", View(groups[11]), " ");
    const size_t at = out.find(range);
    if (at != std::string::npos) out.replace(at, range.size(), plain);
    rest.remove_prefix(static_cast<size_t>(groups[0].data() - rest.data()) + groups[0].size());
  }
  return out;
}

}  // namespace

absl::StatusOr<Version> Version::Parse(absl::string_view text) {
  Groups m;
  if (!Match(GetPatterns().version, text, &m)) return Bad("invalid semantic version");
  Version v;
  v.pre = std::string(View(m[5]));
  v.metadata = std::string(View(m[8]));
  v.original = std::string(text);
  RETURN_IF_ERROR(ReadSegment(View(m[1]), &v.major));
  RETURN_IF_ERROR(ReadSegment(View(m[2]), &v.minor));
  RETURN_IF_ERROR(ReadSegment(View(m[3]), &v.patch));
  if (!v.pre.empty()) RETURN_IF_ERROR(CheckPrerelease(v.pre));
  if (!v.metadata.empty()) RETURN_IF_ERROR(CheckMetadata(v.metadata));
  return v;
}

std::string Version::String() const {
  std::string out = absl::StrCat(major, ".", minor, ".", patch);
  if (!pre.empty()) absl::StrAppend(&out, "-", pre);
  if (!metadata.empty()) absl::StrAppend(&out, "+", metadata);
  return out;
}

int Version::Compare(const Version& o) const {
  if (const int c = Sign(major, o.major); c != 0) return c;
  if (const int c = Sign(minor, o.minor); c != 0) return c;
  if (const int c = Sign(patch, o.patch); c != 0) return c;
  if (pre.empty() && o.pre.empty()) return 0;
  if (pre.empty()) return 1;
  if (o.pre.empty()) return -1;
  return ComparePrerelease(pre, o.pre);
}

namespace {

// `next` with the text that it would have been read from.
Version Renamed(const Version& from, Version next) {
  const bool prefix = !from.original.empty() && from.original[0] == 'v';
  next.original = absl::StrCat(prefix ? "v" : "", next.String());
  return next;
}

Version Released(const Version& v, uint64_t major, uint64_t minor, uint64_t patch) {
  Version next;
  next.major = major;
  next.minor = minor;
  next.patch = patch;
  return Renamed(v, std::move(next));
}

}  // namespace

Version Version::IncMajor() const { return Released(*this, major + 1, 0, 0); }
Version Version::IncMinor() const { return Released(*this, major, minor + 1, 0); }
Version Version::IncPatch() const {
  return Released(*this, major, minor, pre.empty() ? patch + 1 : patch);
}

absl::StatusOr<Version> Version::WithPrerelease(absl::string_view text) const {
  if (!text.empty()) RETURN_IF_ERROR(CheckPrerelease(text));
  Version next = *this;
  next.pre = std::string(text);
  return Renamed(*this, std::move(next));
}

absl::StatusOr<Version> Version::WithMetadata(absl::string_view text) const {
  if (!text.empty()) RETURN_IF_ERROR(CheckMetadata(text));
  Version next = *this;
  next.metadata = std::string(text);
  return Renamed(*this, std::move(next));
}

absl::StatusOr<Constraints> Constraints::Parse(absl::string_view text) {
  const std::string plain = RewriteRanges(text);
  Constraints constraints;
  Groups groups;
  for (const absl::string_view part : absl::StrSplit(plain, "||")) {
    if (!Match(GetPatterns().valid, part, &groups))
      return Bad(absl::StrCat("improper constraint: ", part));
    Group group;
    for (absl::string_view rest = part; Match(GetPatterns().find, rest, &groups);) {
      ASSIGN_OR_RETURN(One one, ParseOne(View(groups[0])));
      group.has_pre |= !one.version.pre.empty();
      group.all.push_back(std::move(one));
      rest.remove_prefix(static_cast<size_t>(groups[0].data() - rest.data()) + groups[0].size());
    }
    constraints.any_.push_back(std::move(group));
  }
  return constraints;
}

absl::StatusOr<Constraints::One> Constraints::ParseOne(absl::string_view text) {
  Groups m;
  if (!Match(GetPatterns().constraint, text, &m))
    return Bad(absl::StrCat("improper constraint: ", text));
  One one;
  const absl::string_view op = View(m[1]);
  if (op == "!=") one.op = Op::kNotEqual;
  if (op == ">") one.op = Op::kGreater;
  if (op == "<") one.op = Op::kLess;
  if (op == ">=" || op == "=>") one.op = Op::kGreaterEqual;
  if (op == "<=" || op == "=<") one.op = Op::kLessEqual;
  if (op == "~" || op == "~>") one.op = Op::kTilde;
  if (op == "^") one.op = Op::kCaret;
  std::string version(View(m[2]));
  if (IsWild(View(m[3]))) {
    one.dirty = true;
    version = absl::StrCat("0.0.0", View(m[6]));
  } else if (IsWild(View(m[4]))) {
    one.dirty = one.minor_dirty = true;
    version = absl::StrCat(View(m[3]), ".0.0", View(m[6]));
  } else if (IsWild(View(m[5]))) {
    one.dirty = one.patch_dirty = true;
    version = absl::StrCat(View(m[3]), View(m[4]), ".0", View(m[6]));
  }
  absl::StatusOr<Version> parsed = Version::Parse(version);
  if (!parsed.ok()) return Bad("constraint parser error");
  one.version = *std::move(parsed);
  return one;
}

bool Constraints::Check(const Version& version) const {
  for (const Group& group : any_) {
    // A prerelease is meant only by constraints that name one.
    if (!version.pre.empty() && !group.has_pre) continue;
    if (std::all_of(group.all.begin(), group.all.end(),
                    [&](const One& one) { return Holds(one, version); })) {
      return true;
    }
  }
  return false;
}

namespace {

bool TildeHolds(const Version& c, const Version& v, bool minor_open, bool patch_open) {
  if (v.Compare(c) < 0) return false;
  // ~0.0.0 and ~* mean anything.
  if (c.major == 0 && c.minor == 0 && c.patch == 0 && !minor_open && !patch_open) return true;
  return v.major == c.major && (v.minor == c.minor || minor_open);
}

bool CaretHolds(const Version& c, const Version& v, bool minor_open, bool patch_open) {
  if (v.Compare(c) < 0) return false;
  if (c.major > 0 || minor_open) return v.major == c.major;
  if (v.major > 0) return false;
  if (c.minor > 0 || patch_open) return v.minor == c.minor;
  return v.minor == 0 && v.patch == c.patch;
}

}  // namespace

bool Constraints::Holds(const One& c, const Version& v) {
  const int order = v.Compare(c.version);
  switch (c.op) {
    case Op::kEqual:
      return c.dirty ? TildeHolds(c.version, v, c.minor_dirty, c.patch_dirty) : order == 0;
    case Op::kNotEqual:
      if (c.dirty) {
        if (v.major != c.version.major) return true;
        if (v.minor != c.version.minor && !c.minor_dirty) return true;
        if (c.minor_dirty) return false;
        if (v.patch != c.version.patch && !c.patch_dirty) return true;
        if (c.patch_dirty) {
          return (!v.pre.empty() || !c.version.pre.empty()) &&
                 ComparePrerelease(v.pre, c.version.pre) != 0;
        }
      }
      return order != 0;
    case Op::kGreater:
      if (!c.dirty) return order > 0;
      if (v.major != c.version.major) return v.major > c.version.major;
      if (c.minor_dirty) return false;
      if (c.patch_dirty) return v.minor > c.version.minor;
      return order > 0;
    case Op::kLess:
      return order < 0;
    case Op::kGreaterEqual:
      return order >= 0;
    case Op::kLessEqual:
      if (!c.dirty) return order <= 0;
      if (v.major > c.version.major) return false;
      return !(v.major == c.version.major && v.minor > c.version.minor && !c.minor_dirty);
    case Op::kTilde:
      return TildeHolds(c.version, v, c.minor_dirty, c.patch_dirty);
    case Op::kCaret:
      return CaretHolds(c.version, v, c.minor_dirty, c.patch_dirty);
  }
  return false;
}

TValue MakeVersion(GoType type, Version version) {
  return TValue::Boxed(type, new VersionBox(std::move(version)));
}
const Version& VersionOf(const TValue& v) {
  return static_cast<const VersionBox*>(v.box())->version;
}

}  // namespace leidang::generators::gotmpl
