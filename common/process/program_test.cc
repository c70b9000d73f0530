#include "common/process/program.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

// In a process of its own: what it holds it holds for good.
void WaitTwiceAndExit() {
  const StopSignals signals;
  ::kill(::getpid(), SIGTERM);
  signals.Wait();
  ::kill(::getpid(), SIGPIPE);  // Ignored.
  ::kill(::getpid(), SIGINT);
  signals.Wait();
  ::_exit(7);
}

TEST(ProgramDeathTest, ASignalThatCameBeforeTheWaitIsNotLost) {
  EXPECT_EXIT(WaitTwiceAndExit(), ::testing::ExitedWithCode(7), "");
}

TEST(Program, APrivateDirectoryIsMadeWithThoseAboveItAndClosedToOthers) {
  const testing::TempDir folder;
  const std::string path = folder.path() + "/a/b";
  ASSERT_OK(MakePrivateDirectory(path));
  std::filesystem::permissions(path, std::filesystem::perms::all);
  ASSERT_OK(MakePrivateDirectory(path)) << "again";
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
}

TEST(Program, ADirectoryThatCannotBeMadeIsNamed) {
  const testing::TempDir folder;
  std::ofstream(folder.path() + "/file") << "x";
  EXPECT_THAT(MakePrivateDirectory(folder.path() + "/file/b"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("/file/b")));
}

}  // namespace
}  // namespace leidang
