#pragma once

// What happened lately: corrections of single objects, capped per minute, and prunes of an
// Application within the hour that its brake looks at. In memory; prunes are remembered in the
// entry's note, so that a restart does not open the brake.
//
// Pure: times are monotonic and passed in. Thread-compatible.

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"

#include "agent/state/transaction.h"
#include "common/object/key.h"

namespace leidang::agent {

class RecentCorrections {
 public:
  static constexpr absl::Duration kWindow = absl::Minutes(1);

  explicit RecentCorrections(size_t per_minute_max) : per_minute_max_(per_minute_max) {}

  void Add(const object::ObjectKey& key, absl::Duration now);
  // Objects that were corrected as often as is allowed, with the time when the next correction is.
  std::map<object::ObjectKey, absl::Duration> Rested(absl::Duration now);

 private:
  void Forget(absl::Duration now);

  const size_t per_minute_max_;
  std::map<object::ObjectKey, std::deque<absl::Duration>> times_;
  std::deque<std::pair<absl::Duration, object::ObjectKey>> order_;  // Oldest first.
};

class RecentPrunes {
 public:
  static constexpr absl::Duration kWindow = absl::Hours(1);

  void Add(const EntryRef& entry, size_t count, absl::Duration now);
  // Takes what was remembered as having happened now, once for an entry: no clock tells how long
  // the process was away, and holding too long is the safe side.
  void Restore(const EntryRef& entry, size_t count, absl::Duration now);
  size_t Count(const EntryRef& entry, absl::Duration now);
  void Erase(const EntryRef& entry);

 private:
  std::map<EntryRef, std::deque<std::pair<absl::Duration, size_t>>> times_;
  std::set<EntryRef> restored_;
};

}  // namespace leidang::agent
