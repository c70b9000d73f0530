#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/log/log.h"

namespace leidang::agent {

// A program that gives credentials when it is run.
struct CredentialPlugin {
  std::vector<std::string> argv;         // Empty: none. argv[0] is an absolute path.
  std::vector<std::string> environment;  // "NAME=value"
  std::string api_version;               // Of the ExecCredential that it answers.
  std::string hint;                      // What its author says to those who do not have it.
};

// Where an API server is, and who one is there.
struct ApiEndpoint {
  std::string server;              // "https://10.0.0.1:6443", without a path's last slash.
  std::string authority;           // PEM of who vouches for it; empty: the system's.
  std::string client_certificate;  // PEM; empty: none.
  Secret client_key;               // PEM.
  Secret token;
  std::string token_file;   // Read again and again, as it is rotated; empty: `token` it is.
  CredentialPlugin plugin;  // Instead of all of these.
  std::string proxy;        // URL; empty: none.
};

// The endpoint that a context of a kubeconfig names; the current one for an empty `context`. Files
// that it names are read now, relative ones beside `path`; a token file stays a file.
//
// kNotFound if the file, the context or what it names is not there. kInvalidArgument, naming the
// field, for what cannot be read. kUnimplemented for the plugins that Kubernetes has given up
// (auth-provider), and for what switches verification off: give the authority instead.
absl::StatusOr<ApiEndpoint> ReadKubeconfig(const std::string& path, absl::string_view context);

// A pod's own cluster. `directory` holds the service account's `token` and `ca.crt`.
absl::StatusOr<ApiEndpoint> InClusterEndpoint(absl::string_view host, absl::string_view port,
                                              const std::string& directory);

}  // namespace leidang::agent
