#pragma once

// Intent: what a hub wants one cluster to be, in the words that hub and agent share. One set of
// plain types for both ends of the link, so that their digests (common/proof) come from one
// function.
//
// A cluster's intent is a set of entries, at most one live Assignment for each EntryKey. It changes
// by Changes: a put of an Assignment, or a Tombstone, which is the only thing that deletes. Pure
// values; thread-compatible.

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/base/strong_id.h"
#include "common/object/sha256.h"

namespace leidang::intent {

struct ClusterIdTag {};
using ClusterId = Id128<ClusterIdTag>;
struct HubIdTag {};
using HubId = Id128<HubIdTag>;

// Tells a re-created namesake from the old one. Computed, so that every hub of a fleet arrives at
// the same one: see ComputeUid.
struct UidTag {};
using Uid = Id128<UidTag>;

// The number of a change in one cluster's change log; the first is 1, 0 means "nothing yet". (A Git
// revision is always called commit.)
using Revision = uint64_t;

// What an entry is about. The values are part of stored and sent data.
enum class EntryKind : uint8_t {
  kApplication = 1,  // One Application resolved for the cluster.
  kProject = 2,  // Limits and sync windows of an AppProject that the cluster's Applications name.
  kSettings =
      3,  // Health checks, ignore rules and other settings that the agent needs with the hub gone.
};

// Names an entry of a cluster's intent. `name` is "namespace/name" for an Application, the plain
// name otherwise.
struct EntryKey {
  EntryKind kind = EntryKind::kApplication;
  std::string name;

  // "application:leidang/cart", "project:default". The form that digests, logs and messages use.
  std::string ToString() const;
  static absl::StatusOr<EntryKey> FromString(absl::string_view text);

  friend auto operator<=>(const EntryKey&, const EntryKey&) = default;
};

// How a source becomes objects. The values are part of stored and sent data.
enum class Tool : uint8_t { kDirectory = 1, kKustomize = 2, kHelm = 3, kJsonnet = 4, kPlugin = 5 };
absl::string_view ToolName(Tool tool);

// One source of an Application, pinned: what to render is named by `tree` alone, the rest tells
// people where it came from.
struct Source {
  std::string repo_url;         // Without credentials.
  std::string target_revision;  // As written: branch, tag, SemVer range, …
  // What it was resolved to, 40 or 64 hex digits. A later commit with the same tree changes
  // nothing, so this is the one in which the tree was first seen.
  std::string commit;
  std::string path;  // Inside the tree; "." is the root of the repository.
  Tool tool = Tool::kDirectory;
  object::Sha256
      tree;  // Digest of the TreeManifest (docs/formats/content.md) of the source closure.

  friend bool operator==(const Source&, const Source&) = default;
};

// One entry as it shall be. `body` is canonical JSON: of an Application {"metadata":{…},"spec":{…}}
// with the name, namespace, labels, annotations and finalizers of its metadata; of a project its
// spec; of settings their value.
struct Assignment {
  EntryKey key;
  Uid uid;
  std::string body;
  std::vector<Source> sources;  // Empty unless an Application.

  friend bool operator==(const Assignment&, const Assignment&) = default;
};

// The values are part of stored and sent data.
enum class DeletionPolicy : uint8_t { kForeground = 1, kBackground = 2, kOrphan = 3 };

// The explicit, durable end of the entry `key` with that `uid`. A namesake with another uid is not
// meant.
struct Tombstone {
  EntryKey key;
  Uid uid;
  DeletionPolicy policy = DeletionPolicy::kForeground;

  friend bool operator==(const Tombstone&, const Tombstone&) = default;
};

struct Change {
  Revision revision = 0;
  std::variant<Assignment, Tombstone> what;

  const EntryKey& key() const;
  const Uid& uid() const;

  friend bool operator==(const Change&, const Change&) = default;
};

// The first 128 bits of SHA-256 over hub id, entry key and `deletions`, the count of earlier
// deletions of that key, each length-prefixed (docs/formats/digest.md).
Uid ComputeUid(const HubId& hub, const EntryKey& key, uint64_t deletions);

}  // namespace leidang::intent
