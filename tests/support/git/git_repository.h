#pragma once

// GitRepository: a bare repository on disk that a test writes with the `git` program itself.

#include <string>
#include <vector>

#include "common/time/real_clock.h"
#include "hub/source/fake_git_source.h"
#include "hub/source/git_types.h"
#include "tests/support/temp_dir.h"

namespace leidang::testing {

enum class TagKind { kPlain, kAnnotated };

class GitRepository {
 public:
  using Files = hub::FakeGitSource::Files;

  // Creates `<directory>/repo.git` whose HEAD names main.
  explicit GitRepository(const std::string& directory);

  const std::string& path() const { return path_; }

  // A commit with exactly these files on top of the branch.
  hub::GitId Commit(const std::string& branch, const Files& files, const std::string& message);
  void Tag(const std::string& name, const hub::GitId& commit, TagKind kind);

  // Runs git on the repository and returns what it prints, without the last line's end. Fails the
  // test if git does.
  std::string Git(const std::vector<std::string>& arguments) const;

 private:
  std::string work_;
  std::string path_;
  RealClock clock_;
};

}  // namespace leidang::testing
