#pragma once

// ApplicationIndex: how many Applications there are, by where they are and how they stand, and
// which ones, without a row being read. In memory, derived from the rows of Applications, live
// assignments and statuses: filled from them on opening, told of every change afterwards.
//
// What it counts is what is shown: a status that is older than the assignment says nothing about
// that one (ShownSync), one of another uid says nothing at all, and the last one of a cluster that
// has no live session says nothing about now: its Applications are Unknown in sync and health, and
// counted as offline besides. An Application takes about 120 bytes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/base/mutex.h"
#include "common/intent/intent.h"
#include "common/intent/status.h"
#include "hub/store/rows.h"

namespace leidang::hub {

inline constexpr size_t kSyncStates = 3;
inline constexpr size_t kHealthStates = 6;

// What was applied before the newest assignment is not in sync with that one.
intent::SyncState ShownSync(intent::SyncState reported, intent::Revision applied,
                            intent::Revision assigned);

// Of some Applications: how many, and how many of them are shown in each state.
struct ApplicationCounts {
  uint64_t total = 0;
  std::array<uint64_t, kSyncStates> sync{};      // By intent::SyncState.
  std::array<uint64_t, kHealthStates> health{};  // By intent::HealthState.
  uint64_t offline = 0;                          // On clusters without a live session: all Unknown.

  friend bool operator==(const ApplicationCounts&, const ApplicationCounts&) = default;
};

// Those for which all holds that is said.
struct ApplicationFilter {
  std::optional<std::string> set;  // Empty: of no set.
  std::optional<intent::ClusterId> cluster;
  std::optional<std::string> project;
  std::optional<intent::SyncState> sync;
  std::optional<intent::HealthState> health;
  std::string name_part;  // Of the name, without its namespace.
  bool holding = false;   // Only those whose agent, as it said last, holds deletions.
};

// What a group of batches did, in its order.
namespace indexed {
struct Placed {
  std::string key;
  std::string set;
  intent::ClusterId cluster;
  std::string project;
  intent::Uid uid;
};
struct Dropped {
  std::string key;
};
struct Assigned {
  intent::ClusterId cluster;
  std::string key;
  intent::Revision revision = 0;  // 0: no more.
};
struct Reported {
  intent::ClusterId cluster;
  std::string key;
  intent::Uid uid;
  intent::SyncState sync = intent::SyncState::kUnknown;
  intent::HealthState health = intent::HealthState::kUnknown;
  intent::Revision applied = 0;
  bool holds = false;  // Deletions, until somebody approves them.
};
struct ClusterDropped {
  intent::ClusterId cluster;
};
using Any = std::variant<Placed, Dropped, Assigned, Reported, ClusterDropped>;
}  // namespace indexed

// Counts by a name, which has a number while something is counted under it. Thread-compatible.
template <typename Name>
class ApplicationTally {
 public:
  ApplicationCounts& operator[](uint32_t number) { return groups_[number].counts; }
  const Name& NameOf(uint32_t number) const { return *groups_[number].name; }
  std::optional<uint32_t> Find(const Name& name) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? std::nullopt : std::optional<uint32_t>(found->second);
  }
  ApplicationCounts Of(const Name& name) const {
    const std::optional<uint32_t> number = Find(name);
    return number ? groups_[*number].counts : ApplicationCounts();
  }
  uint32_t Join(const Name& name) {
    const auto [at, is_new] = numbers_.try_emplace(name, 0);
    if (!is_new) return at->second;
    if (free_.empty()) {
      at->second = static_cast<uint32_t>(groups_.size());
      groups_.emplace_back();
    } else {
      at->second = free_.back();
      free_.pop_back();
    }
    groups_[at->second].name = &at->first;
    return at->second;
  }
  // If nothing is counted under it any more.
  void Leave(uint32_t number) {
    if (groups_[number].counts.total > 0) return;
    numbers_.erase(Name(*std::exchange(groups_[number].name, nullptr)));
    free_.push_back(number);
  }

