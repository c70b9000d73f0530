#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"

#include "leidang/v1/fleet.grpc.pb.h"

namespace leidang::cli {

// Where the hub is and how to be let in. Each comes from its flag, then its environment variable
// (LEIDANG_HUB, LEIDANG_CA_FILE, LEIDANG_TOKEN), then the configuration file.
struct ConnectionOptions {
  std::string hub;      // "host:port" of the user port.
  std::string ca_file;  // The hub's authority, PEM.
  std::string token;
  absl::Duration timeout = absl::Seconds(30);  // Of one call.
};

// $XDG_CONFIG_HOME/leidang/config.yaml, or ~/.config/leidang/config.yaml.
std::string ConfigPath();

// Fills what is empty in `options` from the configuration file, if there is one. kInvalidArgument,
// with file and line, for one that cannot be read.
absl::Status FillFromConfig(const std::string& path, ConnectionOptions* options);

// One hub, over TLS verified by its authority; there is no plaintext. Thread-compatible.
class Connection {
 public:
  // kInvalidArgument when something is missing, saying which flag gives it.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options);

  v1::Fleet::Stub& fleet() { return *fleet_; }

  // Sets the token, and the deadline unless `timeout` is infinite.
  void Prepare(grpc::ClientContext* context) const;
  void PrepareStream(grpc::ClientContext* context, absl::Duration timeout) const;

  // A status with what failed, on what, and what to do.
  absl::Status Explain(const grpc::Status& status, absl::string_view what) const;

 private:
  explicit Connection(ConnectionOptions options) : options_(std::move(options)) {}

  const ConnectionOptions options_;
  std::unique_ptr<v1::Fleet::Stub> fleet_;
};

}  // namespace leidang::cli
