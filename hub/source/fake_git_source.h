#pragma once

// FakeGitSource: a GitSource without Git, network or disk, for simulation and unit tests. It has
// both sides: the remote repositories, which a test writes, and the mirrors, which only Fetch
// brings up to date, as the real one.
//
// Ids are computed from the content, so equal trees have equal ids, and a run repeats exactly.
//
// Thread-safe.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/mutex.h"
#include "hub/source/git_source.h"
#include "hub/source/git_tree.h"

namespace leidang::hub {

class FakeGitSource final : public GitSource {
 public:
  // One file of a commit. `content` is the target's text for a link, and the commit's id for a
  // submodule.
  struct File {
    std::string content;
    FileMode mode = FileMode::kRegular;
  };
  using Files = std::map<std::string, File>;

  FakeGitSource();
  ~FakeGitSource() override;

  // The remote side.

  // An empty repository whose HEAD names `default_branch`. Whatever was at the URL is replaced.
  void CreateRemote(const std::string& url, const std::string& default_branch = "main")
      ABSL_LOCKS_EXCLUDED(mu_);
  void RemoveRemote(const std::string& url) ABSL_LOCKS_EXCLUDED(mu_);
  // A new commit with exactly `files`, to which `branch` points afterwards. The repository is
  // created if needed.
  GitId Commit(const std::string& url, const std::string& branch, const Files& files,
               const std::string& message = "change") ABSL_LOCKS_EXCLUDED(mu_);
  // The full name of any branch or tag; a none id deletes it.
  void SetRef(const std::string& url, const std::string& name, const GitId& commit)
      ABSL_LOCKS_EXCLUDED(mu_);
  void SetDefaultBranch(const std::string& url, const std::string& branch) ABSL_LOCKS_EXCLUDED(mu_);
  // Every Fetch of the repository fails with this until it is OK again.
  void SetFetchError(const std::string& url, absl::Status error) ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t FetchCount(const std::string& url) const ABSL_LOCKS_EXCLUDED(mu_);

  // The mirrors.

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

 private:
  class Objects;

  struct Branches {
    RefMap refs;
    std::string default_branch;  // Full name.

    friend bool operator==(const Branches&, const Branches&) = default;
  };

  struct CommitRecord {
    CommitInfo info;
    GitId root;
    std::string url;
  };

  absl::StatusOr<const Branches*> MirrorLocked(const std::string& url) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The commit's record, if the mirror of `url` has fetched it.
  absl::StatusOr<const CommitRecord*> CommitLocked(const std::string& url,
                                                   const GitId& commit) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<Objects> objects_;

  mutable Mutex mu_;
  std::map<std::string, Branches> remotes_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Branches> mirrors_ ABSL_GUARDED_BY(mu_);
  std::map<GitId, CommitRecord> commits_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::set<GitId>> fetched_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, absl::Status> errors_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, uint64_t> fetches_ ABSL_GUARDED_BY(mu_);
  uint64_t clock_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace leidang::hub
