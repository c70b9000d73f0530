#pragma once

// What was decided or came from outside and cannot be computed again. Plain values; hub/ledger
// keeps them. What users wrote is in written.h.

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "common/object/sha256.h"

namespace leidang::hub {

// Who this hub is: drawn once, when the ledger is born; all hubs of one fleet have the same.
struct HubIdentity {
  intent::HubId id;
  absl::Time created_at;

  friend bool operator==(const HubIdentity&, const HubIdentity&) = default;
};

// The commit that a source of Git was resolved to. Expansions and assignments are computed from
// pins, so that they come out the same after a restart, with Git away.
struct GitPin {
  std::string url;       // As written, without credentials.
  std::string revision;  // As written: branch, tag, SemVer constraint, …
  std::string commit;
  absl::Time since;

  friend bool operator==(const GitPin&, const GitPin&) = default;
};

// What a fresh look at all owners would not arrive at: who holds an Application's name although an
// owner with a better claim wants it, or that an assignment stays although its owner no longer
// gives it (its generator fails, its set may not update, …). Kept only while that is so.
struct Holding {
  // An assignment that stays as it is.
  struct Kept {
    intent::ClusterId cluster;
    std::string project;
    std::string manifest;  // Canonical JSON of the Application.
    std::string body;      // Of the assignment.
    std::vector<intent::Source> sources;

    friend bool operator==(const Kept&, const Kept&) = default;
  };

  std::string key;    // "namespace/name" of the Application.
  std::string owner;  // "set leidang/shop", "application leidang/cart".
  std::optional<Kept> kept;

  friend bool operator==(const Holding&, const Holding&) = default;
};

// Whose deletions a brake counts together. The values are part of stored data.
enum class BrakeScope : uint8_t { kSet = 1, kCluster = 2, kConfiguration = 3 };

struct BrakeId {
  BrakeScope scope = BrakeScope::kSet;
  std::string key;  // Of the set; of a cluster its id in hex; empty for the configuration.

  friend auto operator<=>(const BrakeId&, const BrakeId&) = default;
};

// Stands for one deletion of one thing: the first half of SHA-256(name, line end, uid).
struct BrakeMarkTag {};
using BrakeMark = Id128<BrakeMarkTag>;

// What a brake has let pass within the last hour, what it holds, and what people decided about
// that.
struct Brake {
  struct Passed {
    absl::Time at;
    uint64_t number = 0;

    friend bool operator==(const Passed&, const Passed&) = default;
  };
  // Of one owner: the text of an OwnerKey, or "config".
  struct Part {
    std::set<BrakeMark> held;
    std::set<BrakeMark> approved;  // And not decided yet.

    friend bool operator==(const Part&, const Part&) = default;
  };

  BrakeId id;
  std::vector<Passed> passed;  // Oldest first.
  std::map<std::string, Part> parts;
  absl::Time held_since = absl::InfiniteFuture();
  object::Sha256 rejected;  // Digest of the list that somebody refused.
  std::string rejected_by;

  friend bool operator==(const Brake&, const Brake&) = default;
};

// How often entries of a key were deleted: the n of their uid (intent::ComputeUid). Kept only where
// it is not zero.
struct DeletionCount {
  // Text form of the EntryKey, "application:leidang/cart". Other entries than Applications may be
  // on many clusters at once, so theirs are counted for each: "project:default@<cluster id>".
  std::string entry_key;
  uint64_t deletions = 0;

  friend bool operator==(const DeletionCount&, const DeletionCount&) = default;
};

// A token that a person or a program shows at the API.
struct UserToken {
  object::Sha256 hash;
  std::string name;  // "admin", "ci".
  absl::Time created_at;
  absl::Time expires_at = absl::InfiniteFuture();
  absl::Time revoked_at = absl::InfiniteFuture();

  friend bool operator==(const UserToken&, const UserToken&) = default;
};

struct RevokedCertificate {
  std::string serial;  // Lower-case hex, without leading zeros.
  intent::ClusterId cluster;
  absl::Time revoked_at;
  std::string reason;

  friend bool operator==(const RevokedCertificate&, const RevokedCertificate&) = default;
};

struct OperationIdTag {};
using OperationId = Id128<OperationIdTag>;

// The values are part of stored data, and those of the link.
enum class OperationKind : uint8_t {
  kSync = 1,
  kRefresh = 2,
  kTerminate = 3,
  kDiff = 4,  // Questions: the message of the outcome is a JSON document.
  kHistory = 5,
};
enum class OperationState : uint8_t {
  kPending = 0,  // Not delivered yet.
  kAccepted = 1,
  kRunning = 2,
  kSucceeded = 3,
  kFailed = 4,
  kExpired = 5,
};

// How far an operation has come, beside its state. The values are part of stored data.
enum class Delivery : uint8_t {
  kUnknown = 0,   // A record of an earlier version: it may have been sent.
  kNotSent = 1,   // No agent can have it.
  kSent = 2,      // An agent may have it. Durable before it is sent.
  kAnswered = 3,  // The outcome is the agent's.
};

// Something that an agent is asked to do once; ends in a visible outcome, exactly one. If its time
// is over and the agent has not answered, that is what is shown, until it does.
struct OperationRecord {
  OperationId id;
  intent::ClusterId cluster;
  intent::EntryKey key;
  intent::Uid uid;
  OperationKind kind = OperationKind::kSync;
  OperationState state = OperationState::kPending;
  std::string parameters;  // JSON object.
  std::string requested_by;
  std::string message;  // Of the outcome.
  absl::Time requested_at;
  absl::Time expires_at;
  absl::Time ended_at = absl::InfiniteFuture();
  Delivery delivery = Delivery::kNotSent;

  friend bool operator==(const OperationRecord&, const OperationRecord&) = default;
};

}  // namespace leidang::hub
