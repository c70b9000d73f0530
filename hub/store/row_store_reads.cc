// The reads of RowStore: each from one view of the rows and the state that belongs to it.

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/store/key_codec.h"
#include "hub/store/records.h"
#include "hub/store/row_store.h"

namespace leidang::hub {
namespace {

// Scans the rows of a family that begin with `prefix`, a page of them; `add` takes one row. Rows
// before `first` are left out.
template <typename T, typename AddRow>
absl::StatusOr<Page<T>> ScanPage(const RowView& rows, Family family, const std::string& prefix,
                                 const PageRequest& request, const AddRow& add,
                                 const std::string& first = "") {
  if (!request.token.empty() && !absl::StartsWith(request.token, prefix)) {
    return absl::InvalidArgumentError(
        "the page token does not belong to this list: take it from the previous page");
  }
  const size_t limit = std::min(std::max<size_t>(request.limit, 1), kPageLimitMax);
  // The least key above the token is the token with a zero byte behind it.
  const std::string begin =
      request.token.empty() ? std::max(prefix, first) : std::max(request.token + '\0', first);
  Page<T> page;
  absl::Status status;
  std::string last;
  const auto visit = [&](absl::string_view key, absl::string_view value) {
    if (page.items.size() == limit) {
      page.next = last;
      return false;
    }
    absl::StatusOr<T> item = add(key, value);
    if (!item.ok()) {
      status = item.status();
      return false;
    }
    page.items.push_back(*std::move(item));
    last = std::string(key);
    return true;
  };
  RETURN_IF_ERROR(rows.Scan(family, begin, PrefixEnd(prefix), visit));
  RETURN_IF_ERROR(status);
  return page;
}

// A log row's assignment, which must be of that revision.
absl::StatusOr<intent::Assignment> AssignmentAt(const RowView& rows,
                                                const intent::ClusterId& cluster,
                                                const intent::EntryKey& key,
                                                intent::Revision revision) {
  const std::string row = AssignKey(cluster, key);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kAssign, row));
  if (!value.has_value()) return Damaged(Family::kAssign, row, "the log names it, it is missing");
  ASSIGN_OR_RETURN(LiveAssignment live, DecodeAssignment(row, *value));
  if (live.revision != revision) {
    return Damaged(Family::kAssign, row,
                   absl::StrCat("it has revision ", live.revision, ", the log says ", revision));
  }
  return std::move(live.assignment);
}

}  // namespace

absl::StatusOr<ClusterLog> RowStore::Log(const intent::ClusterId& cluster) const {
  ASSIGN_OR_RETURN(const LogView view, ViewOf(cluster));
  return view.log->Describe(cluster);
}

std::vector<ClusterLog> RowStore::Logs() const {
  MutexLock lock(&mu_);
  std::vector<ClusterLog> logs;
  logs.reserve(logs_.size());
  for (const auto& [cluster, log] : logs_) logs.push_back(log->Describe(cluster));
  return logs;
}

absl::StatusOr<LogDigest> RowStore::Digest(const intent::ClusterId& cluster) const {
  ASSIGN_OR_RETURN(const LogView view, ViewOf(cluster));
  return LogDigest{view.log->header.authority, view.log->header.head, view.log->digest};
}

absl::StatusOr<object::Sha256> RowStore::Root(const intent::ClusterId& cluster) const {
  ASSIGN_OR_RETURN(const LogView view, ViewOf(cluster));
  return view.log->RootOfDigest();
}

absl::StatusOr<ChangePage> RowStore::ChangesAfter(const intent::ClusterId& cluster,
                                                  intent::Revision from, size_t bytes_max) const {
  ASSIGN_OR_RETURN(const LogView view, ViewOf(cluster));
  ChangePage page;
  page.authority = view.log->header.authority;
  page.head = view.log->header.head;
  page.from = from;
  page.to = from;
  if (from >= page.head) return page;
  size_t bytes = 0;
  absl::Status status;
  const auto add = [&](absl::string_view key, absl::string_view value) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const LogKeyParts parts, ParseLogKey(key));
    ASSIGN_OR_RETURN(LogEntry entry, DecodeLogEntry(key, value));
    constexpr size_t kTombstoneSize = 128;
    const auto* put = std::get_if<PutEntry>(&entry);
    const size_t size = put != nullptr ? put->size : kTombstoneSize;
    if (!page.changes.empty() && bytes + size > bytes_max) {
      page.more = true;
      return false;
    }
    bytes += size;
    intent::Change change;
    change.revision = parts.revision;
    if (put != nullptr) {
      ASSIGN_OR_RETURN(change.what, AssignmentAt(*view.rows, cluster, put->key, parts.revision));
    } else {
      change.what = std::move(std::get<TombstoneEntry>(entry).tombstone);
    }
    page.changes.push_back(std::move(change));
    return true;
  };
  RETURN_IF_ERROR(view.rows->Scan(Family::kLog, LogKey(cluster, from + 1),
                                  LogKey(cluster, page.head + 1),
                                  [&](absl::string_view key, absl::string_view value) {
                                    const absl::StatusOr<bool> go_on = add(key, value);
                                    status = go_on.status();
                                    return go_on.ok() && *go_on;
                                  }));
  RETURN_IF_ERROR(status);
  page.to = page.more ? page.changes.back().revision : page.head;
  return page;
}

