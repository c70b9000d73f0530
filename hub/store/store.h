#pragma once

// Store: the hub's derived data. Expanded Applications, assignments, each cluster's change log,
// what agents report, and content by digest. What cannot be recomputed is in hub/ledger, and never
// in one batch with this.
//
// A change log is a cluster's assignment changes, numbered by consecutive revisions in the order
// of commits and compacted by (key, uid): the newest of each stays. A tombstone stays until the
// agent has acknowledged it and, of an Application, reported the end. So the changes after
// revision N are exactly what an agent lacks that acknowledged N, for any N not below
// `ClusterLog::resumable_from`.
//
// Writes are batches (write_batch.h): atomic, committed in the order of the calls, many with one
// fsync; what has been committed is durable and only then visible to reads. Batches of nothing but
// status do not wait for the disk, and a crash may lose the last of them.
//
// Thread-safe. Each read sees one state: that after some whole batch.
// Errors of reads: kNotFound as told; kDataLoss for damage, naming the row.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/intent/status.h"
#include "common/object/sha256.h"
#include "common/proof/bucketed_digest.h"
#include "common/time/event_loop.h"
#include "hub/model/application.h"
#include "hub/model/link_record.h"
#include "hub/store/write_batch.h"

namespace leidang::hub {

class ApplicationIndex;      // application_index.h
enum class Reach : uint8_t;  // application_index.h

// What is known about one cluster's log.
struct ClusterLog {
  intent::ClusterId cluster;
  intent::Authority authority;
  intent::Revision head = 0;   // The newest revision given; 0 before the first change.
  intent::Revision acked = 0;  // What the agent holds durably, under `authority`.
  // The newest revision of a tombstone that was forgotten. An agent that claims less may hold what
  // was deleted: compare, do not resume. (One that holds nothing resumes from 0.)
  intent::Revision resumable_from = 0;
  uint64_t session_epoch = 0;  // The last one given.
  uint64_t live = 0;           // Live assignments.
  uint64_t tombstones = 0;     // Pending.
  // Statuses of uids that are neither: of what the agent holds unclaimed, or makes up.
  uint64_t unassigned_statuses = 0;
};

// The digest of a cluster's live assignments, and the head that it stands for.
struct LogDigest {
  intent::Authority authority;
  intent::Revision head = 0;
  proof::BucketedDigest digest;
};

struct LiveAssignment {
  intent::Assignment assignment;
  intent::Revision revision = 0;
  object::Sha256 element;
};

// One live assignment without its body: what a comparison needs.
struct LiveEntry {
  intent::EntryKey key;
  intent::Uid uid;
  intent::Revision revision = 0;
  object::Sha256 element;
};

struct LiveEntries {
  intent::Authority authority;
  intent::Revision head = 0;
  std::vector<LiveEntry> entries;  // By revision.
};

struct PendingTombstone {
  intent::Tombstone tombstone;
  intent::Revision revision = 0;
  bool gone = false;  // The agent reported the end; it has not acknowledged the tombstone yet.
};

// Changes with from < revision <= to, all that exist. `to` is the head unless `more`.
struct ChangePage {
  intent::Authority authority;
  intent::Revision from = 0;
  intent::Revision to = 0;
  intent::Revision head = 0;
  std::vector<intent::Change> changes;  // Ascending.
  bool more = false;                    // There was no room for the rest.
};

// A part of a list in the order of keys. `next` continues it, and is empty at the end. The token is
// a key: it stays good whatever is written in between.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next;
};

struct PageRequest {
  std::string token;   // Empty: from the start.
  size_t limit = 500;  // 1 to kPageLimitMax; what is beyond is cut to it.
};
inline constexpr size_t kPageLimitMax = 10'000;

struct ForgottenTombstone {
  intent::ClusterId cluster;
  intent::EntryKey key;
  intent::Uid uid;
};

struct RefusedStatus {
  intent::ClusterId cluster;
  intent::EntryKey key;
  intent::Uid uid;
};

// What a commit did.
struct CommitResult {
  // As told at WriteBatch; kResourceExhausted: too much is waiting (try again later) or the disk is
  // full; kDataLoss, kUnavailable: the store takes no more writes until it is opened again.
  absl::Status status;
  std::map<intent::ClusterId, intent::Revision> heads;   // Of the logs that grew.
  std::map<intent::ClusterId, uint64_t> session_epochs;  // By NextSessionEpoch.
  std::vector<ForgottenTombstone> forgotten;
  std::vector<RefusedStatus> refused;  // Left out of what was written: WriteBatch::PutStatus.
};

