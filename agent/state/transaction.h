#pragma once

// What an agent's durable state holds, and the changes that one transaction makes to it. Plain
// values; thread-compatible.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

#include "common/base/strong_id.h"
#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/intent/status.h"
#include "common/object/key.h"
#include "common/object/sha256.h"

namespace leidang::agent {

// Whom the agent obeys, and how far it has followed.
struct Allegiance {
  intent::Authority authority;  // authority.hub.IsNone(): nobody yet.
  uint64_t session_epoch = 0;   // Highest seen under that authority; only its sessions are obeyed.
  intent::Revision revision =
      0;  // Every change up to here is held durably. 0 under a new authority
          // until a comparison has ended or the first changes came.

  friend bool operator==(const Allegiance&, const Allegiance&) = default;
};

// One incarnation of an entry: a re-created namesake is another one.
struct EntryRef {
  intent::EntryKey key;
  intent::Uid uid;

  std::string ToString() const;  // "application:leidang/cart (0123…)"
  friend auto operator<=>(const EntryRef&, const EntryRef&) = default;
};

// What the agent has to do about an entry. The values are part of stored data.
enum class EntryPhase : uint8_t {
  // Part of the intent: make the cluster equal to it. At most one of a key.
  kLive = 1,
  // A tombstone came: carry it out, then FinishDeletion. An entry of which the agent holds only the
  // tombstone
  // (it never had the assignment, or lost it) has none, and may still have objects in the cluster.
  kDeleting = 2,
  // Unclaimed: the hub does not know it, or a namesake with another uid took its place without a
  // tombstone for this
  // one. Kept with all its objects and corrected as before, but pruned of nothing, and reported.
  // Only a tombstone
  // that names its uid, or a put that claims it again, changes that.
  kUnclaimed = 3,
};

// An entry without its body: cheap to list.
struct EntryHead {
  EntryRef ref;
  EntryPhase phase = EntryPhase::kLive;
  uint64_t epoch = 0;             // Of the authority under which it came last.
  intent::Revision revision = 0;  // Of the change that brought it last, in that epoch.
  object::Sha256
      element;  // Digest of the assignment (docs/formats/digest.md); none if there is none.
  // The element that the last successful sync applied and that shows no drift since; none
  // otherwise.
  object::Sha256 applied;

  friend bool operator==(const EntryHead&, const EntryHead&) = default;
};

struct Entry {
  EntryHead head;
  std::optional<intent::Assignment>
      assignment;  // Always, but for kDeleting entries that never had one.
  intent::DeletionPolicy policy = intent::DeletionPolicy::kForeground;  // Of kDeleting entries.
  std::string note;  // What the reconciler remembers about it; opaque here.

  friend bool operator==(const Entry&, const Entry&) = default;
};

// One object in the cluster that belongs to an entry. The two byte strings are opaque here.
struct InventoryItem {
  object::ObjectKey object;
  std::string object_uid;  // The API server's uid, or what stands for it.
  std::string hash;        // Of the owned fields as last applied.

  friend bool operator==(const InventoryItem&, const InventoryItem&) = default;
};

// A status with the number that its storing gave it: a later status of the same entry has a larger
// one.
struct NumberedStatus {
  uint64_t number = 0;
  intent::EntryStatus status;

  friend bool operator==(const NumberedStatus&, const NumberedStatus&) = default;
};

struct OperationIdTag {};
using OperationId = Id128<OperationIdTag>;

// The values are part of stored data and those of the link.
enum class OperationKind : uint8_t {
  kSync = 1,
  kRefresh = 2,
  kTerminate = 3,
  kDiff = 4,  // Questions: the message of the outcome is a JSON document.
  kHistory = 5,
};
enum class OperationState : uint8_t {
  kAccepted = 1,
  kRunning = 2,
  kSucceeded = 3,
  kFailed = 4,
  kExpired = 5
};

// True for states that nothing follows.
bool IsFinal(OperationState state);

// A request of a person or tool, received once and kept until its outcome has been acknowledged by
// the hub.
struct OperationRecord {
  OperationId id;
  EntryRef entry;
  OperationKind kind = OperationKind::kSync;
  std::string parameters;  // JSON object.
  absl::Time expires;      // Receipt, by this agent's clock, and the lifetime that the hub gave.
  OperationState state = OperationState::kAccepted;
  std::string message;