absl::StatusOr<LiveEntries> RowStore::Entries(const intent::ClusterId& cluster,
                                              const std::vector<uint8_t>& buckets) const {
  ASSIGN_OR_RETURN(const LogView view, ViewOf(cluster));
  std::array<bool, proof::kBuckets> wanted{};
  for (const uint8_t bucket : buckets) wanted[bucket] = true;
  LiveEntries result;
  result.authority = view.log->header.authority;
  result.head = view.log->header.head;
  absl::Status status;
  const auto add = [&](absl::string_view key, absl::string_view value) -> absl::Status {
    ASSIGN_OR_RETURN(const LogKeyParts parts, ParseLogKey(key));
    ASSIGN_OR_RETURN(LogEntry entry, DecodeLogEntry(key, value));
    auto* put = std::get_if<PutEntry>(&entry);
    if (put == nullptr) return absl::OkStatus();
    if (!buckets.empty() && !wanted[proof::BucketOf(put->key)]) return absl::OkStatus();
    result.entries.push_back({std::move(put->key), put->uid, parts.revision, put->element});
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(view.rows->Scan(Family::kLog, LogKey(cluster, 1),
                                  PrefixEnd(ClusterPrefix(cluster)),
                                  [&](absl::string_view key, absl::string_view value) {
                                    status = add(key, value);
                                    return status.ok();
                                  }));
  RETURN_IF_ERROR(status);
  return result;
}

absl::StatusOr<std::vector<PendingTombstone>> RowStore::Tombstones(
    const intent::ClusterId& cluster) const {
  ASSIGN_OR_RETURN(const LogView view, ViewOf(cluster));
  std::vector<PendingTombstone> pending;
  for (const auto& [revision, tombstone] : view.log->tombstones().by_revision()) {
    pending.push_back(tombstone);
  }
  return pending;
}

absl::StatusOr<LiveAssignment> RowStore::Assignment(const intent::ClusterId& cluster,
                                                    const intent::EntryKey& key) const {
  const std::string row = AssignKey(cluster, key);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, View()->Get(Family::kAssign, row));
  if (!value.has_value()) {
    return absl::NotFoundError(
        absl::StrCat(key.ToString(), " is not assigned to cluster ", cluster.Hex()));
  }
  return DecodeAssignment(row, *value);
}

absl::StatusOr<Page<LiveAssignment>> RowStore::Assignments(const intent::ClusterId& cluster,
                                                           const PageRequest& request) const {
  return ScanPage<LiveAssignment>(*View(), Family::kAssign, ClusterPrefix(cluster), request,
                                  DecodeAssignment);
}

absl::StatusOr<DerivedApplication> RowStore::Application(absl::string_view key) const {
  const std::string row = ApplicationRowKey(key);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, View()->Get(Family::kDerived, row));
  if (!value.has_value()) {
    return absl::NotFoundError(absl::StrCat("no Application \"", key, "\""));
  }
  return DecodeApplication(row, *value);
}

absl::StatusOr<Page<DerivedApplication>> RowStore::Applications(const PageRequest& request) const {
  return ScanPage<DerivedApplication>(*View(), Family::kDerived, ApplicationsPrefix(), request,
                                      DecodeApplication);
}

absl::StatusOr<Page<DerivedApplication>> RowStore::ApplicationsOfSet(
    absl::string_view set, const PageRequest& request) const {
  const std::shared_ptr<const RowView> rows = View();
  return ScanPage<DerivedApplication>(
      *rows, Family::kDerived, SetIndexPrefix(set), request,
      [&rows](absl::string_view key, absl::string_view) -> absl::StatusOr<DerivedApplication> {
        ASSIGN_OR_RETURN(const SetIndexParts parts, ParseSetIndexKey(key));
        const std::string row = ApplicationRowKey(parts.key);
        ASSIGN_OR_RETURN(const std::optional<std::string> value, rows->Get(Family::kDerived, row));
        if (!value.has_value()) {
          return Damaged(Family::kDerived, row, "the index of its set names it, it is missing");
        }
        return DecodeApplication(row, *value);
      });
}

