#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "hub/ledger/ledger.h"

namespace leidang::hub {

// The last changes of a ledger: what turns the present state back into an earlier one, and what
// watches have not seen yet. Bounded; thread-compatible.
class LedgerHistory {
 public:
  LedgerHistory(size_t events_max, size_t bytes_max)
      : events_max_(events_max), bytes_max_(bytes_max) {}

  // Starts empty at that revision.
  void Start(LedgerRevision revision) { compacted_ = revision; }

  // REQUIRES: revisions do not decrease. `after` is nullopt for a delete.
  void Add(LedgerRevision revision, std::optional<LedgerEntry> before,
           std::optional<LedgerEntry> after);
  // Drops the oldest revisions that are beyond the limits.
  void Trim();

  // States at this revision and later, and changes after it, are known.
  LedgerRevision compacted() const { return compacted_; }

  // What differs between the state at `at` and the present one: each key's entry at `at`, nullopt
  // where it did not exist. REQUIRES: at >= compacted().
  std::map<std::string, std::optional<LedgerEntry>> DifferenceTo(LedgerRevision at,
                                                                 absl::string_view prefix) const;

  // Changes after `from` of keys with the prefix, whole revisions, until there are at least `most`
  // changes. `through` becomes the revision up to which that is all. REQUIRES: from >= compacted().
  std::vector<LedgerChange> After(LedgerRevision from, absl::string_view prefix, size_t most,
                                  LedgerRevision& through) const;

 private:
  struct Event {
    LedgerRevision revision = 0;
    std::string key;
    std::optional<LedgerEntry> before;
    std::optional<std::string> value;
    size_t bytes = 0;
  };

  const size_t events_max_;
  const size_t bytes_max_;
  LedgerRevision compacted_ = 0;
  size_t bytes_ = 0;
  std::deque<Event> events_;
};

}  // namespace leidang::hub
