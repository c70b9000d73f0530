#include "hub/source/revision.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "hub/source/semver.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

constexpr char kHeads[] = "refs/heads/";
constexpr char kTags[] = "refs/tags/";
constexpr size_t kAbbreviationMin = 7;

bool IsHex(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
}

// The tag with the highest version that `constraint` allows; of equal versions the first by name.
std::optional<std::string> HighestTag(const RefMap& refs, const SemConstraint& constraint,
                                      absl::string_view prefix) {
  std::optional<std::string> best;
  SemVersion best_version;
  for (auto it = refs.lower_bound(kTags); it != refs.end(); ++it) {
    absl::string_view name = it->first;
    if (!absl::ConsumePrefix(&name, kTags)) break;
    if (!absl::ConsumePrefix(&name, prefix)) continue;
    std::optional<SemVersion> version = SemVersion::Parse(name);
    if (!version || !constraint.Allows(*version)) continue;
    if (best && SemVersion::Compare(*version, best_version) <= 0) continue;
    best = it->first;
    best_version = *std::move(version);
  }
  return best;
}

}  // namespace

absl::StatusOr<RevisionPick> PickRevision(const RefMap& refs, const Revision& revision,
                                          absl::string_view repository) {
  const std::string& text = revision.text;
  if (text.size() == 40 && IsHex(text)) {
    return RevisionPick{RevisionPick::Kind::kCommit, absl::AsciiStrToLower(text)};
  }
  if (text.empty() || text == "HEAD") return RevisionPick{RevisionPick::Kind::kHead, ""};

  bool is_constraint = false;
  const std::string prefix = absl::StartsWith(text, revision.tag_prefix) ? revision.tag_prefix : "";
  absl::string_view version_text = text;
  absl::ConsumePrefix(&version_text, prefix);
  if (!SemVersion::Parse(version_text)) {
    if (const auto constraint = SemConstraint::Parse(version_text)) {
      is_constraint = true;
      if (auto tag = HighestTag(refs, *constraint, revision.tag_prefix)) {
        return RevisionPick{RevisionPick::Kind::kReference, *std::move(tag)};
      }
    }
  }
  for (const std::string& name :
       {text, absl::StrCat("refs/", text), absl::StrCat(kHeads, text), absl::StrCat(kTags, text)}) {
    if (refs.contains(name)) return RevisionPick{RevisionPick::Kind::kReference, name};
  }
  if (text.size() >= kAbbreviationMin && text.size() < 40 && IsHex(text)) {
    return RevisionPick{RevisionPick::Kind::kAbbreviated, absl::AsciiStrToLower(text)};
  }
  return SourceError(
      SourceReason::kRevisionNotFound,
      is_constraint ? absl::StrCat(repository, ": no tag satisfies \"", text, "\"",
                                   revision.tag_prefix.empty()
                                       ? ""
                                       : absl::StrCat(" with prefix \"", revision.tag_prefix, "\""),
                                   "; push such a tag or change the revision")
                    : absl::StrCat(repository, ": there is no branch, tag or commit \"", text,
                                   "\"; check the revision's spelling"));
}

}  // namespace leidang::hub
