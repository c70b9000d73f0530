#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/object/value.h"
#include "common/random/random.h"
#include "hub/control/fleet_records.h"
#include "hub/control/owner_reconciler.h"
#include "hub/store/store.h"

namespace leidang::hub {

// Desk takes what people and the config repository write: checks it, keeps the rule that an object
// has one owner, writes it to the ledger, has it audited, and triggers whom it concerns.
//
// A refusal is a status: kInvalidArgument (the object is wrong), kFailedPrecondition (it may not be
// changed this way or now), kNotFound; the message says what to do. Answers come after the ledger
// has it durably. Loop-bound; all references must outlive it.
class Desk {
 public:
  enum class Outcome { kCreated, kConfigured, kUnchanged };
  struct Applied {
    std::string kind;  // As written.
    std::string ns;
    std::string name;
    absl::StatusOr<Outcome> outcome = absl::UnknownError("");
    std::vector<std::string> warnings;
  };
  enum class Mode { kApply, kDryRun };
  using ApplyDone = std::function<void(std::vector<Applied>)>;
  using DeleteDone = std::function<void(absl::StatusOr<uint64_t> applications)>;

  Desk(EventLoop& loop, FleetRecords& records, const Store& store, OwnerReconciler& owners,
       Random& random)
      : loop_(loop), records_(records), store_(store), owners_(owners), random_(random) {}

  struct Submission {
    object::Value manifest;
    std::string owner = kApiOwner;  // Or "config <file>@<commit>".
  };
  // Each object on its own, in order; results in the same order. They count as written at one
  // moment, and nothing is looked at before all are.
  void Apply(const std::vector<Submission>& submissions, const Author& author, Mode mode,
             ApplyDone done);
  void Apply(const std::vector<object::Value>& manifests, const std::string& owner,
             const Author& author, Mode mode, ApplyDone done);

  // For `confirm`, where the asker has confirmed in another way: by a commit.
  static constexpr uint64_t kAnyNumber = ~uint64_t{0};

  struct Target {
    WrittenKind kind = WrittenKind::kApplicationSet;
    std::string key;
  };
  // Marks a set or an Application for deletion; answers with how many Applications go with it. A
  // set that has any asks for `confirm` to be their number. Without a policy, each ends as its own
  // finalizers say. Projects and repositories go at once, unless they are in use.
  void Delete(const Target& target, std::optional<uint64_t> confirm,
              std::optional<intent::DeletionPolicy> policy, const std::string& owner,
              const Author& author, DeleteDone done);

  // Removes a cluster. One that has joined and has assignments asks for a policy: its Applications
  // are ended under it, and the registration goes when the agent has carried that out.
  void DeleteCluster(const std::string& name, std::optional<intent::DeletionPolicy> policy,
                     const std::string& owner, const Author& author, DeleteDone done);

  struct Registration {
    std::string name;
    std::string server;
    std::string project;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;
    absl::Duration token_life = absl::Hours(1);
  };
  struct Registered {
    intent::ClusterId id;
    std::string token;  // Never shown again.
    absl::Time expires_at;
  };
  // Registers a cluster, or gives one that exists another token (its labels are replaced if any are
  // given).
  void Register(const Registration& registration, const Author& author,
                std::function<void(absl::StatusOr<Registered>)> done);

  // The config repository does not mention this any more, and it is not deleted for that: from now
  // on it may be changed through the API.
  void Release(const Target& target, const Author& author);

  // Called on the loop after a cluster was created or changed.
  std::function<void(const intent::ClusterId&)> on_cluster_changed = [](const intent::ClusterId&) {
  };
  // …and after the credentials of a repository were.
  std::function<void()> on_settings_changed = [] {};
  std::function<void(const std::string&)> on_repository_changed = [](const std::string&) {};

 private:
  struct Draft;
  struct Applying;

  absl::StatusOr<Draft> Read(const object::Value& manifest, const std::string& owner,
                             Applied* applied) const;
  absl::StatusOr<Draft> ReadWritten(WrittenKind kind, const object::Value& manifest,
                                    Draft draft) const;
  absl::StatusOr<Draft> ReadCluster(const object::Value& manifest, Draft draft,
                                    Applied* applied) const;
  // These run within FleetRecords::Update.
  absl::StatusOr<Outcome> Settle(Draft* draft, absl::Time now);
  absl::StatusOr<Outcome> SettleCluster(ClusterRegistration* cluster);
  absl::StatusOr<ClusterRegistration> Registering(const Registration& registration);
  absl::StatusOr<ClusterRegistration> Leaving(const std::string& name,
                                              std::optional<intent::DeletionPolicy> policy,
                                              const std::string& owner,
                                              uint64_t* applications) const;
  absl::StatusOr<const WrittenObject*> Deletable(const Target& target,
                                                 const std::string& owner) const;

  static FleetRecords::Changes ChangesOf(const Draft& draft);
  void AuditApplied(const Applied& applied, const Author& author);
  static absl::Status CheckStays(const ClusterRegistration& cluster);
  absl::Status CheckNew(const ClusterRegistration& cluster) const;
  void Bear(ClusterRegistration* cluster);
  void FinishApply(Applying& call);
  void TriggerFor(const Draft& draft);
  absl::Status CheckUnused(const Target& target) const;
  uint64_t ApplicationsOf(const Target& target) const;

  EventLoop& loop_;
  FleetRecords& records_;
  const Store& store_;
  OwnerReconciler& owners_;
  Random& random_;
};

}  // namespace leidang::hub
