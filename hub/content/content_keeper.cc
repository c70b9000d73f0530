#include "hub/content/content_keeper.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::hub {
namespace {

constexpr size_t kDeletesPerBatch = 1000;

}  // namespace

ContentKeeper::ContentKeeper(Store& store) : store_(store) {}

ContentKeeper::~ContentKeeper() { *alive_ = false; }

absl::StatusOr<bool> ContentKeeper::Use(const object::Sha256& digest) {
  {
    MutexLock lock(&mu_);
    used_[digest] = generation_;
    if (doomed_.contains(digest)) return false;
  }
  return store_.HasContent(digest);
}

absl::StatusOr<object::Sha256> ContentKeeper::AddTree(const tree::TreeManifest& manifest,
                                                      const ReadFile& read, WriteBatch* batch) {
  ASSIGN_OR_RETURN(std::string encoded, tree::Encode(manifest));
  const object::Sha256 digest = object::Sha256::Of(encoded);
  std::set<object::Sha256> added;
  for (const tree::TreeFile& file : manifest.files) {
    ASSIGN_OR_RETURN(const bool there, Use(file.digest));
    if (there || !added.insert(file.digest).second) continue;
    ASSIGN_OR_RETURN(std::string content, read(file));
    RETURN_IF_ERROR(tree::VerifyContent(file, content));
    batch->PutContent(file.digest, std::move(content));
  }
  ASSIGN_OR_RETURN(const bool there, Use(digest));
  if (!there) batch->PutContent(digest, std::move(encoded));
  return digest;
}

absl::StatusOr<std::unique_ptr<ContentKeeper::Sweep>> ContentKeeper::BeginSweep() {
  MutexLock lock(&mu_);
  if (sweeping_) {
    return absl::FailedPreconditionError("content is being swept already; wait for its end");
  }
  sweeping_ = true;
  ++generation_;
  return std::unique_ptr<Sweep>(new Sweep(this));
}

void ContentKeeper::EndSweep() {
  MutexLock lock(&mu_);
  sweeping_ = false;
  doomed_.clear();
  const uint64_t oldest = generation_ - 1;
  std::erase_if(used_, [oldest](const auto& entry) { return entry.second < oldest; });
}

absl::StatusOr<std::vector<object::Sha256>> ContentKeeper::ListAll() const {
  std::vector<object::Sha256> all;
  PageRequest request;
  request.limit = kPageLimitMax;
  do {
    ASSIGN_OR_RETURN(const Page<object::Sha256> page, store_.Content(request));
    all.insert(all.end(), page.items.begin(), page.items.end());
    request.token = page.next;
  } while (!request.token.empty());
  return all;
}

uint64_t ContentKeeper::Delete(absl::Span<const object::Sha256> digests, EventLoop* loop,
                               Store::Done done) {
  WriteBatch batch;
  uint64_t deleted = 0;
  MutexLock lock(&mu_);
  for (const object::Sha256& digest : digests) {
    const auto used = used_.find(digest);
    if (used != used_.end() && used->second + 1 >= generation_) continue;
    doomed_.insert(digest);
    batch.DeleteContent(digest);
    ++deleted;
  }
  // Handed over under the lock: whoever finds a content doomed puts it again in a later batch.
  store_.Commit(std::move(batch), loop, std::move(done));
  return deleted;
}

ContentKeeper::Sweep::~Sweep() {
  if (!handed_over_) keeper_->EndSweep();
}

absl::Status ContentKeeper::Sweep::Keep(const object::Sha256& tree) {
  if (!trees_.insert(tree).second) return absl::OkStatus();
  const auto parsed = [&]() -> absl::StatusOr<tree::TreeManifest> {
    ASSIGN_OR_RETURN(const std::string bytes, keeper_->store_.GetContent(tree));
    return tree::Parse(bytes);
  }();
  if (!parsed.ok()) {
    spoiled_ = true;
    return absl::Status(parsed.status().code(),
                        absl::StrCat("tree ", tree.Hex(), ": ", parsed.status().message()));
  }
  kept_.insert(tree);
  for (const tree::TreeFile& file : parsed->files) kept_.insert(file.digest);
  return absl::OkStatus();
}

absl::Status ContentKeeper::Sweep::Finish(EventLoop* loop, const SweepDone& done) {
  if (spoiled_) {
    return absl::FailedPreconditionError(
        "a tree could not be read, so no content is deleted; see the error of that tree");
  }
  ASSIGN_OR_RETURN(std::vector<object::Sha256> candidates, keeper_->ListAll());
  const size_t total = candidates.size();
  std::erase_if(candidates, [this](const auto& digest) { return kept_.contains(digest); });

  // Shared with the loop, which may run the first completions before the last batch is made.
  struct Progress {
    Mutex mu;
    SweepResult result ABSL_GUARDED_BY(mu);
    size_t batches_left ABSL_GUARDED_BY(mu) = 0;
  };
  const auto progress = std::make_shared<Progress>();
  const size_t batches = candidates.size() / kDeletesPerBatch + 1;
  {
    MutexLock lock(&progress->mu);
    progress->batches_left = batches;
    progress->result.kept = total;
  }
  const auto committed = [keeper = keeper_, alive = keeper_->alive_, progress,
                          done](const CommitResult& commit) {
    if (!*alive) return;
    SweepResult result;
    {
      MutexLock lock(&progress->mu);
      if (progress->result.status.ok()) progress->result.status = commit.status;
      if (--progress->batches_left > 0) return;
      result = progress->result;
    }
    keeper->EndSweep();
    done(result);
  };
  handed_over_ = true;
  const absl::Span<const object::Sha256> all(candidates);
  for (size_t i = 0; i < batches; ++i) {
    MutexLock lock(&progress->mu);
    const uint64_t deleted =
        keeper_->Delete(all.subspan(i * kDeletesPerBatch, kDeletesPerBatch), loop, committed);
    progress->result.deleted += deleted;
    progress->result.kept -= deleted;
  }
  return absl::OkStatus();
}

}  // namespace leidang::hub
