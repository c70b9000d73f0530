#include "hub/store/application_index.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/match.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "hub/store/key_codec.h"
#include "hub/store/record_fields.h"
#include "hub/store/records.h"

namespace leidang::hub {
namespace {

// Rows that are looked at before others may change them.
constexpr size_t kLookedAtMax = 20'000;
constexpr uint32_t kKeyBytesMax = (1u << 22) - 1;  // An object of the ledger has 1 MiB at most.

intent::EntryKey EntryOf(const std::string& key) { return {intent::EntryKind::kApplication, key}; }

absl::string_view NameIn(absl::string_view key) {
  const size_t slash = key.find('/');
  return slash == absl::string_view::npos ? key : key.substr(slash + 1);
}

}  // namespace

// The key's bytes stand behind it in the same piece of memory.
struct ApplicationIndex::Row {
  intent::Uid uid;
  intent::Revision assigned = 0;
  intent::Revision applied = 0;
  uint32_t set = 0;
  uint32_t project = 0;
  uint32_t cluster = 0;
  uint32_t reported_sync : 4 = 0;
  uint32_t reported_health : 4 = 0;
  uint32_t key_size : 22 = 0;
  uint32_t holds : 1 = 0;
  uint32_t offline : 1 = 0;
  Row* next = nullptr;  // Of the same cluster.
  Row* previous = nullptr;

  static RowPtr Make(absl::string_view key) {
    CHECK(key.size() <= kKeyBytesMax);
    Row* const row = new (::operator new(sizeof(Row) + key.size())) Row();
    row->key_size = static_cast<uint32_t>(key.size());
    std::copy(key.begin(), key.end(), reinterpret_cast<char*>(row + 1));
    return RowPtr(row);
  }

  absl::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_size}; }
  // What is shown.
  intent::SyncState sync() const {
    if (offline) return intent::SyncState::kUnknown;
    return ShownSync(static_cast<intent::SyncState>(reported_sync), applied, assigned);
  }
  uint32_t health() const {
    return offline ? static_cast<uint32_t>(intent::HealthState::kUnknown) : reported_health;
  }
  void Report(intent::SyncState sync, intent::HealthState state, intent::Revision revision) {
    const auto s = static_cast<uint32_t>(sync);
    const auto h = static_cast<uint32_t>(state);
    reported_sync = s < kSyncStates ? s : 0;
    reported_health = h < kHealthStates ? h : 0;
    applied = revision;
  }
  // Nothing is known of it any more.
  void Forget() {
    assigned = 0;
    holds = 0;
    Report(intent::SyncState::kUnknown, intent::HealthState::kUnknown, 0);
  }
};

void ApplicationIndex::FreeRow::operator()(Row* row) const {
  row->~Row();
  ::operator delete(row);
}

struct ApplicationIndex::ByKey {
  using is_transparent = void;
  static absl::string_view KeyOf(const RowPtr& row) { return row->key(); }
  static absl::string_view KeyOf(absl::string_view key) { return key; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return KeyOf(a) < KeyOf(b);
  }
};

struct ApplicationIndex::Wanted {
  std::optional<uint32_t> set, project, cluster;
  std::optional<intent::SyncState> sync;
  std::optional<uint32_t> health;
  absl::string_view name_part;
  bool holding = false;

  bool Matches(const Row& row) const {
    return (!holding || row.holds) && (!set || row.set == *set) &&
           (!project || row.project == *project) && (!cluster || row.cluster == *cluster) &&
           (!sync || row.sync() == *sync) && (!health || row.health() == *health) &&
           (name_part.empty() || absl::StrContains(NameIn(row.key()), name_part));
  }
};

intent::SyncState ShownSync(intent::SyncState reported, intent::Revision applied,
                            intent::Revision assigned) {
  return reported == intent::SyncState::kSynced && applied < assigned
             ? intent::SyncState::kOutOfSync
             : reported;
}

ApplicationIndex::ApplicationIndex() : rows_(std::make_unique<Rows>()) {}

ApplicationIndex::~ApplicationIndex() = default;

absl::Status ApplicationIndex::LoadApplications(const RowView& rows) {
  absl::Status status;
  const std::string prefix = ApplicationsPrefix();
  RETURN_IF_ERROR(rows.Scan(Family::kDerived, prefix, PrefixEnd(prefix),
                            [&](absl::string_view key, absl::string_view value) {
                              absl::StatusOr<indexed::Placed> placed = DecodePlace(key, value);
                              status = placed.status();
                              if (!status.ok()) return false;
                              MutexLock lock(&mu_);
                              Place(*placed);
                              return true;
                            }));
  return status;
}

