#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"

#include "common/base/mutex.h"
#include "generators/world.h"
#include "hub/control/repositories.h"
#include "hub/source/git_source.h"

namespace leidang::hub {

// Listings of commits, shared by all expansions: a commit's files never change, so each is walked
// once while it is in use. Holds at most `kListingsMax`, dropping the one used longest ago.
// Thread-safe.
class GitListings {
 public:
  static constexpr size_t kListingsMax = 64;

  explicit GitListings(const GitSource& source) : source_(source) {}

  // Errors of GitSource::Open and of walking the tree.
  absl::StatusOr<std::shared_ptr<const generators::GitTree>> Get(const std::string& url,
                                                                 const GitId& commit)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Slot {
    std::shared_ptr<const generators::GitTree> tree;
    uint64_t used = 0;
  };

  const GitSource& source_;
  Mutex mu_;
  uint64_t uses_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::pair<std::string, GitId>, Slot> slots_ ABSL_GUARDED_BY(mu_);
};

// Git as one expansion sees it: the commits of a GitView and nothing newer. Notes every input that
// was asked for, so that what is missing can be fetched. Thread-compatible: one expansion, one
// thread.
class PinnedGit final : public generators::GitWorld {
 public:
  // Both must outlive it.
  PinnedGit(std::shared_ptr<const GitView> view, GitListings& listings)
      : view_(std::move(view)), listings_(listings) {}

  absl::StatusOr<std::shared_ptr<const generators::GitTree>> Tree(
      const generators::GitRequest& request) const override;

  // The commit of an input, which counts as asked for. kUnavailable: not fetched yet.
  absl::StatusOr<GitId> Commit(const GitInput& input) const;

  const std::set<GitInput>& asked() const { return asked_; }

 private:
  const std::shared_ptr<const GitView> view_;
  GitListings& listings_;
  mutable std::set<GitInput> asked_;
};

}  // namespace leidang::hub
