#pragma once

// WantIndex: which entries of this agent want which objects, as of their last renders. By it an
// object that moves from one Application to another is handed over instead of pruned.
//
// Pure; thread-compatible.

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/state/transaction.h"
#include "common/object/key.h"
#include "common/object/sha256.h"

namespace leidang::agent {

class WantIndex {
 public:
  // `entry` was rendered at `element` and wants `keys`. Returns the others that want something of
  // what it does not want any more.
  std::set<EntryRef> Set(const EntryRef& entry, const object::Sha256& element,
                         std::set<object::ObjectKey> keys);
  // Rendering `element` failed: what was wanted before stands.
  void SetFailed(const EntryRef& entry, const object::Sha256& element);
  // The entry ended, or does not claim anything any more. Returns as Set.
  std::set<EntryRef> Erase(const EntryRef& entry);

  // True if that element has been rendered, or was found to be not renderable.
  bool Settled(const EntryRef& entry, const object::Sha256& element) const;
  // nullptr if the entry has never been rendered.
  const std::set<object::ObjectKey>* WantsOf(const EntryRef& entry) const;
  // An entry other than `except` that wants the object; of several the first by name.
  std::optional<EntryRef> ClaimerOf(const object::ObjectKey& key, const EntryRef& except) const;
  // All of them.
  std::set<EntryRef> ClaimersOf(const object::ObjectKey& key, const EntryRef& except) const;

 private:
  struct Wants {
    object::Sha256 element;
    bool rendered = false;
    std::set<object::ObjectKey> keys;
  };

  // Of what it wanted, all but `kept`; the others that want that.
  std::set<EntryRef> LetGo(const EntryRef& entry, const std::set<object::ObjectKey>& kept);

  std::map<EntryRef, Wants> entries_;
  std::map<object::ObjectKey, std::set<EntryRef>> claimers_;
};

}  // namespace leidang::agent
