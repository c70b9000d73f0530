#pragma once

// GitSource: repositories as the hub sees them. Each is mirrored (all branches, all tags, HEAD) and
// then resolved, listed and read from the mirror without the network and without a checkout.
//
// Promises. Fetch either brings the mirror to one state of the remote or leaves it at its last good
// state; it ends by its deadline whatever the server does. Reading never waits for a fetch. What
// was once opened stays readable. When a repository was last fetched, and how that went, is for the
// caller to remember.
//
// Errors carry a SourceReason (source_error.h); messages never contain credentials.
//
// Thread-safe. Fetch blocks for as long as the network takes: call it on a worker. The other calls
// read the local disk. Fetches of one repository wait for each other.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "hub/source/git_tree.h"
#include "hub/source/git_types.h"
#include "hub/source/revision.h"

namespace leidang::hub {

enum class PlainHttp { kForbidden, kAllowed };

// Secrets. Whatever is empty is not used; a user and password within the URL count if these are
// empty.
struct GitCredentials {
  std::string user;      // https. With a token: whatever the service asks for, "git" unless given.
  std::string password;  // https: password or token.
  std::string bearer_token;     // https: sent as `Authorization: Bearer`, never to another host.
  std::string ssh_key;          // ssh: private key, PEM or OpenSSH text without a passphrase.
  std::string ssh_known_hosts;  // ssh: lines as in a known_hosts file. Needed: an unknown host key
                                // is refused.
  std::string tls_ca;           // https: PEM certificates to trust instead of the machine's.
  std::string tls_client_certificate;
  std::string tls_client_key;
};

struct Repository {
  std::string url;
  GitCredentials credentials;
  PlainHttp plain_http = PlainHttp::kForbidden;
  std::string proxy;  // For https: "http://host:port".
};

struct FetchLimits {
  absl::Duration deadline = absl::Minutes(10);
  absl::Duration silence_max = absl::Seconds(60);  // Without a sign of life from the server.
  uint64_t mirror_bytes_max = uint64_t{8} << 30;
};

struct FetchOptions {
  FetchLimits limits;
  // Full ids of commits wanted besides the branches and tags, for revisions pinned to what no
  // branch holds any more. One that the server will not give is no error; Resolve will not find it.
  std::vector<std::string> commits;
};

enum class RefsChanged { kNo, kYes };

struct FetchResult {
  RefsChanged changed = RefsChanged::kNo;  // Against the mirror's state before.
  std::string default_branch;              // Short name; empty if HEAD leads to no branch.
};

struct ResolvedRevision {
  GitId commit;
  std::string
      reference;  // Full name of the branch or tag; empty for a commit id, or a detached HEAD.
};

struct CommitInfo {
  GitId commit;
  std::string author;   // "Name <mail>".
  std::string subject;  // First line of the message.
  absl::Time time;      // Of the commit, as its author's machine had it.
};

class GitSource {
 public:
  virtual ~GitSource() = default;

  // RepositoryUnreachable, AuthenticationFailed, InvalidRepository or TooLarge; kCancelled after
  // Shutdown.
  virtual absl::StatusOr<FetchResult> Fetch(const Repository& repository,
                                            const FetchOptions& options) = 0;

  // By the mirror's present state. RevisionNotFound; RepositoryUnreachable if it was never fetched.
  virtual absl::StatusOr<ResolvedRevision> Resolve(const std::string& url,
                                                   const Revision& revision) const = 0;

  // The files of a commit that the mirror has. RevisionNotFound, RepositoryUnreachable as above.
  virtual absl::StatusOr<std::shared_ptr<const GitTree>> Open(const std::string& url,
                                                              const GitId& commit) const = 0;

  virtual absl::StatusOr<CommitInfo> Describe(const std::string& url,
                                              const GitId& commit) const = 0;

  // Branches and tags with the ids they point to. RepositoryUnreachable if it was never fetched.
  virtual absl::StatusOr<RefMap> Refs(const std::string& url) const = 0;

  // Deletes the mirror. Trees opened before may fail to read from now on. OK if there is none.
  virtual absl::Status Forget(const std::string& url) = 0;

  // Ends running fetches within a second or two and refuses new ones. For the end of the program.
  virtual void Shutdown() = 0;
};

}  // namespace leidang::hub
