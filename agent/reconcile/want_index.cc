#include "agent/reconcile/want_index.h"

#include <utility>

namespace leidang::agent {

void WantIndex::Set(const EntryRef& entry, const object::Sha256& element,
                    std::set<object::ObjectKey> keys) {
  Erase(entry);
  for (const object::ObjectKey& key : keys) claimers_[key].insert(entry);
  entries_[entry] = {element, true, std::move(keys)};
}

void WantIndex::SetFailed(const EntryRef& entry, const object::Sha256& element) {
  entries_[entry].element = element;
}

void WantIndex::Erase(const EntryRef& entry) {
  const auto found = entries_.find(entry);
  if (found == entries_.end()) return;
  for (const object::ObjectKey& key : found->second.keys) {
    const auto claimers = claimers_.find(key);
    claimers->second.erase(entry);
    if (claimers->second.empty()) claimers_.erase(claimers);
  }
  entries_.erase(found);
}

bool WantIndex::Settled(const EntryRef& entry, const object::Sha256& element) const {
  const auto found = entries_.find(entry);
  return found != entries_.end() && found->second.element == element;
}

const std::set<object::ObjectKey>* WantIndex::WantsOf(const EntryRef& entry) const {
  const auto found = entries_.find(entry);
  return found == entries_.end() || !found->second.rendered ? nullptr : &found->second.keys;
}

std::optional<EntryRef> WantIndex::ClaimerOf(const object::ObjectKey& key,
                                             const EntryRef& except) const {
  const auto found = claimers_.find(key);
  if (found == claimers_.end()) return std::nullopt;
  for (const EntryRef& claimer : found->second) {
    if (claimer != except) return claimer;
  }
  return std::nullopt;
}

}  // namespace leidang::agent