class Store {
 public:
  using Done = std::function<void(const CommitResult&)>;
  using SubscriptionId = uint64_t;

  virtual ~Store() = default;

  // Posts `done` to `loop` once the batch is committed (synced unless status_only) or has failed.
  // Not posted any more once the store is destroyed; `loop` must outlive the store.
  virtual void Commit(WriteBatch batch, EventLoop* loop, Done done) = 0;

  // Posts to `loop` what each commit did that made a log grow or forgot a tombstone, in order of
  // commits; several may come as one. Ends with Unsubscribe; what was already posted may still run.
  virtual SubscriptionId Subscribe(EventLoop* loop, Done observer) = 0;
  virtual void Unsubscribe(SubscriptionId id) = 0;

  // Logs. kNotFound where a cluster has none.
  virtual absl::StatusOr<ClusterLog> Log(const intent::ClusterId& cluster) const = 0;
  virtual std::vector<ClusterLog> Logs() const = 0;
  virtual absl::StatusOr<LogDigest> Digest(const intent::ClusterId& cluster) const = 0;
  // The root of that digest: kept, O(1) when nothing changed.
  virtual absl::StatusOr<object::Sha256> Root(const intent::ClusterId& cluster) const = 0;
  // Ends before a change that would exceed `bytes_max`, but has at least one if there is any.
  virtual absl::StatusOr<ChangePage> ChangesAfter(const intent::ClusterId& cluster,
                                                  intent::Revision from,
                                                  size_t bytes_max) const = 0;
  // Of those buckets; `buckets` empty: of all.
  virtual absl::StatusOr<LiveEntries> Entries(const intent::ClusterId& cluster,
                                              const std::vector<uint8_t>& buckets) const = 0;
  virtual absl::StatusOr<std::vector<PendingTombstone>> Tombstones(
      const intent::ClusterId& cluster) const = 0;
  // kNotFound where no assignment of the key is live.
  virtual absl::StatusOr<LiveAssignment> Assignment(const intent::ClusterId& cluster,
                                                    const intent::EntryKey& key) const = 0;
  // By key.
  virtual absl::StatusOr<Page<LiveAssignment>> Assignments(const intent::ClusterId& cluster,
                                                           const PageRequest& request) const = 0;

  // Applications and sets.
  virtual absl::StatusOr<DerivedApplication> Application(absl::string_view key) const = 0;
  virtual absl::StatusOr<Page<DerivedApplication>> Applications(
      const PageRequest& request) const = 0;
  virtual absl::StatusOr<Page<DerivedApplication>> ApplicationsOfSet(
      absl::string_view set, const PageRequest& request) const = 0;
  // Which of them there are and how they stand, counted. What a commit did is in it before its
  // `done` is posted, and may be a moment later than in the other reads.
  virtual const ApplicationIndex& Index() const = 0;
  // Tells the index whether that cluster has a live session. Not stored: none has on opening.
  virtual void SetReach(const intent::ClusterId& cluster, Reach reach) = 0;
  virtual uint64_t CountApplications() const = 0;
  virtual uint64_t CountApplicationsOfSet(absl::string_view set) const = 0;
  virtual absl::StatusOr<hub::SetState> SetState(absl::string_view set) const = 0;

  // Status. Every uid of the key that has one; empty if none.
  virtual absl::StatusOr<std::vector<intent::EntryStatus>> Statuses(
      const intent::ClusterId& cluster, const intent::EntryKey& key) const = 0;
  // That of one uid; nullopt if it has none.
  virtual absl::StatusOr<std::optional<intent::EntryStatus>> Status(
      const intent::ClusterId& cluster, const intent::EntryKey& key,
      const intent::Uid& uid) const = 0;
  virtual absl::StatusOr<Page<intent::EntryStatus>> StatusesOfCluster(
      const intent::ClusterId& cluster, const PageRequest& request) const = 0;

  // Links. Of the clusters that have a log and of which anything is known, by id.
  virtual absl::StatusOr<std::vector<LinkRecord>> Links() const = 0;

  // Content by SHA-256, verified on reading.
  virtual absl::StatusOr<std::string> GetContent(const object::Sha256& digest) const = 0;
  virtual absl::StatusOr<bool> HasContent(const object::Sha256& digest) const = 0;
  virtual absl::StatusOr<Page<object::Sha256>> Content(const PageRequest& request) const = 0;
};

}  // namespace leidang::hub