 private:
  struct Group {
    const Name* name = nullptr;
    ApplicationCounts counts;
  };
  std::map<Name, uint32_t> numbers_;
  std::vector<Group> groups_;
  std::vector<uint32_t> free_;
};

// Whether a cluster has a live session. None has when the index is made: nothing is stored of it.
enum class Reach : uint8_t { kOffline, kLive };

// Thread-safe; the loads and Apply are called by one thread at a time.
class ApplicationIndex {
 public:
  ApplicationIndex();
  ~ApplicationIndex();
  ApplicationIndex(const ApplicationIndex&) = delete;
  ApplicationIndex& operator=(const ApplicationIndex&) = delete;

  // On opening: first all Applications, then each live assignment by Apply, then all statuses.
  // kDataLoss for damage.
  absl::Status LoadApplications(const RowView& rows);
  absl::Status LoadStatuses(const RowView& rows);
  // `rows` is the state after the changes. kDataLoss for damage; the index is of no use then.
  absl::Status Apply(const std::vector<indexed::Any>& changes, const RowView& rows);
  // O(Applications of that cluster) where that is news, else O(log clusters). What has no cluster
  // is never offline.
  void SetReach(const intent::ClusterId& cluster, Reach reach) ABSL_LOCKS_EXCLUDED(mu_);

  // Each O(1) or O(log groups).
  ApplicationCounts All() const ABSL_LOCKS_EXCLUDED(mu_);
  ApplicationCounts OfSet(const std::string& set) const ABSL_LOCKS_EXCLUDED(mu_);
  ApplicationCounts OfCluster(const intent::ClusterId& cluster) const ABSL_LOCKS_EXCLUDED(mu_);
  ApplicationCounts OfProject(const std::string& project) const ABSL_LOCKS_EXCLUDED(mu_);

  // Keys above `after` (empty: from the first) in their order, at most `limit`. What is there all
  // the while is listed once, whatever else changes.
  std::vector<std::string> Keys(const ApplicationFilter& filter, absl::string_view after,
                                size_t limit) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Row;
  struct FreeRow {
    void operator()(Row* row) const;
  };
  using RowPtr = std::unique_ptr<Row, FreeRow>;
  struct ByKey;
  using Rows = absl::btree_set<RowPtr, ByKey>;
  // A filter with names replaced by numbers; nullopt if nothing can match.
  struct Wanted;

  absl::Status Do(const indexed::Placed& placed, const RowView& rows) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Do(const indexed::Dropped& dropped, const RowView& rows) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Do(const indexed::Assigned& assigned, const RowView& rows) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Do(const indexed::Reported& reported, const RowView& rows) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Do(const indexed::ClusterDropped& gone, const RowView& rows)
      ABSL_LOCKS_EXCLUDED(mu_);

  // True if it stands on another cluster or under another uid than before.
  bool Place(const indexed::Placed& placed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Count(const Row& row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Uncount(const Row& row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Into and out of the list of its cluster's rows.
  void Link(Row* row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Unlink(Row* row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // `step` is 1, or its complement to 0.
  void AddToAll(const Row& row, uint64_t step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The Application of that key, if it is on that cluster (and has that uid); or nullptr.
  Row* Find(const intent::ClusterId& cluster, const std::string& key, const intent::Uid* uid)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<Wanted> Resolve(const ApplicationFilter& filter) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  const std::unique_ptr<Rows> rows_ ABSL_PT_GUARDED_BY(mu_);
  ApplicationCounts all_ ABSL_GUARDED_BY(mu_);
  ApplicationTally<std::string> sets_ ABSL_GUARDED_BY(mu_);
  ApplicationTally<std::string> projects_ ABSL_GUARDED_BY(mu_);
  ApplicationTally<intent::ClusterId> clusters_ ABSL_GUARDED_BY(mu_);
  std::vector<Row*> first_of_cluster_ ABSL_GUARDED_BY(mu_);  // By number; nullptr: none.
  std::set<intent::ClusterId> live_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::hub
