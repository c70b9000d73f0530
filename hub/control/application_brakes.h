#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "hub/control/desk.h"
#include "hub/control/fleet_records.h"
#include "hub/control/operations.h"
#include "hub/store/store.h"

namespace leidang::hub {

// The brakes of Applications: each agent holds deletions of objects that are too many, until the
// exact list is approved. What is known of them here is what the agents reported last, of clusters
// that are offline too.
//
// An approval is a sync with the digest of the list (docs/adr/0021): durable when it is answered,
// sent when the cluster is reachable, refused by the agent if the list is another one by then.
//
// Loop-bound; all references must outlive it.
class ApplicationBrakes {
 public:
  struct Held {
    std::string application;  // "leidang/cart".
    intent::ClusterId cluster;
    std::string cluster_name;
    std::string list;                // The agent's digest of the exact list, in hex.
    std::string digest;              // Of that list of this Application on this cluster, in hex.
    uint64_t objects = 0;            // In the list.
    std::vector<std::string> names;  // The first of them.
    absl::Time since;
    std::string why;
  };

  ApplicationBrakes(const FleetRecords& records, const Store& store, Operations& operations)
      : records_(records), store_(store), operations_(operations) {}

  // The first `limit` by key. Costs a look at the index, and reads what holds.
  absl::StatusOr<std::vector<Held>> List(size_t limit) const;

  // By its digest, or at least 12 digits of it. kNotFound if no Application holds that list.
  absl::StatusOr<Held> Find(absl::string_view digest) const;
  // Answers when the approval of exactly that list is durable, and in the audit log. Errors as
  // Operations::Request.
  void Approve(const Held& held, const Author& author,
               const std::function<void(absl::Status)>& done);

 private:
  // Appends what this Application holds, if anything.
  absl::Status Read(const std::string& key, std::vector<Held>* held) const;

  const FleetRecords& records_;
  const Store& store_;
  Operations& operations_;
};

// "application leidang/cart on staging".
std::string BrakeText(const ApplicationBrakes::Held& held);

}  // namespace leidang::hub
