#include "tests/sim/writer.h"

#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/proof/bucketed_digest.h"
#include "common/tree/tree_manifest.h"

namespace leidang::sim {

Writer::Writer(SimLoop& loop, Random& random, SimHub& hub, Checks* checks, Mutant mutant,
               size_t keys)
    : loop_(loop), random_(random), hub_(hub), checks_(checks), mutant_(mutant), keys_(keys) {
  hub_.OnStarted([this] { NoteStored(); });
  hub_.OnReallySynced([this] {
    for (const hub::WriteBatch& batch : std::exchange(not_really_synced_, {})) Note(batch);
  });
}

intent::EntryKey Writer::Key(const intent::ClusterId& cluster, size_t index) const {
  if (index == 0)
    return {intent::EntryKind::kProject, absl::StrCat("p-", cluster.Hex().substr(28))};
  return {intent::EntryKind::kApplication,
          absl::StrCat("leidang/app-", index, "-", cluster.Hex().substr(28))};
}

object::Sha256 Writer::Content(const intent::ClusterId& cluster, const intent::EntryKey& key,
                               hub::WriteBatch* batch) {
  tree::TreeManifest manifest;
  const size_t files = 1 + random_.Below(2);
  for (size_t i = 0; i < files; ++i) {
    const std::string text = absl::StrCat(cluster.Hex(), " ", key.ToString(), " ", values_, " ", i,
                                          " ", std::string(random_.Below(1'500), 'x'));
    const object::Sha256 digest = object::Sha256::Of(text);
    manifest.files.push_back(
        {.path = absl::StrCat("file-", i, ".yaml"), .size = text.size(), .digest = digest});
    batch->PutContent(digest, text);
  }
  const absl::StatusOr<std::string> bytes = tree::Encode(std::move(manifest));
  CHECK(bytes.ok());
  const object::Sha256 digest = object::Sha256::Of(*bytes);
  batch->PutContent(digest, *bytes);
  trees_.emplace_back(cluster, digest);
  return digest;
}

void Writer::Put(const intent::ClusterId& cluster, const intent::EntryKey& key,
                 hub::WriteBatch* batch) {
  const auto live = hub_.store().Assignment(cluster, key);
  intent::Assignment assignment;
  assignment.key = key;
  assignment.uid =
      live.ok() ? live->assignment.uid : intent::ComputeUid(hub_.id(), key, hub_.deletions(key));
  assignment.body = absl::StrCat(R"({"cluster":")", cluster.Hex(), R"(","value":)", ++values_, "}");
  if (key.kind == intent::EntryKind::kApplication) {
    assignment.sources = {{.repo_url = "https://git.example/r.git",
                           .target_revision = "main",
                           .commit = "c0ffee",
                           .path = ".",
                           .tool = intent::Tool::kDirectory,
                           .tree = Content(cluster, key, batch)}};
  }
  batch->Put(cluster, std::move(assignment));
}

void Writer::Delete(const intent::ClusterId& cluster, const intent::EntryKey& key,
                    const intent::Uid& uid, hub::WriteBatch* batch) {
  // The ledger counts first: a uid that may have been deleted is never given again.
  ++hub_.deletions(key);
  batch->Delete(cluster, {.key = key, .uid = uid, .policy = intent::DeletionPolicy::kForeground});
}

void Writer::Step() {
  if (stopped_ || !hub_.up() || busy_in_ == hub_.generation()) return;
  auto it = hub_.authorities().begin();
  std::advance(it, static_cast<ptrdiff_t>(random_.Below(hub_.authorities().size())));
  const intent::ClusterId& cluster = it->first;
  const intent::EntryKey key = Key(cluster, random_.Below(keys_));
  const auto live = hub_.store().Assignment(cluster, key);
  hub::WriteBatch batch;
  const uint64_t dice = random_.Below(100);
  if (live.ok() && dice < 20) {
    Delete(cluster, key, live->assignment.uid, &batch);
  } else if (live.ok() && dice < 30) {
    Replace(*live, cluster, &batch);
  } else {
    Put(cluster, key, &batch);
  }
  Commit(std::move(batch));
}

void Writer::Fill(size_t entries) {
  for (const auto& [cluster, authority] : hub_.authorities())
    FillOne(cluster, std::min(entries, keys_));
}

void Writer::FillOne(const intent::ClusterId& cluster, size_t entries) {
  if (!hub_.up()) return;
  hub::WriteBatch batch;
  for (size_t i = 0; i < entries; ++i) Put(cluster, Key(cluster, i), &batch);
  Commit(std::move(batch));
}

void Writer::Replace(const hub::LiveAssignment& live, const intent::ClusterId& cluster,
                     hub::WriteBatch* batch) {
  intent::Assignment again = live.assignment;
  Delete(cluster, again.key, again.uid, batch);
  again.uid = intent::ComputeUid(hub_.id(), again.key, hub_.deletions(again.key));
  batch->Put(cluster, std::move(again));
}

void Writer::PutNow(const intent::ClusterId& cluster, size_t index) {
  if (!hub_.up()) return;
  hub::WriteBatch batch;
  Put(cluster, Key(cluster, index), &batch);
  Commit(std::move(batch));
}

void Writer::DeleteNow(const intent::ClusterId& cluster, size_t index) {
  if (!hub_.up()) return;
  const auto live = hub_.store().Assignment(cluster, Key(cluster, index));
  if (!live.ok()) return;
  hub::WriteBatch batch;
  Delete(cluster, live->assignment.key, live->assignment.uid, &batch);
  Commit(std::move(batch));
}

void Writer::ReplaceNow(const intent::ClusterId& cluster, size_t index) {
  if (!hub_.up()) return;
  const auto live = hub_.store().Assignment(cluster, Key(cluster, index));
  if (!live.ok()) return;
  hub::WriteBatch batch;
  Replace(*live, cluster, &batch);
  Commit(std::move(batch));
}

void Writer::Commit(hub::WriteBatch batch) {
  busy_in_ = hub_.generation();
  ++changes_;
  hub::WriteBatch copy = batch;
  hub_.store().Commit(
      std::move(batch), &loop_,
      [this, generation = busy_in_, copy = std::move(copy)](const hub::CommitResult& result) {
        if (busy_in_ == generation) busy_in_ = 0;
        if (!result.status.ok()) return;
        if (mutant_ == Mutant::kSendBeforeCommit) {
          not_really_synced_.push_back(copy);
        } else {
          Note(copy);
        }
      });
}

void Writer::Note(const hub::WriteBatch& batch) {
  if (checks_ == nullptr) return;
  for (const hub::op::Any& operation : batch.ops()) {
    if (const auto* put = std::get_if<hub::op::Put>(&operation)) {
      checks_->DurablePut(put->cluster, put->assignment.key, put->assignment.uid,
                          proof::ElementOf(put->assignment));
    } else if (const auto* gone = std::get_if<hub::op::Delete>(&operation)) {
      checks_->DurableTombstone(gone->cluster, gone->tombstone.key, gone->tombstone.uid);
    }
  }
}

void Writer::NoteStored() {
  if (mutant_ == Mutant::kSendBeforeCommit) not_really_synced_.clear();
  if (checks_ == nullptr) return;
  for (const auto& [cluster, authority] : hub_.authorities()) {
    const auto live = hub_.store().Entries(cluster, {});
    const auto tombstones = hub_.store().Tombstones(cluster);
    if (!live.ok() || !tombstones.ok()) continue;
    for (const hub::LiveEntry& entry : live->entries) {
      checks_->DurablePut(cluster, entry.key, entry.uid, entry.element);
    }
    for (const hub::PendingTombstone& pending : *tombstones) {
      checks_->DurableTombstone(cluster, pending.tombstone.key, pending.tombstone.uid);
    }
  }
}

}  // namespace leidang::sim
