#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "hub/control/owner_key.h"

namespace leidang::hub {

// NameClaims knows which owner holds the name of each Application, and who else wants it.
//
// An owner keeps a name until it lets go of it. A free name goes to whoever of those that want it
// comes first by the given order (older sets before younger ones). Thread-compatible.
class NameClaims {
 public:
  // Whether `a` has the better claim to a name that is free.
  using Precedes = std::function<bool(const OwnerKey& a, const OwnerKey& b)>;

  explicit NameClaims(Precedes precedes) : precedes_(std::move(precedes)) {}

  void Hold(const std::string& name, const OwnerKey& owner) {
    holders_[name] = &*owners_.insert(owner).first;
  }
  bool Holds(const OwnerKey& owner, const std::string& name) const;
  // Frees a name, if it is `owner`'s. Returns those who wait for it.
  std::set<OwnerKey> Release(const std::string& name, const OwnerKey& owner);

  // Who keeps `owner` from taking the name: its holder, or one with a better claim that waits for
  // it. nullopt: it may take it.
  std::optional<OwnerKey> Against(const std::string& name, const OwnerKey& owner) const;

  // Replaces the names that the owner wants and others have. Returns who may take one that it wants
  // no more.
  std::set<OwnerKey> SetWaiting(const OwnerKey& owner, std::set<std::string> names);
  // Those who want a name that another has.
  std::set<OwnerKey> WaitingFor(const std::string& name) const;
  // Whether one who waits for the name would have it before its holder, were it free.
  bool HeldAgainstOrder(const std::string& name) const;

 private:
  const Precedes precedes_;
  std::set<OwnerKey> owners_;                          // Each once; a fleet has many names.
  std::map<std::string, const OwnerKey*> holders_;     // By name, in owners_.
  std::map<std::string, std::set<OwnerKey>> waiting_;  // By name.
  std::map<OwnerKey, std::set<std::string>> waits_for_;
};

}  // namespace leidang::hub
