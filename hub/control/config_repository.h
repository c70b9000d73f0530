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

// ConfigRepository follows a folder of a Git repository and makes the fleet's configuration what it
// says: objects are applied when they change and deleted when their manifest was removed by a
// commit that could be read and applied in full. What was made through the API is not touched.
//
// The brake of the configuration holds the removal of each set and each cluster until a person has
// approved it (a set whose own limit allows as many deletions as it has Applications goes at once),
// and that of too many Applications at a time. An approved cluster leaves the fleet with what is
// deployed there.
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

  struct Taking;

  void Read(const GitId& commit);
  void OnRead(const Reading& reading);
  void OnApplied(const std::shared_ptr<Taking>& taking, const std::vector<Desk::Applied>& results);
  void FindMissing(const std::shared_ptr<Taking>& taking);
  // Leaves in the taking what need not wait; what the ledger must know before.
  FleetRecords::Changes Brake(Taking& taking);
  Brakes::Question Ask(const Brakes::Owner& owner, BrakeLimit::Kind limit) const;
  bool AllowsItsEnd(const WrittenObject& set) const;
  void RemoveMissing(const std::shared_ptr<Taking>& taking);
  void DeleteMissing(const std::shared_ptr<Taking>& taking);
  std::string ClusterText(const intent::ClusterId& id) const;
  void Finish(const absl::Status& status);
  void SetStatus(const absl::Status& status);

  const Parts parts_;
  const Options options_;

  bool reading_ = false;
  bool again_ = false;
  std::string commit_;
  absl::Status status_ = absl::UnavailableError("the config repository was not read yet");
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