uint64_t RowStore::CountApplications() const { return index_.All().total; }

uint64_t RowStore::CountApplicationsOfSet(absl::string_view set) const {
  return index_.OfSet(std::string(set)).total;
}

absl::StatusOr<hub::SetState> RowStore::SetState(absl::string_view set) const {
  const std::string row = SetStateRowKey(set);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, View()->Get(Family::kDerived, row));
  if (!value.has_value()) {
    return absl::NotFoundError(absl::StrCat("ApplicationSet \"", set, "\" was not expanded yet"));
  }
  return DecodeSetState(row, *value);
}

absl::StatusOr<std::vector<intent::EntryStatus>> RowStore::Statuses(
    const intent::ClusterId& cluster, const intent::EntryKey& key) const {
  PageRequest all;
  all.limit = kPageLimitMax;
  ASSIGN_OR_RETURN(Page<intent::EntryStatus> page,
                   ScanPage<intent::EntryStatus>(*View(), Family::kStatus,
                                                 StatusPrefix(cluster, key), all, DecodeStatus));
  return std::move(page.items);
}

absl::StatusOr<std::optional<intent::EntryStatus>> RowStore::Status(
    const intent::ClusterId& cluster, const intent::EntryKey& key, const intent::Uid& uid) const {
  const std::string row = StatusKey(cluster, key, uid);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, View()->Get(Family::kStatus, row));
  if (!value.has_value()) return std::optional<intent::EntryStatus>();
  ASSIGN_OR_RETURN(intent::EntryStatus status, DecodeStatus(row, *value));
  return std::optional<intent::EntryStatus>(std::move(status));
}

absl::StatusOr<Page<intent::EntryStatus>> RowStore::StatusesOfCluster(
    const intent::ClusterId& cluster, const PageRequest& request) const {
  return ScanPage<intent::EntryStatus>(*View(), Family::kStatus, ClusterPrefix(cluster), request,
                                       DecodeStatus, StatusesOfClusterBegin(cluster));
}

absl::StatusOr<std::vector<LinkRecord>> RowStore::Links() const {
  std::vector<intent::ClusterId> clusters;
  std::shared_ptr<const RowView> rows;
  {
    MutexLock lock(&mu_);
    rows = view_;
    for (const auto& [cluster, log] : logs_) clusters.push_back(cluster);
  }
  std::vector<LinkRecord> links;
  for (const intent::ClusterId& cluster : clusters) {
    const std::string key = LinkRowKey(cluster);
    ASSIGN_OR_RETURN(const std::optional<std::string> value, rows->Get(Family::kStatus, key));
    if (!value.has_value()) continue;
    ASSIGN_OR_RETURN(LinkRecord link, DecodeLink(key, *value));
    links.push_back(std::move(link));
  }
  return links;
}

absl::StatusOr<std::string> RowStore::GetContent(const object::Sha256& digest) const {
  ASSIGN_OR_RETURN(std::optional<std::string> value, View()->Get(Family::kContent, digest.Raw()));
  if (!value.has_value()) {
    return absl::NotFoundError(absl::StrCat("no content with SHA-256 ", digest.Hex()));
  }
  if (object::Sha256::Of(*value) != digest) {
    return Damaged(Family::kContent, digest.Raw(), "it does not have its SHA-256");
  }
  return *std::move(value);
}

absl::StatusOr<bool> RowStore::HasContent(const object::Sha256& digest) const {
  ASSIGN_OR_RETURN(const std::optional<std::string> value,
                   View()->Get(Family::kContent, digest.Raw()));
  return value.has_value();
}

absl::StatusOr<Page<object::Sha256>> RowStore::Content(const PageRequest& request) const {
  return ScanPage<object::Sha256>(
      *View(), Family::kContent, "", request,
      [](absl::string_view key, absl::string_view) -> absl::StatusOr<object::Sha256> {
        const std::optional<object::Sha256> digest = object::Sha256::FromRaw(key);
        if (!digest.has_value()) {
          return Damaged(Family::kContent, key, "its key is no SHA-256");
        }
        return *digest;
      });
}

}  // namespace leidang::hub
