#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "common/time/event_loop.h"
#include "hub/store/store.h"
#include "hub/store/write_batch.h"

namespace leidang::hub {

// As much as the store writes with one sync, so that others' writes come in between.
inline constexpr size_t kPartBytes = 8 << 20;

// Commits what may be more than the store takes at once, one batch after another
// (WriteBatch::InParts); one that fails is the last. For batches of which each may come without
// those behind it.
// `done` is called on the loop, or at once if there is nothing to write; neither is anything begun
// nor `done` called once `*alive` is false.
void CommitParts(Store& store, EventLoop& loop, std::shared_ptr<const bool> alive,
                 std::vector<WriteBatch> batches, std::function<void(const absl::Status&)> done);

}  // namespace leidang::hub
