// How a pass keeps the inventory in the cluster too.

#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/reconcile/entry_pass.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kRoom = "agent/reconcile";

object::Sha256 DigestOf(const EntryRef& entry, const InventoryMirror::Items& items) {
  return object::Sha256::Of(EncodeInventory(entry, items));
}

}  // namespace

// Once in the life of the program for each entry.
void EntryPass::ReadMirror(void (EntryPass::*then)()) {
  if (context_.mirror == nullptr || context_.mirrored.contains(ref_)) return (this->*then)();
  context_.mirror->Read(ref_, [this, alive = alive_,
                               then](absl::StatusOr<std::optional<InventoryMirror::Items>> answer) {
    if (!*alive) return;
    if (absl::IsDataLoss(answer.status())) {
      context_.log.Error(kRoom, "the inventory in the cluster cannot be used; it is made anew",
                         {{"app", ref_.key.name}, {"error", answer.status().message()}});
      answer = std::nullopt;
    }
    if (!answer.ok()) {
      return Fail(absl::Status(
          answer.status().code(),
          absl::StrCat("cannot read the inventory in the cluster: ", answer.status().message())));
    }
    context_.mirrored[ref_] = answer->has_value() ? DigestOf(ref_, **answer) : object::Sha256();
    if (!answer->has_value()) return (this->*then)();
    Restore(**answer, then);
  });
}

// Only where this disk knows nothing at all: what it knows is newer.
void EntryPass::Restore(const InventoryMirror::Items& items, void (EntryPass::*then)()) {
  const absl::StatusOr<std::vector<InventoryItem>> known = context_.state.Inventory(ref_);
  if (!known.ok()) return Fail(known.status());
  const bool new_here = known->empty() && findings_.entry.head.applied.IsNone();
  if (!new_here || items.empty()) return (this->*then)();
  Transaction transaction;
  for (const InventoryItem& item : items) transaction.push_back(PutInventory{ref_, item});
  context_.state.Commit(std::move(transaction), [this, alive = alive_, then,
                                                 count = items.size()](const absl::Status& put) {
    if (!*alive) return;
    if (!put.ok()) return Fail(put);
    context_.log.Info(kRoom, "the inventory was read from the cluster",
                      {{"app", ref_.key.name}, {"objects", count}});
    (this->*then)();
  });
}

void EntryPass::WriteMirror(std::function<void()> then) {
  if (context_.mirror == nullptr || !context_.mirrored.contains(ref_)) return then();
  const absl::StatusOr<std::vector<InventoryItem>> items = context_.state.Inventory(ref_);
  if (!items.ok()) return then();
  const object::Sha256 digest = items->empty() ? object::Sha256() : DigestOf(ref_, *items);
  if (context_.mirrored[ref_] == digest) return then();
  const auto written = [this, alive = alive_, digest,
                        then = std::move(then)](const absl::Status& status) {
    if (!*alive) return;
    if (status.ok()) {
      context_.mirrored[ref_] = digest;
    } else {
      context_.log.Warning(kRoom, "cannot keep the inventory in the cluster; will try again",
                           {{"app", ref_.key.name}, {"error", status.message()}});
    }
    then();
  };
  if (items->empty()) return context_.mirror->Remove(ref_, written);
  context_.mirror->Write(ref_, *items, written);
}

}  // namespace leidang::agent
