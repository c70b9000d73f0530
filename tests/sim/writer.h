#pragma once

// Writer changes the intent of clusters, as control does: puts, updates, deletions, and names used
// again. It reads the store to know what is there, and writes the ledger's counts first. Tells
// Checks what is durable. Loop-bound.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/store/write_batch.h"
#include "tests/sim/checks.h"
#include "tests/sim/mutant.h"
#include "tests/sim/sim_hub.h"

namespace leidang::sim {

class Writer {
 public:
  // `checks` may be nullptr: nobody may ever obey that hub.
  Writer(SimLoop& loop, Random& random, SimHub& hub, Checks* checks, Mutant mutant, size_t keys);

  // One change somewhere, if the hub is up and the last one is through.
  void Step();
  // Some entries for every cluster.
  void Fill(size_t entries);
  // So many for one cluster.
  void FillOne(const intent::ClusterId& cluster, size_t entries);
  // Changes of one name, whatever else is on its way. Nothing happens to what is not there.
  void PutNow(const intent::ClusterId& cluster, size_t index);
  void DeleteNow(const intent::ClusterId& cluster, size_t index);
  // Deleted and made again at once: another uid under the same name.
  void ReplaceNow(const intent::ClusterId& cluster, size_t index);
  intent::EntryKey Key(const intent::ClusterId& cluster, size_t index) const;
  // All that the store holds is durable: after a start.
  void NoteStored();
  void Stop() { stopped_ = true; }
  void Continue() { stopped_ = false; }

  uint64_t changes() const { return changes_; }
  // Trees of a cluster that were ever written.
  const std::vector<std::pair<intent::ClusterId, object::Sha256>>& trees() const { return trees_; }

 private:
  void Replace(const hub::LiveAssignment& live, const intent::ClusterId& cluster,
               hub::WriteBatch* batch);
  void Put(const intent::ClusterId& cluster, const intent::EntryKey& key, hub::WriteBatch* batch);
  void Delete(const intent::ClusterId& cluster, const intent::EntryKey& key, const intent::Uid& uid,
              hub::WriteBatch* batch);
  object::Sha256 Content(const intent::ClusterId& cluster, const intent::EntryKey& key,
                         hub::WriteBatch* batch);
  void Commit(hub::WriteBatch batch);
  void Note(const hub::WriteBatch& batch);

  SimLoop& loop_;
  Random& random_;
  SimHub& hub_;
  Checks* const checks_;
  const Mutant mutant_;
  const size_t keys_;
  bool stopped_ = false;
  uint64_t busy_in_ = 0;  // The hub's generation in which a change is on its way.
  uint64_t values_ = 0;
  uint64_t changes_ = 0;
  std::vector<hub::WriteBatch> not_really_synced_;
  std::vector<std::pair<intent::ClusterId, object::Sha256>> trees_;
};

}  // namespace leidang::sim
