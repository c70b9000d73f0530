#pragma once

// MirrorGitSource: the real GitSource. One bare mirror a repository under
// `<directory>/<sha256(url)>.git`, fetched by the `git` program as a child with limits, read
// through libgit2.
//
// One process at a time may use `directory`: locks that a killed fetch has left there are removed.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/base/mutex.h"
#include "common/process/child_process.h"
#include "common/time/clock.h"
#include "hub/source/git_source.h"

namespace leidang::hub {

class GitCommand;
class Mirror;

struct MirrorSettings {
  std::string directory;  // Created with mode 0700 if it is not there.
  std::string git = "git";
  std::string search_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  // "NAME=value" for git, besides its own: HTTPS_PROXY, NO_PROXY.
  std::vector<std::string> extra_environment;
};

class MirrorGitSource final : public GitSource {
 public:
  // kNotFound if `git` is not installed, kInternal if the directory cannot be used. `clock` must
  // outlive the source.
  static absl::StatusOr<std::unique_ptr<MirrorGitSource>> Create(const MirrorSettings& settings,
                                                                 const Clock& clock);
  ~MirrorGitSource() override;

  absl::StatusOr<FetchResult> Fetch(const Repository& repository,
                                    const FetchOptions& options) override;
  absl::StatusOr<ResolvedRevision> Resolve(const std::string& url,
                                           const Revision& revision) const override;
  absl::StatusOr<std::shared_ptr<const GitTree>> Open(const std::string& url,
                                                      const GitId& commit) const override;
  absl::StatusOr<CommitInfo> Describe(const std::string& url, const GitId& commit) const override;
  absl::StatusOr<RefMap> Refs(const std::string& url) const override;
  absl::Status Forget(const std::string& url) override;
  void Shutdown() override;

  // Where the mirror of `url` is, or would be.
  std::string MirrorPath(const std::string& url) const;

 private:
  MirrorGitSource(MirrorSettings settings, const Clock& clock);

  std::shared_ptr<Mirror> MirrorOf(const std::string& url) const ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<ChildResult> RunGit(const GitCommand& command, std::vector<std::string> arguments,
                                     const std::string& mirror, const FetchLimits& limits,
                                     absl::Duration started) const;
  absl::Status FetchReferences(const GitCommand& command, Mirror* mirror, const FetchLimits& limits,
                               absl::Duration started) const;
  absl::Status FindDefaultBranch(const GitCommand& command, Mirror* mirror,
                                 const FetchLimits& limits, absl::Duration started) const;
  absl::Status FetchPins(const GitCommand& command, Mirror* mirror, const FetchOptions& options,
                         absl::Duration started) const;
  void Compact(const GitCommand& command, Mirror* mirror, const FetchLimits& limits) const;

  const MirrorSettings settings_;
  const Clock& clock_;
  CancelSignal cancel_;

  mutable Mutex mu_;
  mutable std::map<std::string, std::shared_ptr<Mirror>> mirrors_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::hub
