#pragma once

// What the hub derives from what users wrote: expanded Applications and the state of the sets that
// produced them. Can be rebuilt from the ledger and Git. Plain values.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "hub/model/condition.h"

namespace leidang::hub {

// One Application as it stands: expanded from a set, or written directly (`set` is empty).
struct DerivedApplication {
  std::string key;  // "namespace/name", unique in the fleet.
  std::string set;  // "namespace/name" of the ApplicationSet that owns it; empty if none does.
  intent::Uid uid;
  intent::ClusterId cluster;  // Where its assignment lives; none while it has no destination.
  std::string project;
  std::string manifest;  // Canonical JSON of the whole Application.
  // Digest of the assignment's body and sources, so that a look that changes nothing sees it
  // without reading the assignment. All zero while there is none.
  object::Sha256 content;
  std::vector<Condition> conditions;

  friend bool operator==(const DerivedApplication&, const DerivedApplication&) = default;
};

// What the last expansion of a set came to.
struct SetState {
  std::string key;        // "namespace/name".
  object::Sha256 inputs;  // Digest of the pinned inputs of the last good expansion.
  uint64_t engine_level = 0;
  absl::Time expanded_at;
  std::vector<Condition> conditions;

  friend bool operator==(const SetState&, const SetState&) = default;
};

}  // namespace leidang::hub
