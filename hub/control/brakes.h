#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/object/sha256.h"
#include "hub/control/brake_limit.h"
#include "hub/control/fleet_records.h"
#include "hub/model/decided.h"

namespace leidang::hub {

// A deletion that somebody would decide now, or that waits.
struct BrakedDeletion {
  std::string name;  // "leidang/cart"; in the configuration "set leidang/shop".
  std::string uid;   // Tells it from a namesake.

  friend auto operator<=>(const BrakedDeletion&, const BrakedDeletion&) = default;
};

// Brakes hold deletions that are too many at a time, until a person has approved exactly those.
// What is decided about is one scope at a time: a set, a cluster, the configuration.
//
// Deletions of the last hour count together. What is held stays held, whatever time passes: it is
// approved, or lapses when nobody wants it deleted any more. An approval names the digest of the
// exact list, so what was added since waits on. Decisions are in the ledger (Brake); names of what
// is held come from those who would delete it, anew after each start.
//
// The tables change with Judge; the ledger follows with the changes that it gives, in order.
// Loop-bound; `records` must outlive it.
class Brakes {
 public:
  // Who asks: the text of an OwnerKey, or one of those of the config repository.
  using Owner = std::string;
  static constexpr char kConfiguration[] = "config";  // Sets and clusters.
  static constexpr char kConfiguredApplications[] = "config applications";
  // Sets and Applications of it that are more than a cluster lets go of.
  static constexpr char kConfiguredAtClusters[] = "config at clusters";
  static constexpr const char* kAllOfConfiguration[] = {kConfiguration, kConfiguredApplications,
                                                        kConfiguredAtClusters};
  // Whether a call names all that its owner would delete. If not, what it does not name stays as it
  // is.
  enum class Wishes { kAll, kSome };

  struct Question {
    BrakeId brake;
    Owner owner;
    std::vector<BrakedDeletion> wishes;
    Wishes complete = Wishes::kAll;
    BrakeLimit limit;
    uint64_t total = 0;              // What there is, before any of it goes.
    std::set<std::string> approved;  // Of the wishes, in whatever scope (IsApproved).
    std::string why;                 // For people, if they wait; empty: the numbers say it.
  };
  struct Held {
    BrakeId brake;
    std::vector<BrakedDeletion> deletions;  // Sorted.
    object::Sha256 digest;
    absl::Time since;
    std::string why;      // For people.
    std::string decided;  // Who refused exactly these; empty: nobody has.
    std::set<Owner> owners;
  };

  static constexpr size_t kDigitsMin = 12;  // Of a digest that names a list.
  // kNotFound, for people.
  static absl::Status NoSuchList(absl::string_view digest);

  explicit Brakes(FleetRecords& records) : records_(records) {}

  // Takes over what the ledger has. Call once, before anything else.
  void Load();

  // The names of those that must wait; adds what the ledger must know before any of the others is
  // decided.
  std::set<std::string> Judge(const Question& question, absl::Time now,
                              FleetRecords::Changes* changes);
  // Whether a person has approved it, in whatever scope.
  bool IsApproved(const Owner& owner, const BrakedDeletion& deletion) const;
  // Whether a brake of that owner's kept it until now, also before a restart.
  bool WasHeld(const Owner& owner, const BrakedDeletion& deletion) const;
  // How many went without a question within the last hour.
  uint64_t Recent(const BrakeId& brake, absl::Time now) const;
  // The owner is no more, or is deleted by name: nothing of it waits.
  void Forget(const Owner& owner, FleetRecords::Changes* changes);

  // What waits, by brake.
  std::vector<Held> List() const;
  bool Holds(const Owner& owner, absl::string_view name) const;
  // Those that hold, held or have approved something of the owner's.
  std::vector<BrakeId> Concerning(const Owner& owner) const;

  // Decide by the digest of a list as List gives it, or at least 12 of its digits. kNotFound if no
  // brake holds exactly that list now. `owners` are those that must be looked at then.
  struct Decision {
    std::string who;
    absl::Time at;
  };
  absl::StatusOr<FleetRecords::Changes> Approve(absl::string_view digest, const Decision& decision,
                                                Held* approved);
  absl::StatusOr<FleetRecords::Changes> Reject(absl::string_view digest, const Decision& decision,
                                               Held* rejected);

 private:
  struct Asked {
    std::vector<BrakedDeletion> held;  // Sorted.
    std::string why;
  };
  struct Entry {
    Brake brake;
    std::map<Owner, Asked> asked;  // Since the start.
    Held view;
  };

  Entry& EntryOf(const BrakeId& id);
  absl::StatusOr<Entry*> Named(absl::string_view digest);
  // Makes the view, and puts or erases the record.
  void Keep(Entry& entry, absl::Time now, FleetRecords::Changes* changes);

  FleetRecords& records_;
  std::map<BrakeId, Entry> entries_;
};

// "set leidang/shop", "cluster staging", "configuration".
std::string BrakeText(const BrakeId& brake, const FleetRecords& records);

}  // namespace leidang::hub
