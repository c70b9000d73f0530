#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/intent/status.h"
#include "common/object/sha256.h"
#include "hub/model/application.h"
#include "hub/model/link_record.h"

namespace leidang::hub {

// The operations of a WriteBatch, in plain words. Made through its methods.
namespace op {

struct OpenLog {
  intent::ClusterId cluster;
  intent::Authority authority;
};
struct DropLog {
  intent::ClusterId cluster;
};
struct Put {
  intent::ClusterId cluster;
  intent::Assignment assignment;
};
struct Delete {
  intent::ClusterId cluster;
  intent::Tombstone tombstone;
};
struct Acked {
  intent::ClusterId cluster;
  intent::Authority authority;
  intent::Revision through = 0;
};
struct Gone {
  intent::ClusterId cluster;
  intent::EntryKey key;
  intent::Uid uid;
};
struct DropTombstones {
  intent::ClusterId cluster;
};
struct NextSessionEpoch {
  intent::ClusterId cluster;
  uint64_t above = 0;
};
struct PutApplication {
  DerivedApplication application;
};
struct DeleteApplication {
  std::string key;
};
struct PutSetState {
  SetState state;
};
struct DeleteSetState {
  std::string key;
};
struct PutStatus {
  intent::ClusterId cluster;
  intent::EntryStatus status;
  uint64_t unassigned_max = 0;
};
struct DeleteStatus {
  intent::ClusterId cluster;
  intent::EntryKey key;
  intent::Uid uid;
};
struct PutLink {
  LinkRecord link;
};
struct PutContent {
  object::Sha256 digest;
  std::string bytes;
};
struct DeleteContent {
  object::Sha256 digest;
};

using Any =
    std::variant<OpenLog, DropLog, Put, Delete, Acked, Gone, DropTombstones, NextSessionEpoch,
                 PutApplication, DeleteApplication, PutSetState, DeleteSetState, PutStatus,
                 DeleteStatus, PutLink, PutContent, DeleteContent>;

}  // namespace op

// Changes of derived data that take effect together or not at all, in the order in which they were
// added. A value; thread-compatible.
//
// A batch fails as a whole, and changes nothing, when one operation's REQUIRES does not hold: the
// commit's status is kFailedPrecondition, kOutOfRange or kNotFound and names the operation.
class WriteBatch {
 public:
  // Creates the cluster's log, or passes it to a newer authority: head and content stay, nothing
  // counts as acknowledged any more. No change if it is the same.
  // REQUIRES: not older and not foreign to what the log has (common/intent/authority.h).
  void OpenLog(const intent::ClusterId& cluster, const intent::Authority& authority);
  // Removes the log, its assignments, tombstones and statuses: the cluster is registered no more.
  // Nothing is told to the agent. No change if there is none.
  void DropLog(const intent::ClusterId& cluster);

  // Makes `assignment` the live one of its key. Gets the next revision, and no revision if the live
  // one has the same element.
  // REQUIRES: the log is open; no live assignment of the key with another uid (delete that first,
  // the same batch will do); no pending tombstone of this key and uid.
  void Put(const intent::ClusterId& cluster, intent::Assignment assignment);
  // Ends the entry with that key and uid; also where none is live, for what an agent holds
  // unclaimed. Gets the next revision unless such a tombstone with the same policy is pending.
  // REQUIRES: the log is open.
  void Delete(const intent::ClusterId& cluster, intent::Tombstone tombstone);

  // The agent holds everything up to `through` durably, under that authority. No change when the
  // log has another authority or is already further.
  // REQUIRES: the log is open; `through` is not above its head.
  void AckedThrough(const intent::ClusterId& cluster, const intent::Authority& authority,
                    intent::Revision through);
  // The agent holds nothing of this uid any more. The tombstone is forgotten once this is known and
  // it has been acknowledged, in either order (projects and settings: once acknowledged). No change
  // if no such tombstone is pending.
  void ReportedGone(const intent::ClusterId& cluster, const intent::EntryKey& key,
                    const intent::Uid& uid);

  // Forgets all pending tombstones, acknowledged or not (CommitResult::forgotten), and lets nobody
  // resume from below the head: whoever lacks something is compared, and what it holds beyond the
  // intent is unclaimed. No change if the cluster has no log.
  void DropTombstones(const intent::ClusterId& cluster);

  // A session epoch above the cluster's last and above `above`, the highest that the agent says it
  // has seen; the result has it (CommitResult::session_epochs).
  // REQUIRES: the log is open; `above` is below kSessionEpochMax.
  void NextSessionEpoch(const intent::ClusterId& cluster, uint64_t above);

  // Replaces the record with that key, moving it between sets if `set` differs.
  void PutApplication(DerivedApplication application);
  void DeleteApplication(std::string key);
  void PutSetState(SetState state);
  void DeleteSetState(std::string key);

  // The newest status of one (cluster, key, uid). No change if the cluster has no log. Of a uid
  // that is neither live nor pending deletion there, and has none yet, it is left out when the
  // cluster has `unassigned_max` of such already: CommitResult::refused has it.
  void PutStatus(const intent::ClusterId& cluster, intent::EntryStatus status,
                 uint64_t unassigned_max = kUnlimited);
  void DeleteStatus(const intent::ClusterId& cluster, const intent::EntryKey& key,
                    const intent::Uid& uid);

  // What is remembered of the cluster's link. No change if the cluster has no log.
  void PutLink(LinkRecord link);

  // REQUIRES (not checked on writing; on reading damage is kDataLoss): `digest` is that of `bytes`.
  void PutContent(const object::Sha256& digest, std::string bytes);
  void DeleteContent(const object::Sha256& digest);

  const std::vector<op::Any>& ops() const { return ops_; }
  std::vector<op::Any> TakeOps() && { return std::move(ops_); }
  bool empty() const { return ops_.empty(); }
  // About what the batch takes in memory and on disk.
  size_t bytes() const { return bytes_; }
  // Only PutStatus, DeleteStatus and PutLink: written without waiting for the disk.
  bool status_only() const { return status_only_; }

  // Adds all of `other` behind what is here.
  void Append(WriteBatch other);
  // The same operations in the same order, in batches of at most `bytes_max`; an operation that is
  // larger is one by itself. For what need not take effect together, but has to be small enough.
  std::vector<WriteBatch> InParts(size_t bytes_max) &&;

  static constexpr uint64_t kSessionEpochMax = uint64_t{1} << 62;
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

 private:
  enum class Class : uint8_t { kSynced, kStatus };
  void AddOp(op::Any operation, size_t bytes, Class kind);

  std::vector<op::Any> ops_;
  std::vector<size_t> sizes_;  // Of each operation.
  size_t bytes_ = 0;
  bool status_only_ = true;
};

}  // namespace leidang::hub
