#include "hub/store/write_batch.h"

namespace leidang::hub {
namespace {

constexpr size_t kOpBytes = 96;

size_t BytesOf(const intent::Assignment& assignment) {
  size_t bytes = kOpBytes + assignment.key.name.size() + assignment.body.size();
  for (const intent::Source& source : assignment.sources) {
    bytes += kOpBytes + source.repo_url.size() + source.target_revision.size() +
             source.commit.size() + source.path.size();
  }
  return bytes;
}

size_t BytesOf(const std::vector<Condition>& conditions) {
  size_t bytes = 0;
  for (const Condition& condition : conditions) {
    bytes += kOpBytes + condition.type.size() + condition.reason.size() + condition.message.size();
  }
  return bytes;
}

size_t BytesOf(const intent::EntryStatus& status) {
  size_t bytes = kOpBytes + status.key.name.size() + status.message.size() +
                 status.applied_commit.size() + status.body.size() + status.operation_commit.size();
  for (const intent::StatusCondition& condition : status.conditions) {
    bytes += kOpBytes + condition.type.size() + condition.reason.size() + condition.message.size();
  }
  for (const intent::ObjectStatus& object : status.resources) {
    bytes += kOpBytes + object.key.group.size() + object.key.kind.size() + object.key.ns.size() +
             object.key.name.size() + object.hook.size() + object.message.size();
  }
  return bytes;
}

}  // namespace

void WriteBatch::AddOp(op::Any operation, size_t bytes, Class kind) {
  ops_.push_back(std::move(operation));
  sizes_.push_back(bytes);
  bytes_ += bytes;
  if (kind != Class::kStatus) status_only_ = false;
}

void WriteBatch::OpenLog(const intent::ClusterId& cluster, const intent::Authority& authority) {
  AddOp(op::OpenLog{cluster, authority}, kOpBytes, Class::kSynced);
}

void WriteBatch::DropLog(const intent::ClusterId& cluster) {
  AddOp(op::DropLog{cluster}, kOpBytes, Class::kSynced);
}

void WriteBatch::Put(const intent::ClusterId& cluster, intent::Assignment assignment) {
  const size_t bytes = BytesOf(assignment);
  AddOp(op::Put{cluster, std::move(assignment)}, bytes, Class::kSynced);
}

void WriteBatch::Delete(const intent::ClusterId& cluster, intent::Tombstone tombstone) {
  const size_t bytes = kOpBytes + tombstone.key.name.size();
  AddOp(op::Delete{cluster, std::move(tombstone)}, bytes, Class::kSynced);
}

void WriteBatch::AckedThrough(const intent::ClusterId& cluster, const intent::Authority& authority,
                              intent::Revision through) {
  AddOp(op::Acked{cluster, authority, through}, kOpBytes, Class::kSynced);
}

void WriteBatch::ReportedGone(const intent::ClusterId& cluster, const intent::EntryKey& key,
                              const intent::Uid& uid) {
  AddOp(op::Gone{cluster, key, uid}, kOpBytes + key.name.size(), Class::kSynced);
}

void WriteBatch::DropTombstones(const intent::ClusterId& cluster) {
  AddOp(op::DropTombstones{cluster}, kOpBytes, Class::kSynced);
}

void WriteBatch::NextSessionEpoch(const intent::ClusterId& cluster, uint64_t above) {
  AddOp(op::NextSessionEpoch{cluster, above}, kOpBytes, Class::kSynced);
}

void WriteBatch::PutApplication(DerivedApplication application) {
  const size_t bytes = kOpBytes + application.key.size() + application.set.size() +
                       application.project.size() + application.manifest.size() +
                       BytesOf(application.conditions);
  AddOp(op::PutApplication{std::move(application)}, bytes, Class::kSynced);
}

void WriteBatch::DeleteApplication(std::string key) {
  const size_t bytes = kOpBytes + key.size();
  AddOp(op::DeleteApplication{std::move(key)}, bytes, Class::kSynced);
}

void WriteBatch::PutSetState(SetState state) {
  const size_t bytes = kOpBytes + state.key.size() + BytesOf(state.conditions);
  AddOp(op::PutSetState{std::move(state)}, bytes, Class::kSynced);
}

void WriteBatch::DeleteSetState(std::string key) {
  const size_t bytes = kOpBytes + key.size();
  AddOp(op::DeleteSetState{std::move(key)}, bytes, Class::kSynced);
}

void WriteBatch::PutStatus(const intent::ClusterId& cluster, intent::EntryStatus status,
                           uint64_t unassigned_max) {
  const size_t bytes = BytesOf(status);
  AddOp(op::PutStatus{cluster, std::move(status), unassigned_max}, bytes, Class::kStatus);
}

void WriteBatch::DeleteStatus(const intent::ClusterId& cluster, const intent::EntryKey& key,
                              const intent::Uid& uid) {
  AddOp(op::DeleteStatus{cluster, key, uid}, kOpBytes + key.name.size(), Class::kStatus);
}

void WriteBatch::PutLink(LinkRecord link) {
  const size_t bytes = 3 * kOpBytes + link.agent_version.size();
  AddOp(op::PutLink{std::move(link)}, bytes, Class::kStatus);
}

void WriteBatch::PutContent(const object::Sha256& digest, std::string bytes) {
  const size_t size = kOpBytes + bytes.size();
  AddOp(op::PutContent{digest, std::move(bytes)}, size, Class::kSynced);
}

void WriteBatch::DeleteContent(const object::Sha256& digest) {
  AddOp(op::DeleteContent{digest}, kOpBytes, Class::kSynced);
}

void WriteBatch::Append(WriteBatch other) {
  for (op::Any& operation : other.ops_) ops_.push_back(std::move(operation));
  sizes_.insert(sizes_.end(), other.sizes_.begin(), other.sizes_.end());
  bytes_ += other.bytes_;
  status_only_ = status_only_ && other.status_only_;
}

std::vector<WriteBatch> WriteBatch::InParts(size_t bytes_max) && {
  std::vector<WriteBatch> parts;
  if (bytes_ <= bytes_max) {
    if (!ops_.empty()) parts.push_back(std::move(*this));
    return parts;
  }
  const Class kind = status_only_ ? Class::kStatus : Class::kSynced;
  for (size_t i = 0; i < ops_.size(); ++i) {
    if (parts.empty() || parts.back().bytes_ + sizes_[i] > bytes_max) parts.emplace_back();
    parts.back().AddOp(std::move(ops_[i]), sizes_[i], kind);
  }
  return parts;
}

}  // namespace leidang::hub
