#pragma once

// ContentKeeper: puts the trees that assignments need into the store, and removes what none needs
// any more.
//
//   keeper.AddTree(manifest, read, &batch)      on a worker, for each tree of an assignment to be
//   batch.Put(cluster, assignment); store.Commit(batch)    content and assignment become visible
//   together
//
//   sweep = keeper.BeginSweep();                about once an hour, on a worker
//   sweep->Keep(tree) for each tree of each live assignment
//   sweep->Finish(loop, done)
//
// A sweep deletes a content only if no kept tree has it *and* no AddTree has named it since the
// sweep before: an assignment that is being made while the sweep runs finds its content. What an
// AddTree finds doomed by a running sweep it puts again; batches are committed in order, so it
// stays.
//
// Thread-safe, except that one Sweep belongs to one thread. At most one sweep runs at a time.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "common/base/mutex.h"
#include "common/object/sha256.h"
#include "common/time/event_loop.h"
#include "common/tree/tree_manifest.h"
#include "hub/store/store.h"
#include "hub/store/write_batch.h"

namespace leidang::hub {

class ContentKeeper {
 public:
  // The content of one file of the tree, from wherever the tree came.
  using ReadFile = std::function<absl::StatusOr<std::string>(const tree::TreeFile&)>;

  struct SweepResult {
    absl::Status status;  // Of the first commit that failed; what was not deleted will be later.
    uint64_t kept = 0;
    uint64_t deleted = 0;
  };
  using SweepDone = std::function<void(const SweepResult&)>;

  // Dropped before Finish, it deletes nothing. The keeper must outlive it.
  class Sweep {
   public:
    ~Sweep();
    Sweep(const Sweep&) = delete;
    Sweep& operator=(const Sweep&) = delete;

    // The tree and all its files stay. An error (the manifest is missing or damaged) spoils the
    // sweep: Finish then deletes nothing, because what belongs to the tree is not known.
    absl::Status Keep(const object::Sha256& tree);

    // Deletes the rest and posts `done` to `loop` when that is durable, unless the keeper has gone
    // by then. `loop` must outlive the store. An error, and then `done` is not called:
    // kFailedPrecondition if a Keep failed, else why the contents cannot be listed; nothing is
    // deleted. REQUIRES: called once.
    absl::Status Finish(EventLoop* loop, const SweepDone& done);

   private:
    friend class ContentKeeper;
    explicit Sweep(ContentKeeper* keeper) : keeper_(keeper) {}

    ContentKeeper* const keeper_;
    std::set<object::Sha256> trees_;
    std::set<object::Sha256> kept_;
    bool spoiled_ = false;
    bool handed_over_ = false;  // Finish has started what ends the sweep.
  };

  // `store` must outlive it. It goes on the loop that it gave to Finish, or when that has stopped.
  explicit ContentKeeper(Store& store);
  ~ContentKeeper();

  // Adds to `batch` the encoded manifest and those of its files that the store does not have, and
  // returns the tree's digest. Errors of `read`; kDataLoss if a file is not what the manifest says.
  absl::StatusOr<object::Sha256> AddTree(const tree::TreeManifest& manifest, const ReadFile& read,
                                         WriteBatch* batch) ABSL_LOCKS_EXCLUDED(mu_);

  // kFailedPrecondition while another sweep runs.
  absl::StatusOr<std::unique_ptr<Sweep>> BeginSweep() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Notes that the content is being used; true if the store has it and will keep it.
  absl::StatusOr<bool> Use(const object::Sha256& digest) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::vector<object::Sha256>> ListAll() const;
  // Commits the deletion of those of `digests` that are not in use; their number.
  uint64_t Delete(absl::Span<const object::Sha256> digests, EventLoop* loop, Store::Done done)
      ABSL_LOCKS_EXCLUDED(mu_);
  void EndSweep() ABSL_LOCKS_EXCLUDED(mu_);

  Store& store_;
  // False once it has gone: what is posted to a loop may come later.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  Mutex mu_;
  // The generation, that is the number of sweeps begun, in which a content was named last.
  std::map<object::Sha256, uint64_t> used_ ABSL_GUARDED_BY(mu_);
  std::set<object::Sha256> doomed_ ABSL_GUARDED_BY(mu_);
  uint64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
  bool sweeping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace leidang::hub
