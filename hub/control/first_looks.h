#pragma once

#include <compare>
#include <map>
#include <set>

#include "absl/time/time.h"

#include "hub/control/owner_key.h"

namespace leidang::hub {

// FirstLooks puts the first looks at owners in order, so that a name that two of them want goes to
// the older one, then by name: also after a restart in which everything is looked at anew.
// Thread-compatible.
class FirstLooks {
 public:
  // The owner is to be looked at. No effect once it has been.
  void Expect(const OwnerKey& owner, absl::Time created_at) {
    if (seen_.contains(owner) || ranks_.contains(owner)) return;
    const Rank rank{created_at, owner.key, owner.kind};
    ranks_.emplace(owner, rank);
    expected_.emplace(rank, owner);
  }

  // A look has ended, however it did. True if it was the first.
  bool Seen(const OwnerKey& owner) {
    seen_.insert(owner);
    const auto rank = ranks_.find(owner);
    if (rank == ranks_.end()) return false;
    expected_.erase(rank->second);
    ranks_.erase(rank);
    return true;
  }
  // It is gone; a namesake is another one.
  void Forget(const OwnerKey& owner) {
    Seen(owner);
    seen_.erase(owner);
  }

  // Whether an owner before this one is still to be looked at, other than those for which
  // `excused` holds.
  template <typename Excused>
  bool MustWait(const OwnerKey& owner, const Excused& excused) const {
    const auto rank = ranks_.find(owner);
    if (rank == ranks_.end()) return false;
    for (const auto& [earlier, other] : expected_) {
      if (!(earlier < rank->second)) return false;
      if (!excused(other)) return true;
    }
    return false;
  }

 private:
  struct Rank {
    absl::Time created_at;
    std::string key;
    WrittenKind kind = WrittenKind::kApplicationSet;

    friend std::strong_ordering operator<=>(const Rank& a, const Rank& b) {
      if (a.created_at != b.created_at)
        return a.created_at < b.created_at ? std::strong_ordering::less
                                           : std::strong_ordering::greater;
      if (const auto order = a.key.compare(b.key); order != 0)
        return order < 0 ? std::strong_ordering::less : std::strong_ordering::greater;
      return a.kind <=> b.kind;
    }
    friend bool operator==(const Rank&, const Rank&) = default;
  };

  std::set<OwnerKey> seen_;
  std::map<OwnerKey, Rank> ranks_;  // Of the expected.
  std::map<Rank, OwnerKey> expected_;
};

}  // namespace leidang::hub
