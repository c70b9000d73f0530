#include "tests/sim/fleet/empty_on_error.h"

#include "common/base/check.h"

namespace leidang::sim {
namespace {

constexpr char kEmptyUrl[] = "https://git.example/nothing.git";

}  // namespace

EmptyOnError::EmptyOnError(hub::FakeGitSource& inner)
    : inner_(inner), empty_(inner.Commit(kEmptyUrl, "main", {{"README.md", {"nothing"}}})) {
  CHECK(inner_.Fetch({.url = kEmptyUrl}, {}).ok());
}

bool EmptyOnError::Failing(const std::string& url) const {
  MutexLock lock(&mu_);
  return failing_.contains(url);
}

absl::StatusOr<hub::FetchResult> EmptyOnError::Fetch(const hub::Repository& repository,
                                                     const hub::FetchOptions& options) {
  absl::StatusOr<hub::FetchResult> result = inner_.Fetch(repository, options);
  MutexLock lock(&mu_);
  if (result.ok()) {
    if (failing_.erase(repository.url) > 0) result->changed = hub::RefsChanged::kYes;
    return result;
  }
  const bool first = failing_.insert(repository.url).second;
  return hub::FetchResult{.changed = first ? hub::RefsChanged::kYes : hub::RefsChanged::kNo,
                          .default_branch = "main"};
}

absl::StatusOr<hub::ResolvedRevision> EmptyOnError::Resolve(const std::string& url,
                                                            const hub::Revision& revision) const {
  return inner_.Resolve(Failing(url) ? kEmptyUrl : url, revision);
}

absl::StatusOr<std::shared_ptr<const hub::GitTree>> EmptyOnError::Open(
    const std::string& url, const hub::GitId& commit) const {
  return inner_.Open(commit == empty_ ? kEmptyUrl : url, commit);
}

absl::StatusOr<hub::CommitInfo> EmptyOnError::Describe(const std::string& url,
                                                       const hub::GitId& commit) const {
  return inner_.Describe(commit == empty_ ? kEmptyUrl : url, commit);
}

absl::StatusOr<hub::RefMap> EmptyOnError::Refs(const std::string& url) const {
  return inner_.Refs(Failing(url) ? kEmptyUrl : url);
}

absl::Status EmptyOnError::Forget(const std::string& url) { return inner_.Forget(url); }

void EmptyOnError::Shutdown() { inner_.Shutdown(); }

}  // namespace leidang::sim
