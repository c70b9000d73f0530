#pragma once

// The brake of an Application: how much a sync may prune without being asked. Pure; thread-safe.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "agent/apply/sync_policy.h"
#include "common/object/key.h"
#include "common/object/sha256.h"

namespace leidang::agent {

struct BrakeQuestion {
  size_t wanted = 0;     // Objects that this sync would prune.
  size_t recent = 0;     // Objects that it pruned within the last hour, not counting approved ones.
  size_t inventory = 0;  // Objects that it has now.
  intent::DeletionLimit limit;  // Of the Application; by default more than 10 objects and more than
                                // half of them, or all of two or more.
};

// Why the deletions must wait for approval; empty if they need not. Ten small steps count as one
// large one: shares are of what there was an hour ago.
std::string HoldReason(const BrakeQuestion& question);

// Names the exact list of objects, in whatever order it comes: what an approval is of.
object::Sha256 DeletionListDigest(std::vector<object::ObjectKey> keys);

}  // namespace leidang::agent
