#pragma once

// Semantic versions and constraints over them, as Argo CD reads a `targetRevision`
// (Masterminds/semver 3.4 with coercion): `1.x`, `>=1.2 <2`, `~1.2.3`, `^2`, `1.2 - 1.4`,
// `!=1.3.0`, `1.x || 3.x`, `*`.
//
// A pre-release satisfies a group of constraints only if the group names a pre-release itself.
// Build metadata is ignored. Checked against facts taken from the original (semver_facts.txt).
//
// Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace leidang::hub {

struct SemVersion {
  uint64_t major = 0;
  uint64_t minor = 0;
  uint64_t patch = 0;
  std::string pre;  // "rc.1" of "1.2.3-rc.1"; empty for a release.

  // "1.2.3", "v1.2", "1", "1.2.3-rc.1+build": missing numbers are 0. nullopt for anything else.
  static std::optional<SemVersion> Parse(absl::string_view text);

  // By precedence: negative, 0 or positive.
  static int Compare(const SemVersion& a, const SemVersion& b);
};

class SemConstraint {
 public:
  // nullopt if `text` is no constraint (and so is an ordinary reference name). A plain version is a
  // constraint too: ask SemVersion::Parse first where the two must differ.
  static std::optional<SemConstraint> Parse(absl::string_view text);

  bool Allows(const SemVersion& version) const;

 private:
  enum class Op { kEqual, kNotEqual, kGreater, kLess, kGreaterEqual, kLessEqual, kTilde, kCaret };

  // How much of the version was written: `2` leaves minor and patch open, `*` leaves all open.
  enum class Open { kNothing, kPatch, kMinor, kAll };

  struct Term {
    Op op = Op::kEqual;
    SemVersion version;
    Open open = Open::kNothing;
  };

  struct Group {
    std::vector<Term> terms;  // All must hold.
    bool names_pre = false;
  };

  static std::optional<Group> ParseGroup(absl::string_view text);
  static bool TermAllows(const Term& term, const SemVersion& version);
  static bool TildeAllows(const Term& term, const SemVersion& version);
  static bool CaretAllows(const Term& term, const SemVersion& version);
  static bool Matches(const Term& term, const SemVersion& version);

  std::vector<Group> groups_;  // One must hold.
};

}  // namespace leidang::hub
