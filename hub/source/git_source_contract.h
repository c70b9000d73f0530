#pragma once

// What every GitSource must do, as tests that run on the fake and on the real one
// (git_source_contract.cc). Each test program instantiates the suite with its own world.

#include <memory>
#include <string>

#include "gtest/gtest.h"

#include "hub/source/fake_git_source.h"
#include "hub/source/git_source.h"
#include "tests/support/git/git_repository.h"

namespace leidang::hub {

using ::leidang::testing::TagKind;

// A source under test, and one remote repository which the test writes.
class SourceWorld {
 public:
  using Files = FakeGitSource::Files;

  virtual ~SourceWorld() = default;

  virtual GitSource& source() = 0;
  virtual std::string url() const = 0;

  // A commit with exactly these files on the branch, after what the branch had.
  virtual GitId Commit(const std::string& branch, const Files& files,
                       const std::string& message) = 0;
  virtual void Tag(const std::string& name, const GitId& commit, TagKind kind) = 0;
  virtual void DeleteBranch(const std::string& branch) = 0;
  virtual void SetDefaultBranch(const std::string& branch) = 0;
  virtual void RemoveRemote() = 0;
};

using MakeSourceWorld = std::unique_ptr<SourceWorld> (*)();

class GitSourceContractTest : public ::testing::TestWithParam<MakeSourceWorld> {
 protected:
  void SetUp() override { world_ = GetParam()(); }

  GitSource& source() { return world_->source(); }
  absl::StatusOr<FetchResult> Fetch() { return source().Fetch({.url = world_->url()}, {}); }
  absl::StatusOr<ResolvedRevision> Resolve(const std::string& revision) {
    return source().Resolve(world_->url(), {revision, ""});
  }
  // The tree of a branch after a fetch.
  std::shared_ptr<const GitTree> FetchTree(const SourceWorld::Files& files);

  std::unique_ptr<SourceWorld> world_;
};

}  // namespace leidang::hub
