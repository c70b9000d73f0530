#pragma once

// Who may tell a cluster what to be: the authority that Hello, Welcome, Changes, Ack and Operation
// carry.

#include <compare>
#include <cstdint>
#include <string>

#include "common/intent/intent.h"

namespace leidang::intent {

// A hub's claim on one cluster's log. `epoch` grows when the log passes to another hub or is
// restored, and `incarnation` is drawn at random then: the same epoch with another incarnation is a
// copy that went its own way.
struct Authority {
  HubId hub;
  uint64_t epoch = 0;
  uint64_t incarnation = 0;

  std::string ToString() const;  // "hub 0123… epoch 4.91ab…"
  friend bool operator==(const Authority&, const Authority&) = default;
};

enum class Standing {
  kFirst,    // Nothing is held yet: the offered one may be accepted.
  kSame,     // The very same claim; revisions can be compared.
  kNewer,    // The same hub id with a higher epoch: may be accepted, and intent is compared, not
             // resumed.
  kOlder,    // The same hub id with a lower epoch: reported, never obeyed.
  kForeign,  // Another hub id, or the same epoch with another incarnation: reported, never obeyed
             // until a person at the cluster accepts it.
};

// Where `offered` stands against the one that the agent `held` durably (default-constructed: none).
// The one place where authority is compared; meaningful only within one cluster.
Standing Compare(const Authority& held, const Authority& offered);

// True for kFirst, kSame and kNewer.
bool MayObey(Standing standing);

}  // namespace leidang::intent
