#pragma once

// A list of conditions has one of each type, sorted by type. These functions are the only ones that
// change such lists, so that `since` means the same everywhere: when the condition's status or
// reason last changed, whatever has become of its message.
//
// They take any struct with `type`, `reason`, `message` and `since`, and `status` where it has one
// (hub::Condition, intent::StatusCondition).
//
// Pure; thread-compatible.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace leidang::conditions {

template <typename Condition>
const Condition* FindCondition(const std::vector<Condition>& list, absl::string_view type) {
  const auto it =
      std::find_if(list.begin(), list.end(), [type](const Condition& c) { return c.type == type; });
  return it == list.end() ? nullptr : &*it;
}

template <typename Condition>
bool SameStatus(const Condition& a, const Condition& b) {
  if constexpr (requires { a.status == b.status; }) {
    if (!(a.status == b.status)) return false;
  }
  return a.reason == b.reason;
}

// Puts `condition`, whose `since` is the time now, in the place of the one of its type. If status
// and reason stay, so does the older `since`. True if the list has changed.
template <typename Condition>
bool SetCondition(std::vector<Condition>& list, Condition condition) {
  const auto at =
      std::lower_bound(list.begin(), list.end(), condition.type,
                       [](const Condition& c, const std::string& type) { return c.type < type; });
  if (at == list.end() || at->type != condition.type) {
    list.insert(at, std::move(condition));
    return true;
  }
  if (SameStatus(*at, condition)) {
    if (at->message == condition.message) return false;
    condition.since = at->since;
  }
  *at = std::move(condition);
  return true;
}

// True if it was there.
template <typename Condition>
bool RemoveCondition(std::vector<Condition>& list, absl::string_view type) {
  const auto it =
      std::find_if(list.begin(), list.end(), [type](const Condition& c) { return c.type == type; });
  if (it == list.end()) return false;
  list.erase(it);
  return true;
}

}  // namespace leidang::conditions
