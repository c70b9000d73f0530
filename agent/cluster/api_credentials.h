#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "agent/cluster/api_endpoint.h"
#include "common/log/log.h"
#include "common/object/value.h"
#include "common/time/clock.h"

namespace leidang::agent {

// What a request shows of itself. Any of it may be empty.
struct ApiIdentity {
  Secret token;
  std::string certificate;  // PEM
  Secret key;               // PEM
};

// ApiCredentials: the identity of an endpoint as it is now. A token file is read again once a
// minute, a plugin is run when what it gave expires; both when a server refused what they gave.
//
// Thread-compatible. Get blocks while a plugin runs, 30 seconds at most.
class ApiCredentials {
 public:
  // `clock` must outlive it.
  ApiCredentials(const Clock& clock, ApiEndpoint endpoint);

  // kUnavailable, saying what the plugin said, if it gives nothing.
  absl::StatusOr<ApiIdentity> Get();
  // A server answered 401.
  void Refused();

 private:
  absl::Status RunPlugin();

  const Clock& clock_;
  const ApiEndpoint endpoint_;
  std::optional<ApiIdentity> given_;  // By the file or the plugin.
  absl::Duration read_ = -absl::InfiniteDuration();
  absl::Time expires_ = absl::InfiniteFuture();
};

// What an ExecCredential says, and when it expires; never if it does not say. kInvalidArgument for
// what is none, or holds nothing.
absl::StatusOr<ApiIdentity> ReadExecCredential(const std::string& json, absl::Time* expires);

}  // namespace leidang::agent