  friend bool operator==(const OperationRecord&, const OperationRecord&) = default;
};

// --- Changes. A transaction is made of these; they take effect in order, all or none. ---

// Obeys `authority`, whose session has `session_epoch`. kFailedPrecondition unless
// intent::MayObey(Compare(held, authority)), and, under the same authority, unless session_epoch is
// above the held one. A new authority begins at revision 0; entries are kept.
struct Obey {
  intent::Authority authority;
  uint64_t session_epoch = 0;
};

// A person at this cluster accepts `hub`, whatever is held: any authority of it counts as newer
// from then on, and entries count as brought at epoch 0, revision 0, as positions compare within
// one hub's history only.
struct TrustHub {
  intent::HubId hub;
};

enum class Comparison : uint8_t {
  kNone,  // The log after `from`, which must be the held revision.
  kPart,  // Of a comparison by digests: moves no revision.
  kLast,  // Ends the comparison: `to` becomes the revision.
};

// Takes over changes of the log. kFailedPrecondition, and nothing is changed, unless authority and
// session_epoch are exactly the held ones and, without comparison, `from` is the held revision;
// kInvalidArgument if revisions do not ascend within from < revision <= to (in a comparison: if
// they do not ascend).
//
// A put makes its entry live; a live namesake with another uid becomes unclaimed. A tombstone turns
// the entry of exactly its uid into kDeleting, and is kept even if there is no such entry. A change
// that is not newer, by (epoch, revision), than the one that its entry holds is skipped, as is a
// put for an entry that is being deleted: a uid does not come back. `unclaimed` names live entries
// that the hub does not know.
struct Receive {
  intent::Authority authority;
  uint64_t session_epoch = 0;
  intent::Revision from = 0;
  intent::Revision to = 0;
  std::vector<intent::Change> changes;
  std::vector<EntryRef> unclaimed;
  Comparison comparison = Comparison::kNone;
};

// A tombstone has been carried out: the entry and its inventory are removed. kFailedPrecondition
// unless it is kDeleting; kOk if it is not there. Put the status that says `gone` into the same
// transaction.
struct FinishDeletion {
  EntryRef entry;
};

// Objects go from one entry to another (both want them) by a removal and a put in one transaction.
// kFailedPrecondition if the entry is not there: an object without an entry would be pruned by
// nobody.
struct PutInventory {
  EntryRef entry;
  InventoryItem item;  // Replaces the one with the same object.
};
struct RemoveInventory {
  EntryRef entry;
  object::ObjectKey object;
};

// The cluster equals `element` of this entry, or, with none, does not (drift was seen, a sync
// failed). Ignored if the entry is not there: it ended meanwhile.
struct MarkApplied {
  EntryRef entry;
  object::Sha256 element;
};

// Replaces the note of the entry. Ignored if the entry is not there.
struct PutNote {
  EntryRef entry;
  std::string note;
};

// The current status of its entry, to be reported: replaces the former one, sent or not.
struct PutStatus {
  intent::EntryStatus status;
};

// The hub has stored this status. Ignored if a newer one took its place; a status that says `gone`
// is removed.
struct AcknowledgeStatus {
  EntryRef entry;
  uint64_t number = 0;
};

// The hub has lost statuses: all count as not acknowledged.
struct ReportAllStatus {};

// Inserts or replaces by id. kResourceExhausted beyond State::kOperationsMax.
struct PutOperation {
  OperationRecord operation;
};
struct RemoveOperation {
  OperationId id;
};

using Mutation = std::variant<Obey, TrustHub, Receive, FinishDeletion, PutInventory,
                              RemoveInventory, MarkApplied, PutNote, PutStatus, AcknowledgeStatus,
                              ReportAllStatus, PutOperation, RemoveOperation>;

using Transaction = std::vector<Mutation>;

}  // namespace leidang::agent
