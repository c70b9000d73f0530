#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "cli/connection.h"
#include "common/time/clock.h"

namespace leidang::cli {

// Where a command writes. `out` is what scripts read, `err` what people read besides.
struct Streams {
  std::ostream& out;
  std::ostream& err;
};

enum class Format { kTable, kJson, kYaml, kName };
absl::StatusOr<Format> ParseFormat(absl::string_view text);

struct ApplyOptions {
  std::vector<std::string> files;  // Files, folders (their *.yaml, *.yml, *.json) or "-".
  bool dry_run = false;
};
absl::Status Apply(Connection& connection, const ApplyOptions& options, Streams streams);

struct GetOptions {
  std::string kind;
  std::string name;  // Empty: all.
  std::string cluster, set, selector;
  // Of Applications.
  std::string project, sync, health, name_part;
  bool counts = false;  // How many there are in each state, and no list.
  std::string format = "table";
};
absl::Status Get(Connection& connection, const GetOptions& options, const Clock& clock,
                 Streams streams);

absl::Status Describe(Connection& connection, std::string kind, std::string name,
                      const Clock& clock, Streams streams);

struct WatchOptions {
  std::string kind;
  std::string cluster, set;
  bool until_synced = false;  // Ends when everything is synced and healthy.
  absl::Duration timeout = absl::InfiniteDuration();
};
absl::Status Watch(Connection& connection, const WatchOptions& options, Streams streams);

struct DeleteOptions {
  std::string kind;
  std::string name;
  std::optional<uint64_t> confirm;
  std::string cascade;  // "", "foreground", "background", "orphan".
};
absl::Status Delete(Connection& connection, const DeleteOptions& options, Streams streams);

struct RegisterOptions {
  std::string name;
  std::string server;
  std::string project;
  std::vector<std::string> labels;       // "key=value".
  std::vector<std::string> annotations;  // "key=value".
  absl::Duration token_life = absl::Hours(1);
  std::string format = "table";
};
absl::Status RegisterCluster(Connection& connection, const RegisterOptions& options,
                             Streams streams);

absl::Status Refresh(Connection& connection, const std::string& set, Streams streams);

// Clusters that a restored hub holds back, and what would follow; `accept`: lets them go on.
struct RecoverOptions {
  bool accept = false;
  bool although_unsettled = false;
  std::string cluster;  // Empty: all that have been compared.
};
absl::Status Recover(Connection& connection, const RecoverOptions& options, const Clock& clock,
                     Streams streams);

// Deletions that wait for a person, and what is decided about one list of them.
absl::Status ListBrakes(Connection& connection, const Clock& clock, Streams streams);
absl::Status DecideBrake(Connection& connection, const std::string& digest,
                         v1::DecideBrakeRequest::Verdict verdict, Streams streams);

// What the hub reads from Git, and whether it could.
absl::Status ListSources(Connection& connection, const Clock& clock, Streams streams);

// Applications that agents hold and the hub does not account for, and what is decided about one.
struct UnclaimedOptions {
  std::string name;  // NAME or NAMESPACE/NAME.
  std::string cluster;
  std::string cascade;  // Of a release.
};
absl::Status ListUnclaimed(Connection& connection, const std::string& cluster, const Clock& clock,
                           Streams streams);
absl::Status ReleaseUnclaimed(Connection& connection, const UnclaimedOptions& options,
                              Streams streams);
absl::Status AdoptUnclaimed(Connection& connection, const UnclaimedOptions& options,
                            Streams streams);

// "foreground", "background", "orphan"; unspecified for "".
absl::StatusOr<v1::DeleteRequest::Cascade> ParseCascade(const std::string& text);

absl::Status Version(Connection* connection, Streams streams);

// kNotFound, kInvalidArgument if there are several of this name.
absl::StatusOr<v1::Resource> GetOne(Connection& connection, v1::Kind kind, const std::string& name);

// An Application that is Synced and Healthy at its newest assignment, on a cluster that is
// connected; or anything else.
bool IsSettled(const v1::Resource& resource);

// Every page of a list.
absl::StatusOr<std::vector<v1::Resource>> ListAll(Connection& connection,
                                                  const v1::ListRequest& request);

}  // namespace leidang::cli
