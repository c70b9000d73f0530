#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/intent/status.h"
#include "common/time/event_loop.h"
#include "hub/control/fleet_records.h"
#include "hub/control/owner_reconciler.h"
#include "hub/store/store.h"

namespace leidang::hub {

// Where people decide about unclaimed Applications: what an agent holds, as it said last, and no
// set and no Application of this hub accounts for under that uid. They are kept until somebody
// either releases them (they end at the cluster) or adopts them (they are this hub's from then on).
//
// A decision is durable before it is answered, and is appended to the audit log when it is; the
// agent hears of it when it is connected. Deciding the same again changes nothing.
//
// Loop-bound; all references must outlive it.
class UnclaimedDesk {
 public:
  struct Parts {
    EventLoop& loop;
    FleetRecords& records;
    const Store& store;
    OwnerReconciler& owners;
    // Something of that cluster was decided: its log must hear of it.
    std::function<void(const intent::ClusterId&)> decided;
  };
  explicit UnclaimedDesk(Parts parts) : parts_(std::move(parts)) {}

  struct Entry {
    intent::ClusterId cluster;
    std::string cluster_name;
    enum class State {
      kKept,
      kEnding,   // Released, or taken over by a namesake; the agent has not reported the end.
      kAdopted,  // This hub's own by now; the agent has not said so.
    } state = State::kKept;
    std::string why;     // For people.
    std::string source;  // What it deploys, as far as the agent says.
    intent::EntryStatus status;
  };
  struct Listed {
    std::vector<Entry> entries;  // By cluster id, then key.
    std::string next;            // Continues the list; empty at the end.
  };
  // Of one cluster, or, with no name, of all, some clusters at a time. kNotFound if there is no
  // such cluster, kInvalidArgument for a token that is none.
  absl::StatusOr<Listed> List(const std::string& cluster, const std::string& token) const;

  struct Target {
    std::string cluster;
    std::string ns;  // Empty: the only one of that name.
    std::string name;
  };
  struct Decided {
    intent::ClusterId cluster;
    std::string key;
    // How many uids of that name end that nothing had been decided about before.
    uint64_t ending = 0;
    enum class Written {
      kNo,
      kAsHeld,  // Under the agent's uid.
      kAnew,    // Under another one: to be adopted once more when it is assigned.
    } written = Written::kNo;
  };
  using Done = std::function<void(absl::StatusOr<Decided>)>;

  // It ends at the cluster, under that policy. A later Application of that name gets another uid.
  // kNotFound: nothing unclaimed has that name there; kInvalidArgument: several have, which are
  // listed; kFailedPrecondition: no policy, it is this hub's own by now, or the cluster is
  // recovering or being removed.
  void Release(const Target& target, std::optional<intent::DeletionPolicy> policy,
               const Author& author, Done done);

  // It becomes this hub's. Where the hub has an Application of that name on that cluster, that one
  // takes over its objects, and the unclaimed entries end without them. Otherwise it is written as
  // an Application of the API as the agent holds it, under the agent's uid where that is one that
  // this hub would give. No object is deleted by this. Refused as Release; kFailedPrecondition too
  // if the hub has the name elsewhere, or the agent does not say what it holds.
  void Adopt(const Target& target, const Author& author, Done done);

 private:
  absl::StatusOr<std::vector<Entry>> Of(const ClusterRegistration& cluster, size_t* read) const;
  Entry Described(const ClusterRegistration& cluster, intent::EntryStatus status) const;
  // All uids of the one name that is meant.
  absl::StatusOr<std::vector<Entry>> Find(const Target& target) const;
  absl::StatusOr<FleetRecords::Changes> Releasing(const std::vector<Entry>& found,
                                                  std::optional<intent::DeletionPolicy> policy,
                                                  Decided* decided) const;
  absl::StatusOr<FleetRecords::Changes> Adopting(const std::vector<Entry>& found,
                                                 Decided* decided) const;
  FleetRecords::Changes HandOver(const std::vector<Entry>& found, const intent::Uid& to,
                                 Decided* decided) const;
  absl::StatusOr<FleetRecords::Changes> Writing(const std::vector<Entry>& found,
                                                Decided* decided) const;
  change::DecideUnclaimed EndOf(const Entry& entry, intent::DeletionPolicy policy,
                                std::string reason) const;
  void Decide(
      const std::string& what, const Target& target, const Author& author, Done done,
      std::function<absl::StatusOr<FleetRecords::Changes>(const std::vector<Entry>&, Decided*)>
          decide);

  const Parts parts_;
};

}  // namespace leidang::hub