absl::Status ApplicationIndex::LoadStatuses(const RowView& rows) {
  absl::Status status;
  RETURN_IF_ERROR(
      rows.Scan(Family::kStatus, "", "", [&](absl::string_view key, absl::string_view value) {
        if (IsLinkRow(key)) {
          status = DecodeLink(key, value).status();
          return status.ok();
        }
        absl::StatusOr<std::optional<indexed::Reported>> reported = DecodeReport(key, value);
        status = reported.status();
        if (status.ok() && reported->has_value()) status = Do(**reported, rows);
        return status.ok();
      }));
  return status;
}

absl::Status ApplicationIndex::Apply(const std::vector<indexed::Any>& changes,
                                     const RowView& rows) {
  for (const indexed::Any& any : changes) {
    RETURN_IF_ERROR(std::visit([&](const auto& change) { return Do(change, rows); }, any));
  }
  return absl::OkStatus();
}

absl::Status ApplicationIndex::Do(const indexed::Placed& placed, const RowView& rows) {
  {
    MutexLock lock(&mu_);
    if (!Place(placed)) return absl::OkStatus();
  }
  // What was assigned and reported before it came here.
  const std::string assign = AssignKey(placed.cluster, EntryOf(placed.key));
  ASSIGN_OR_RETURN(const std::optional<std::string> live, rows.Get(Family::kAssign, assign));
  if (live) {
    ASSIGN_OR_RETURN(const intent::Revision revision, DecodeAssignedRevision(assign, *live));
    RETURN_IF_ERROR(Do(indexed::Assigned{placed.cluster, placed.key, revision}, rows));
  }
  const std::string report = StatusKey(placed.cluster, EntryOf(placed.key), placed.uid);
  ASSIGN_OR_RETURN(const std::optional<std::string> status, rows.Get(Family::kStatus, report));
  if (!status) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<indexed::Reported> reported, DecodeReport(report, *status));
  return reported ? Do(*reported, rows) : absl::OkStatus();
}

absl::Status ApplicationIndex::Do(const indexed::Dropped& dropped, const RowView&) {
  MutexLock lock(&mu_);
  const auto found = rows_->find(absl::string_view(dropped.key));
  if (found == rows_->end()) return absl::OkStatus();
  Unlink(found->get());
  Uncount(**found);
  rows_->erase(found);
  return absl::OkStatus();
}

absl::Status ApplicationIndex::Do(const indexed::Assigned& assigned, const RowView&) {
  MutexLock lock(&mu_);
  Row* const row = Find(assigned.cluster, assigned.key, nullptr);
  if (row == nullptr) return absl::OkStatus();
  AddToAll(*row, ~uint64_t{0});
  row->assigned = assigned.revision;
  AddToAll(*row, 1);
  return absl::OkStatus();
}

absl::Status ApplicationIndex::Do(const indexed::Reported& reported, const RowView&) {
  MutexLock lock(&mu_);
  Row* const row = Find(reported.cluster, reported.key, &reported.uid);
  if (row == nullptr) return absl::OkStatus();
  AddToAll(*row, ~uint64_t{0});
  row->Report(reported.sync, reported.health, reported.applied);
  row->holds = reported.holds;
  AddToAll(*row, 1);
  return absl::OkStatus();
}

absl::Status ApplicationIndex::Do(const indexed::ClusterDropped& gone, const RowView&) {
  MutexLock lock(&mu_);
  const std::optional<uint32_t> cluster = clusters_.Find(gone.cluster);
  if (!cluster) return absl::OkStatus();
  for (Row* row = first_of_cluster_[*cluster]; row != nullptr; row = row->next) {
    AddToAll(*row, ~uint64_t{0});
    row->Forget();
    AddToAll(*row, 1);
  }
  return absl::OkStatus();
}

bool ApplicationIndex::Place(const indexed::Placed& placed) {
  const auto found = rows_->find(absl::string_view(placed.key));
  const bool is_new = found == rows_->end();
  RowPtr made = is_new ? Row::Make(placed.key) : nullptr;
  Row& row = is_new ? *made : **found;
  const bool moved =
      is_new || clusters_.NameOf(row.cluster) != placed.cluster || row.uid != placed.uid;
  // First what it joins, so that what stays the same keeps its number.
  Row next;
  next.uid = placed.uid;
  next.set = sets_.Join(placed.set);
  next.project = projects_.Join(placed.project);
  next.cluster = clusters_.Join(placed.cluster);
  next.key_size = row.key_size;
  next.offline = !placed.cluster.IsNone() && !live_.contains(placed.cluster);
  if (!moved) {
    next.assigned = row.assigned;
    next.applied = row.applied;
    next.reported_sync = row.reported_sync;
    next.reported_health = row.reported_health;
    next.holds = row.holds;
  }
  Count(next);
  if (!is_new) {
    Unlink(&row);
    Uncount(row);
  }
  row = next;
  Link(&row);
  if (is_new) rows_->insert(std::move(made));
  return moved;
}

