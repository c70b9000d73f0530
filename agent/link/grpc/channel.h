#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/grpcpp.h"
#include <sys/types.h>

#include "agent/link/transport.h"

namespace leidang::agent {

// The agent's certificate, its key and the hub's authority: files of `<data-dir>/identity/`, PEM.
struct IdentityFiles {
  std::string certificate;
  std::string key;
  std::string authority;

  static IdentityFiles In(const std::string& directory);
};

struct Identity {
  std::string certificate_pem;
  std::string key_pem;
  std::string authority_pem;
};

// kNotFound while the agent has not joined; names the file.
absl::StatusOr<Identity> ReadIdentity(const IdentityFiles& files);

// Replaces a file of the identity as a whole; what stands there after a crash is the old or the
// new.
absl::Status WriteIdentityFile(const std::string& path, absl::string_view text, mode_t mode);

// A channel of its own for each attempt, with mutual TLS. gRPC's reconnection is not used: one
// attempt, long enough to be held back by a hub that admits a herd at a bounded rate. HTTPS_PROXY
// (CONNECT) is honoured, NO_PROXY too.
std::shared_ptr<grpc::Channel> OpenChannel(const HubAddress& hub, const Identity& identity);

// To the hub's user port, for enrolment: the hub is verified, the agent shows nothing.
std::shared_ptr<grpc::Channel> OpenEnrolmentChannel(const std::string& target,
                                                    const std::string& authority_pem);

// With the same code and text.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace leidang::agent
