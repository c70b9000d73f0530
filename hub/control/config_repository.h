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
#include "hub/control/desk.h"
#include "hub/control/fleet_records.h"
#include "hub/control/pinned_git.h"
#include "hub/control/repositories.h"

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
// commit that could be read and applied in full; clusters are only let go of. What was made through
// the API is not touched.
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

  ConfigRepository(EventLoop& loop, Workers& workers, Options options, FleetRecords& records,
                   Desk& desk, Repositories& repositories, GitListings& listings, Log& log);
  ~ConfigRepository();

  // Wants its input, and takes what is pinned already.
  void Start();
  // Its input, or the health of its repository, has changed.
  void OnInputChanged();

  // The last error; OK once a commit was taken in full.
  const absl::Status& status() const { return status_; }
  const std::string& commit() const { return commit_; }

 private:
  struct Reading {
    GitId commit;
    absl::StatusOr<ConfigObjects> objects = absl::UnknownError("");
  };

  struct Taking;

  void Read(const GitId& commit);
  void OnRead(const Reading& reading);
  void OnApplied(const std::shared_ptr<Taking>& taking, const std::vector<Desk::Applied>& results);
  void DeleteMissing(const std::shared_ptr<Taking>& taking);
  void Finish(const absl::Status& status);
  void SetStatus(const absl::Status& status);

  EventLoop& loop_;
  Workers& workers_;
  const Options options_;
  FleetRecords& records_;
  Desk& desk_;
  Repositories& repositories_;
  GitListings& listings_;
  Log& log_;

  bool reading_ = false;
  bool again_ = false;
  std::string commit_;
  absl::Status status_ = absl::UnavailableError("the config repository was not read yet");
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
