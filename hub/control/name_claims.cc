#include "hub/control/name_claims.h"

#include <algorithm>
#include <utility>

namespace leidang::hub {

bool NameClaims::Holds(const OwnerKey& owner, const std::string& name) const {
  const auto found = holders_.find(name);
  return found != holders_.end() && *found->second == owner;
}

std::set<OwnerKey> NameClaims::Release(const std::string& name, const OwnerKey& owner) {
  const auto found = holders_.find(name);
  if (found == holders_.end() || *found->second != owner) return {};
  holders_.erase(found);
  const auto waiting = waiting_.find(name);
  return waiting == waiting_.end() ? std::set<OwnerKey>() : waiting->second;
}

std::set<OwnerKey> NameClaims::WaitingFor(const std::string& name) const {
  const auto waiting = waiting_.find(name);
  return waiting == waiting_.end() ? std::set<OwnerKey>() : waiting->second;
}

std::optional<OwnerKey> NameClaims::Against(const std::string& name, const OwnerKey& owner) const {
  const auto found = holders_.find(name);
  if (found != holders_.end()) {
    return *found->second == owner ? std::nullopt : std::optional<OwnerKey>(*found->second);
  }
  const auto waiting = waiting_.find(name);
  if (waiting == waiting_.end()) return std::nullopt;
  for (const OwnerKey& other : waiting->second) {
    if (other != owner && precedes_(other, owner)) return other;
  }
  return std::nullopt;
}

std::set<OwnerKey> NameClaims::SetWaiting(const OwnerKey& owner, std::set<std::string> names) {
  std::set<OwnerKey> freed;
  std::set<std::string>& before = waits_for_[owner];
  for (const std::string& name : before) {
    if (names.contains(name)) continue;
    std::set<OwnerKey>& waiting = waiting_[name];
    waiting.erase(owner);
    if (!holders_.contains(name)) freed.insert(waiting.begin(), waiting.end());
    if (waiting.empty()) waiting_.erase(name);
  }
  for (const std::string& name : names) waiting_[name].insert(owner);
  before = std::move(names);
  if (before.empty()) waits_for_.erase(owner);
  return freed;
}

bool NameClaims::HeldAgainstOrder(const std::string& name) const {
  const auto holder = holders_.find(name);
  const auto waiting = waiting_.find(name);
  if (holder == holders_.end() || waiting == waiting_.end()) return false;
  return std::any_of(waiting->second.begin(), waiting->second.end(),
                     [&](const OwnerKey& other) { return precedes_(other, *holder->second); });
}

}  // namespace leidang::hub
