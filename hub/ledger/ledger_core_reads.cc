// Lists and watches of LedgerCore.

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/ledger/entry_codec.h"
#include "hub/ledger/ledger_core.h"
#include "hub/store/key_codec.h"

namespace leidang::hub {
namespace {

constexpr size_t kWatchChangesMax = 1000;  // Told at once, but always whole revisions.

using Difference = std::map<std::string, std::optional<LedgerEntry>>;

// The rows from `begin` on with `difference` put over them, up to `most` entries.
class MergedScan {
 public:
  MergedScan(const Difference& difference, const std::string& begin, size_t most)
      : next_(difference.lower_bound(begin)), end_(difference.end()), most_(most) {}

  bool Full() const { return entries_.size() >= most_; }

  // A row, in ascending order.
  void Add(LedgerEntry entry) {
    while (next_ != end_ && next_->first < entry.key) TakeDifference();
    if (next_ != end_ && next_->first == entry.key) {
      TakeDifference();
    } else {
      entries_.push_back(std::move(entry));
    }
  }

  std::vector<LedgerEntry> Finish() {
    while (next_ != end_ && !Full()) TakeDifference();
    if (entries_.size() > most_) entries_.resize(most_);
    return std::move(entries_);
  }

 private:
  void TakeDifference() {
    if (next_->second.has_value()) entries_.push_back(*next_->second);
    ++next_;
  }

  Difference::const_iterator next_;
  const Difference::const_iterator end_;
  const size_t most_;
  std::vector<LedgerEntry> entries_;
};

}  // namespace

absl::StatusOr<LedgerEntry> LedgerCore::Get(const std::string& key) const {
  std::shared_ptr<const RowView> view;
  {
    MutexLock lock(&mu_);
    view = view_;
  }
  const Family family = LedgerFamily(key);
  const std::string row = EntryRowKey(key);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, view->Get(family, row));
  if (!value.has_value()) {
    return absl::NotFoundError(absl::StrCat("no \"", key, "\" in the ledger"));
  }
  return DecodeEntry(family, row, *value);
}

absl::StatusOr<LedgerPage> LedgerCore::List(const LedgerListRequest& request) const {
  if (!request.token.empty() && !absl::StartsWith(request.token, request.prefix)) {
    return absl::InvalidArgumentError(
        "the page token does not belong to this list: take it from the previous page");
  }
  LedgerPage page;
  std::shared_ptr<const RowView> view;
  Difference difference;
  {
    MutexLock lock(&mu_);
    page.revision = request.at == 0 ? revision_ : request.at;
    if (page.revision > revision_) {
      return absl::InvalidArgumentError(absl::StrCat(
          "revision ", page.revision, " of the ledger is in the future; it is at ", revision_));
    }
    if (page.revision < history_.compacted()) {
      return absl::OutOfRangeError(
          absl::StrCat("revision ", page.revision, " of the ledger is compacted: list again"));
    }
    view = view_;
    difference = history_.DifferenceTo(page.revision, request.prefix);
  }
  const size_t limit = std::clamp<size_t>(request.limit, 1, kLedgerPageMax);
  const Family family = LedgerFamily(request.prefix);
  // The least key above the token is the token with a zero byte behind it.
  const std::string begin = request.token.empty() ? request.prefix : request.token + '\0';
  MergedScan merged(difference, begin, limit + 1);
  absl::Status status;
  RETURN_IF_ERROR(view->Scan(family, EntriesPrefix(begin), PrefixEnd(EntriesPrefix(request.prefix)),
                             [&](absl::string_view row, absl::string_view value) {
                               absl::StatusOr<LedgerEntry> entry = DecodeEntry(family, row, value);
                               status = entry.status();
                               if (!entry.ok()) return false;
                               merged.Add(*std::move(entry));
                               return !merged.Full();
                             }));
  RETURN_IF_ERROR(status);
  page.entries = merged.Finish();
  if (page.entries.size() > limit) {
    page.entries.resize(limit);
    page.next = page.entries.back().key;
  }
  return page;
}

Ledger::WatchId LedgerCore::Watch(std::string prefix, LedgerRevision from, EventLoop* loop,
                                  Ledger::OnWatch on_change) {
  MutexLock lock(&mu_);
  const Ledger::WatchId id = next_watch_++;
  WatchState& watch = watches_[id];
  watch.prefix = std::move(prefix);
  watch.next_after = from;
  watch.loop = loop;
  watch.on_change = std::make_shared<const Ledger::OnWatch>(std::move(on_change));
  ScheduleWatch(id, watch);
  return id;
}

void LedgerCore::CancelWatch(Ledger::WatchId id) {
  MutexLock lock(&mu_);
  watches_.erase(id);
}

void LedgerCore::ScheduleWatch(Ledger::WatchId id, WatchState& watch) {
  if (watch.scheduled || watch.next_after >= revision_) return;
  watch.scheduled = true;
  watch.loop->Post([weak = weak_from_this(), id] {
    if (const auto core = weak.lock()) core->DeliverWatch(id);
  });
}

void LedgerCore::DeliverWatch(Ledger::WatchId id) {
  std::shared_ptr<const Ledger::OnWatch> on_change;
  absl::StatusOr<std::vector<LedgerChange>> changes = std::vector<LedgerChange>();
  {
    MutexLock lock(&mu_);
    const auto it = watches_.find(id);
    if (it == watches_.end()) return;
    WatchState& watch = it->second;
    watch.scheduled = false;
    on_change = watch.on_change;
    if (watch.next_after < history_.compacted()) {
      changes = absl::OutOfRangeError(
          absl::StrCat("revision ", watch.next_after,
                       " of the ledger is compacted: list again, then watch from there"));
      watches_.erase(it);
    } else {
      LedgerRevision through = 0;
      changes = history_.After(watch.next_after, watch.prefix, kWatchChangesMax, through);
      // Revisions without a change of a key (a lease was granted) are not in the history.
      watch.next_after = changes->size() < kWatchChangesMax ? revision_ : through;
      ScheduleWatch(id, watch);
    }
  }
  if (!changes.ok() || !changes->empty()) (*on_change)(std::move(changes));
}

}  // namespace leidang::hub
