#include "agent/state/memory_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/proof/bucketed_digest.h"

namespace leidang::agent {

MemoryState::MemoryState(EventLoop& loop, MemoryDisk& disk, Options options)
    : loop_(loop), disk_(disk), options_(std::move(options)) {}

MemoryState::MemoryState(EventLoop& loop, MemoryDisk& disk) : MemoryState(loop, disk, Options()) {}

MemoryState::~MemoryState() { *alive_ = false; }

void MemoryState::AddObserver(StateObserver* observer) { observers_.push_back(observer); }

void MemoryState::RemoveObserver(StateObserver* observer) { std::erase(observers_, observer); }

void MemoryState::Write(std::function<absl::Status(Touched*)> write, Done done) {
  const absl::Duration now = loop_.clock().Monotonic();
  const absl::Duration delay = options_.sync_delay ? options_.sync_delay() : absl::ZeroDuration();
  last_due_ = std::max(last_due_, now + delay);
  loop_.After(
      last_due_ - now, [this, alive = alive_, write = std::move(write), done = std::move(done)] {
        if (!*alive) return;
        Touched touched;
        absl::Status status = options_.sync_fault ? options_.sync_fault() : absl::OkStatus();
        if (status.ok()) status = write(&touched);
        if (status.ok()) Tell(touched);
        if (*alive) done(std::move(status));
      });
}

void MemoryState::Tell(const Touched& touched) {
  for (StateObserver* observer : std::vector<StateObserver*>(observers_)) {
    for (const EntryRef& entry : touched.entries) observer->OnEntryChanged(entry);
    for (const OperationId& id : touched.operations) observer->OnOperationChanged(id);
    if (touched.statuses) observer->OnStatusWaiting();
  }
}

void MemoryState::Commit(Transaction transaction, Done done) {
  Write([this, transaction = std::move(transaction)](
            Touched* touched) { return disk_.tables().Apply(transaction, touched); },
        std::move(done));
}

const Allegiance& MemoryState::allegiance() const { return disk_.tables().allegiance; }

const proof::BucketedDigest& MemoryState::intent_digest() const {
  return disk_.tables().intent_digest;
}

const proof::BucketedDigest& MemoryState::applied_digest() const {
  return disk_.tables().applied_digest;
}

absl::StatusOr<std::vector<EntryHead>> MemoryState::Heads() const { return disk_.tables().Heads(); }

absl::StatusOr<std::vector<EntryHead>> MemoryState::LiveInBucket(uint8_t bucket) const {
  return disk_.tables().LiveInBucket(bucket);
}

absl::StatusOr<Entry> MemoryState::Find(const EntryRef& entry) const {
  return disk_.tables().Find(entry);
}

absl::StatusOr<std::vector<InventoryItem>> MemoryState::Inventory(const EntryRef& entry) const {
  return disk_.tables().Inventory(entry);
}

absl::StatusOr<std::vector<NumberedStatus>> MemoryState::StatusesWaiting(uint64_t after,
                                                                         size_t limit) const {
  return disk_.tables().StatusesWaiting(after, limit);
}

absl::StatusOr<intent::EntryStatus> MemoryState::FindStatus(const EntryRef& entry) const {
  return disk_.tables().FindStatus(entry);
}

absl::StatusOr<std::vector<OperationRecord>> MemoryState::Operations() const {
  return disk_.tables().Operations();
}

absl::StatusOr<std::vector<EntryHead>> MemoryState::HeadsOf(const intent::EntryKey& key) const {
  return disk_.tables().HeadsOf(key);
}

size_t MemoryState::statuses_waiting() const { return disk_.tables().waiting.size(); }

object::Sha256 MemoryState::status_digest() const { return disk_.tables().status_digest.Root(); }

void MemoryState::PutContent(const object::Sha256& digest, std::string bytes, Done done) {
  Write(
      [this, digest, bytes = std::move(bytes)](Touched*) -> absl::Status {
        if (bytes.size() > kContentBytesMax) {
          return absl::InvalidArgumentError(absl::StrCat("content ", digest.Hex(), " has ",
                                                         bytes.size(), " bytes, more than ",
                                                         kContentBytesMax));
        }
        if (const object::Sha256 actual = object::Sha256::Of(bytes); actual != digest) {
          return absl::InvalidArgumentError(
              absl::StrCat("content ", digest.Hex(), " has the digest ", actual.Hex()));
        }
        disk_.tables().content[digest] = bytes;
        return absl::OkStatus();
      },
      std::move(done));
}

absl::StatusOr<bool> MemoryState::HasContent(const object::Sha256& digest) const {
  return disk_.tables().content.contains(digest);
}

absl::StatusOr<std::string> MemoryState::GetContent(const object::Sha256& digest) const {
  const auto it = disk_.tables().content.find(digest);
  if (it == disk_.tables().content.end()) {
    return absl::NotFoundError(absl::StrCat("content ", digest.Hex(), " is not held"));
  }
  return it->second;
}

void MemoryState::DropContentExcept(std::set<object::Sha256> keep, Done done) {
  Write(
      [this, keep = std::move(keep)](Touched*) {
        std::erase_if(disk_.tables().content,
                      [&keep](const auto& item) { return !keep.contains(item.first); });
        return absl::OkStatus();
      },
      std::move(done));
}

}  // namespace leidang::agent
