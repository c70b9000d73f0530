#include "agent/reconcile/want_index.h"

#include <utility>

namespace leidang::agent {

std::set<EntryRef> WantIndex::Set(const EntryRef& entry, const object::Sha256& element,
                                  std::set<object::ObjectKey> keys) {
  const std::set<EntryRef> waiting = LetGo(entry, keys);
  for (const object::ObjectKey& key : keys) claimers_[key].insert(entry);
  entries_[entry] = {element, true, std::move(keys)};
  return waiting;
}

void WantIndex::SetFailed(const EntryRef& entry, const object::Sha256& element) {
  entries_[entry].element = element;
}

std::set<EntryRef> WantIndex::Erase(const EntryRef& entry) {
  const std::set<EntryRef> waiting = LetGo(entry, {});
  entries_.erase(entry);
  return waiting;
}

std::set<EntryRef> WantIndex::LetGo(const EntryRef& entry,
                                    const std::set<object::ObjectKey>& kept) {
  std::set<EntryRef> waiting;
  const auto found = entries_.find(entry);
  if (found == entries_.end()) return waiting;
  for (const object::ObjectKey& key : found->second.keys) {
    if (kept.contains(key)) continue;
    const auto claimers = claimers_.find(key);
    claimers->second.erase(entry);
    waiting.insert(claimers->second.begin(), claimers->second.end());
    if (claimers->second.empty()) claimers_.erase(claimers);
  }
  return waiting;
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

std::set<EntryRef> WantIndex::ClaimersOf(const object::ObjectKey& key,
                                         const EntryRef& except) const {
  const auto found = claimers_.find(key);
  if (found == claimers_.end()) return {};
  std::set<EntryRef> claimers = found->second;
  claimers.erase(except);
  return claimers;
}

}  // namespace leidang::agent
