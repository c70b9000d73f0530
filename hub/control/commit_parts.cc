#include "hub/control/commit_parts.h"

#include <utility>

namespace leidang::hub {
namespace {

struct Parts {
  Store& store;
  EventLoop& loop;
  std::shared_ptr<const bool> alive;
  std::vector<WriteBatch> batches;
  size_t next = 0;
  std::function<void(const absl::Status&)> done;
};

void CommitNext(const std::shared_ptr<Parts>& parts) {
  if (parts->next == parts->batches.size()) return parts->done(absl::OkStatus());
  parts->store.Commit(std::move(parts->batches[parts->next++]), &parts->loop,
                      [parts](const CommitResult& result) {
                        if (!*parts->alive) return;
                        if (!result.status.ok()) return parts->done(result.status);
                        CommitNext(parts);
                      });
}

}  // namespace

void CommitParts(Store& store, EventLoop& loop, std::shared_ptr<const bool> alive,
                 std::vector<WriteBatch> batches, std::function<void(const absl::Status&)> done) {
  CommitNext(std::make_shared<Parts>(
      Parts{store, loop, std::move(alive), std::move(batches), 0, std::move(done)}));
}

}  // namespace leidang::hub
