#pragma once

// GitCommand: the surroundings in which `git` talks to one repository: a private folder with the
// configuration and the secrets (mode 0600, removed with the object), and an environment that
// points there and nowhere else.
//
// Secrets are never in the command line or the environment: a process listing shows none. Neither
// the machine's nor a user's Git or ssh configuration has a say.
//
// Thread-compatible.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "hub/source/git_source.h"
#include "hub/source/repository_url.h"

namespace leidang::hub {

class GitCommand {
 public:
  struct Settings {
    std::string git;          // Absolute path of the program.
    std::string search_path;  // PATH of the child.
    std::string scratch;      // An existing private folder, in which the command's own is made.
    // Passed on as they are: HTTPS_PROXY and its like.
    std::vector<std::string> extra_environment;
  };

  // InvalidRepository if these credentials cannot serve that URL (ssh without known hosts, plain
  // http that is not allowed); kInternal if the folder cannot be written.
  static absl::StatusOr<GitCommand> Prepare(const Settings& settings, const Repository& repository,
                                            const FetchLimits& limits);

  GitCommand(GitCommand&& other) noexcept;
  GitCommand& operator=(GitCommand&&) = delete;
  ~GitCommand();

  // The address to call `git` with.
  const std::string& address() const { return url_.clean; }
  const std::vector<std::string>& environment() const { return environment_; }

  // The part of `err` (what git wrote) that says what went wrong, on one line, without secrets, as
  // a status with the fitting reason.
  absl::Status Explain(absl::string_view err) const;

 private:
  GitCommand(RepositoryUrl url, std::string folder);

  absl::Status WriteConfiguration(const Repository& repository, const FetchLimits& limits);
  absl::Status WriteHttp(const Repository& repository, const FetchLimits& limits,
                         std::string* configuration);
  absl::Status WriteSsh(const Repository& repository, const FetchLimits& limits);
  absl::StatusOr<std::string> WriteFile(absl::string_view name, absl::string_view content) const;
  std::string Redact(std::string text) const;

  RepositoryUrl url_;
  std::string folder_;  // Empty once moved from.
  std::vector<std::string> environment_;
  std::vector<std::string> secrets_;
};

}  // namespace leidang::hub
