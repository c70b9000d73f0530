#include "hub/store/memory_store.h"

#include <utility>

#include "common/base/status_macros.h"
#include "hub/store/row_store.h"

namespace leidang::hub {

absl::StatusOr<std::unique_ptr<Store>> OpenMemoryStore(MemoryRows* disk, EventLoop* commit_loop,
                                                       const MemoryStoreOptions& options) {
  CommitLimits limits;
  limits.delay = options.commit_delay;
  ASSIGN_OR_RETURN(std::unique_ptr<RowStore> store, RowStore::Open(disk, commit_loop, limits));
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace leidang::hub
