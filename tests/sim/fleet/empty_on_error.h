#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"

#include "common/base/mutex.h"
#include "hub/source/fake_git_source.h"
#include "hub/source/git_source.h"

namespace leidang::sim {

// The mutant empty-on-error: a repository that cannot be reached looks as if it were empty.
// Thread-safe.
class EmptyOnError final : public hub::GitSource {
 public:
  // `inner` must outlive it.
  explicit EmptyOnError(hub::FakeGitSource& inner);

  absl::StatusOr<hub::FetchResult> Fetch(const hub::Repository& repository,
                                         const hub::FetchOptions& options) override;
  absl::StatusOr<hub::ResolvedRevision> Resolve(const std::string& url,
                                                const hub::Revision& revision) const override;
  absl::StatusOr<std::shared_ptr<const hub::GitTree>> Open(const std::string& url,
                                                           const hub::GitId& commit) const override;
  absl::StatusOr<hub::CommitInfo> Describe(const std::string& url,
                                           const hub::GitId& commit) const override;
  absl::StatusOr<hub::RefMap> Refs(const std::string& url) const override;
  absl::Status Forget(const std::string& url) override;
  void Shutdown() override;

 private:
  bool Failing(const std::string& url) const ABSL_LOCKS_EXCLUDED(mu_);

  hub::FakeGitSource& inner_;
  const hub::GitId empty_;
  mutable Mutex mu_;
  std::set<std::string> failing_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::sim
