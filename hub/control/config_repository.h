#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/log/log.h"
#include "common/object/value.h"
#include "common/time/workers.h"
#include "hub/control/brakes.h"
#include "hub/control/desk.h"
#include "hub/control/fleet_records.h"
#include "hub/control/owner_key.h"
#include "hub/control/owner_reconciler.h"
#include "hub/control/pinned_git.h"
#include "hub/control/repositories.h"
#include "hub/store/store.h"

namespace leidang::hub {

// The objects that a folder of a commit holds.
struct ConfigObjects {
  struct Item {
    std::string file;
    object::Value manifest;
  };
  std::vector<Item> items;
};

// Reads every .yaml, .yml and .json file below `path` ("" is the root). An error names file and
// line: nothing is taken of a folder that cannot be read as a whole. kNotFound for a path that is
// not there, kFailedPrecondition for one without any object: neither is taken for "everything was
// removed".
absl::StatusOr<ConfigObjects> ReadConfig(const generators::GitTree& tree, const std::string& path);

// What these objects are called. kInvalidArgument, naming the file, for one that cannot be read and
// for two of one name.
struct ConfigNames {
  std::set<std::pair<WrittenKind, std::string>> objects;
  std::set<std::string> clusters;
};
absl::StatusOr<ConfigNames> NamesIn(const ConfigObjects& objects,
                                    absl::string_view control_namespace);

// Whether what this owner wrote is the config repository's.
bool IsOfConfig(absl::string_view owner);

// ConfigRepository follows a folder of a Git repository and makes the fleet's configuration what it
// says: objects are applied when they change and deleted when their manifest was removed by a
// commit that could be read and applied in full. What was made through the API is not touched.
//
// The brake of the configuration holds the removal of each set and each cluster until a person has
// approved it, and that of too many Applications at a time. A set whose own limit allows as many
// deletions as it has Applications goes at once, and so do a few Applications, unless that is more
// than a cluster lets go of without a question: then they wait too. An approved cluster leaves the
// fleet with what is deployed there. A project goes when the last of what used it has gone.
//
// Loop-bound; all references must outlive it.
class ConfigRepository {
 public:
  struct Options {
    std::string url;
    std::string revision = "HEAD";
    std::string path;
  };
  // What Repositories calls this consumer.
  static constexpr char kConsumer[] = "config";

  struct Parts {
    EventLoop& loop;
    Workers& workers;
    FleetRecords& records;
    const Store& store;
    Desk& desk;
    Brakes& brakes;
    OwnerReconciler& owners;
    Repositories& repositories;
    GitListings& listings;
    Log& log;
  };
  ConfigRepository(const Parts& parts, Options options);
  ~ConfigRepository();

  // Wants its input, and takes what is pinned already.
  void Start();
  // Its input, or the health of its repository, has changed, or a brake was decided about.
  void OnInputChanged();
  // A look at an owner has ended: what waited for that may go on.
  void OnOwnerSettled(const OwnerKey& owner);

  // The last error; OK once a commit was taken in full.
  const absl::Status& status() const { return status_; }
  const std::string& commit() const { return commit_; }
  const Options& options() const { return options_; }
  // Without credentials.
  std::string shown_url() const;

 private:
  struct Reading {
    GitId commit;
    absl::StatusOr<ConfigObjects> objects = absl::UnknownError("");
  };

  // Everything that a commit says.
  struct Taking {
    std::string commit;
    std::vector<std::string> files;  // Of each object.
    ConfigNames names;
    std::vector<Desk::Target> gone;
    std::vector<intent::ClusterId> leaving;
    size_t left = 0;  // Deletions that have not been answered.
    absl::Status first_error;
  };

  void Read(const GitId& commit);
  void OnRead(const Reading& reading);
  void OnApplied(const std::shared_ptr<Taking>& taking, const std::vector<Desk::Applied>& results);
  void FindMissing(const std::shared_ptr<Taking>& taking);
  bool WaitsForUsers(const Taking& taking, const std::string& project);
  // Leaves in the taking what need not wait; what the ledger must know before.
  FleetRecords::Changes Brake(Taking& taking);
  // A set or an Application that is gone.
  struct Leaver {
    BrakedDeletion deletion;
    bool is_set = false;
    bool approved = false;
    std::vector<std::pair<intent::ClusterId, BrakedDeletion>> placed;
    bool waits = false;     // A set that does not allow its end.
    bool too_many = false;  // With the others, for a cluster.
  };
  Leaver LeaverOf(const Desk::Target& target);
  bool AllowsItsEnd(const WrittenObject& set);
  // Marks those that are too many for a cluster.
  void AskClusters(std::vector<Leaver>* leavers) const;
  // What goes without a question counts at its cluster.
  void CountAtClusters(const std::vector<Leaver>& leavers, const std::set<std::string>& held,
                       FleetRecords::Changes* changes) const;
  Brakes::Question Ask(const Brakes::Owner& owner, BrakeLimit::Kind limit) const;
  void RemoveMissing(const std::shared_ptr<Taking>& taking);
  void DeleteMissing(const std::shared_ptr<Taking>& taking);
  std::string ClusterText(const intent::ClusterId& id) const;
  void Finish(const absl::Status& status);
  void SetStatus(const absl::Status& status);

  const Parts parts_;
  const Options options_;

  // Looked at again when a look at one of them has ended.
  std::set<OwnerKey> awaited_;
  bool reading_ = false;
  bool again_ = false;
  std::string commit_;
  absl::Status status_ = absl::UnavailableError("the config repository was not read yet");
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
