#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/conditions/reason.h"
#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "common/object/value.h"
#include "generators/expand.h"
#include "hub/control/fleet_snapshot.h"
#include "hub/control/pinned_git.h"
#include "hub/control/repositories.h"
#include "hub/control/source_resolver.h"
#include "hub/model/application.h"

namespace leidang::hub {

// Something that is wrong and that a person should see as a condition.
struct Problem {
  std::string type;  // From common/conditions/types.h.
  conditions::Reason reason = conditions::Reason::kInvalidSpec;
  std::string message;

  friend bool operator==(const Problem&, const Problem&) = default;
};

// One Application that its owner wants. Where `problem` is set it could not be resolved: it is
// still wanted, and whatever is assigned now stays as it is.
struct DesiredApplication {
  std::string key;  // "namespace/name".
  std::string project;
  std::string manifest;       // Canonical JSON of the whole Application.
  intent::ClusterId cluster;  // None if there is a problem with the destination.
  std::string body;           // Of the assignment.
  std::vector<intent::Source> sources;
  object::Sha256 content;  // Digest of body and sources (DerivedApplication::content).
  std::optional<Problem> problem;
  // What people should know although it could be resolved.
  std::vector<Problem> notices;
  // Its set leaves something of the Application that exists as it is, so that a fresh look, which
  // does not know that one, would give another.
  bool keeps_fields = false;
};

// What one owner wants, and what it was worked out from.
struct Expansion {
  std::vector<DesiredApplication> applications;  // Sorted by key, each once.
  std::vector<Problem> problems;                 // Of the owner as a whole.
  std::vector<std::string> warnings;
  std::set<GitInput>
      inputs;  // Everything that was asked for; what has no answer yet is being fetched.
  object::Sha256 inputs_digest;  // Of the commits that these stand for.
  WriteBatch content;            // What the sources need and the store may lack.
  size_t failed_parameter_sets = 0;
  // Inputs are missing: nothing may be concluded; expand again when they have come.
  bool incomplete = false;
  // Everything the owner wants is in `applications`: what is not there, it wants no more.
  bool may_delete = false;
};

// Who is expanded: an ApplicationSet, or one Application that somebody wrote directly.
struct ExpansionRequest {
  std::string key;                                        // "namespace/name".
  std::shared_ptr<const generators::ApplicationSet> set;  // Null for an Application.
  object::Value manifest;                                 // Of the set, or the Application.
  // What the last expansion asked for: if it is the same again, one pass is enough.
  std::set<GitInput> expected_inputs;
  std::shared_ptr<const FleetSnapshot> fleet;
  std::shared_ptr<const GitView> git;
  absl::Time pinned_at;
  // What the set has, sorted by key, without what has ended; nullptr: nothing.
  const std::vector<DerivedApplication>* current = nullptr;
};

// Works out what the owner wants. Reads Git objects and nothing else outside its arguments; runs on
// a worker. Each Application is resolved on its own: one that fails does not disturb the others.
Expansion Expand(const ExpansionRequest& request, GitListings& listings, SourceResolver& resolver);

}  // namespace leidang::hub
