#pragma once

// TestRepository: a bare repository on disk that a test writes with the `git` program itself.

#include <string>
#include <vector>

#include "common/time/real_clock.h"
#include "hub/source/git_source_contract.h"
#include "hub/source/git_types.h"
#include "tests/support/temp_dir.h"

namespace leidang::hub {

class TestRepository {
 public:
  using Files = FakeGitSource::Files;

  // Creates `<directory>/repo.git` whose HEAD names main.
  explicit TestRepository(const std::string& directory);

  const std::string& path() const { return path_; }

  // A commit with exactly these files on top of the branch.
  GitId Commit(const std::string& branch, const Files& files, const std::string& message);
  void Tag(const std::string& name, const GitId& commit, TagKind kind);

  // Runs git on the repository and returns what it prints, without the last line's end. Fails the
  // test if git does.
  std::string Git(const std::vector<std::string>& arguments) const;

 private:
  std::string work_;
  std::string path_;
  RealClock clock_;
};

}  // namespace leidang::hub