void ApplicationIndex::Count(const Row& row) { AddToAll(row, 1); }

void ApplicationIndex::Uncount(const Row& row) {
  AddToAll(row, ~uint64_t{0});
  sets_.Leave(row.set);
  projects_.Leave(row.project);
  clusters_.Leave(row.cluster);
}

void ApplicationIndex::Link(Row* row) {
  if (first_of_cluster_.size() <= row->cluster) first_of_cluster_.resize(row->cluster + 1);
  Row*& first = first_of_cluster_[row->cluster];
  row->previous = nullptr;
  row->next = first;
  if (first != nullptr) first->previous = row;
  first = row;
}

void ApplicationIndex::Unlink(Row* row) {
  if (row->next != nullptr) row->next->previous = row->previous;
  if (row->previous != nullptr) {
    row->previous->next = row->next;
  } else {
    first_of_cluster_[row->cluster] = row->next;
  }
}

void ApplicationIndex::SetReach(const intent::ClusterId& cluster, Reach reach) {
  MutexLock lock(&mu_);
  const bool is_news =
      reach == Reach::kLive ? live_.insert(cluster).second : live_.erase(cluster) > 0;
  const std::optional<uint32_t> number = clusters_.Find(cluster);
  if (!is_news || !number || cluster.IsNone()) return;
  for (Row* row = first_of_cluster_[*number]; row != nullptr; row = row->next) {
    AddToAll(*row, ~uint64_t{0});
    row->offline = reach == Reach::kOffline;
    AddToAll(*row, 1);
  }
}

void ApplicationIndex::AddToAll(const Row& row, uint64_t step) {
  const auto sync = static_cast<size_t>(row.sync());
  for (ApplicationCounts* counts :
       {&all_, &sets_[row.set], &projects_[row.project], &clusters_[row.cluster]}) {
    counts->total += step;
    counts->sync[sync] += step;
    counts->health[row.health()] += step;
    if (row.offline) counts->offline += step;
  }
}

ApplicationIndex::Row* ApplicationIndex::Find(const intent::ClusterId& cluster,
                                              const std::string& key, const intent::Uid* uid) {
  const auto found = rows_->find(absl::string_view(key));
  if (found == rows_->end()) return nullptr;
  Row* const row = found->get();
  if (clusters_.NameOf(row->cluster) != cluster) return nullptr;
  return uid == nullptr || row->uid == *uid ? row : nullptr;
}

ApplicationCounts ApplicationIndex::All() const {
  MutexLock lock(&mu_);
  return all_;
}

ApplicationCounts ApplicationIndex::OfSet(const std::string& set) const {
  MutexLock lock(&mu_);
  return sets_.Of(set);
}

ApplicationCounts ApplicationIndex::OfCluster(const intent::ClusterId& cluster) const {
  MutexLock lock(&mu_);
  return clusters_.Of(cluster);
}

ApplicationCounts ApplicationIndex::OfProject(const std::string& project) const {
  MutexLock lock(&mu_);
  return projects_.Of(project);
}

std::optional<ApplicationIndex::Wanted> ApplicationIndex::Resolve(
    const ApplicationFilter& filter) const {
  Wanted wanted;
  if (filter.set) wanted.set = sets_.Find(*filter.set);
  if (filter.project) wanted.project = projects_.Find(*filter.project);
  if (filter.cluster) wanted.cluster = clusters_.Find(*filter.cluster);
  // Nothing is counted under a name that has no number.
  if (filter.set.has_value() != wanted.set.has_value() ||
      filter.project.has_value() != wanted.project.has_value() ||
      filter.cluster.has_value() != wanted.cluster.has_value())
    return std::nullopt;
  wanted.sync = filter.sync;
  if (filter.health) wanted.health = static_cast<uint32_t>(*filter.health);
  wanted.name_part = filter.name_part;
  wanted.holding = filter.holding;
  return wanted;
}

std::vector<std::string> ApplicationIndex::Keys(const ApplicationFilter& filter,
                                                absl::string_view after, size_t limit) const {
  std::vector<std::string> keys;
  std::string from(after);
  while (true) {
    MutexLock lock(&mu_);
    // Numbers are only good while nothing changes.
    const std::optional<Wanted> wanted = Resolve(filter);
    if (!wanted) return keys;
    auto at = rows_->upper_bound(absl::string_view(from));
    for (size_t looked_at = 0; at != rows_->end() && looked_at < kLookedAtMax; ++at, ++looked_at) {
      if (keys.size() == limit) return keys;
      if (wanted->Matches(**at)) keys.emplace_back((*at)->key());
    }
    if (at == rows_->end() || keys.size() == limit) return keys;
    from = std::string((*std::prev(at))->key());
  }
}

}  // namespace leidang::hub
