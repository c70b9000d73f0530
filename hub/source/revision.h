#pragma once

// What a `targetRevision` means among the references of a repository, in the order in which Argo CD
// decides:
//   40 hexadecimal digits                 that commit
//   "" or HEAD                            where the remote's HEAD leads
//   a SemVer constraint (`1.x`, `>=1 <2`) the highest tag that satisfies it, the prefix taken off;
//   never a branch.
//                                         If none does, the text is read on as a name
//   a name                                the branch, else the tag, of that short or full name
//   7 to 39 hexadecimal digits            the one commit that begins so
//
// Pure; thread-safe.

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "hub/source/git_types.h"

namespace leidang::hub {

// Every branch and tag of a repository: full name ("refs/heads/main") → id. An annotated tag's id
// is the tag's.
using RefMap = std::map<std::string, GitId>;

struct Revision {
  std::string text;        // As written by the user.
  std::string tag_prefix;  // Tags count as versions only with this prefix, which is taken off.
};

struct RevisionPick {
  enum class Kind { kHead, kReference, kCommit, kAbbreviated };
  Kind kind = Kind::kHead;
  std::string
      text;  // Full name of the reference, or hexadecimal digits in lower case; empty for kHead.
};

// RevisionNotFound, naming the nearest reason (no tag satisfies the constraint, no such branch or
// tag). `repository` is for the message.
absl::StatusOr<RevisionPick> PickRevision(const RefMap& refs, const Revision& revision,
                                          absl::string_view repository);

}  // namespace leidang::hub
