#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/time/event_loop.h"
#include "hub/store/memory_rows.h"
#include "hub/store/store.h"

namespace leidang::hub {

struct MemoryStoreOptions {
  absl::Duration commit_delay = absl::Milliseconds(1);  // What fsync takes.
};

// The Store in memory, for simulation and tests: the same code as on RocksDB, above other rows.
//
// `disk` and `commit_loop` must outlive it. To kill the hub, destroy the store: what was not
// committed is gone, and no `done` of it is called. `disk->DropUnsynced()` then loses what a crash
// of the machine loses; opening on the same disk is the restart. kDataLoss if the disk is damaged.
absl::StatusOr<std::unique_ptr<Store>> OpenMemoryStore(MemoryRows* disk, EventLoop* commit_loop,
                                                       const MemoryStoreOptions& options = {});

}  // namespace leidang::hub
