#include "agent/swarm/program.h"

#include <unistd.h>

#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using testing::StatusIs;

TEST(Program, IsMeasuredAndKilled) {
  const testing::TempDir directory;
  Program program({"/bin/sleep", "60"}, directory.path() + "/log");
  ASSERT_TRUE(program.Start().ok());
  EXPECT_TRUE(program.IsRunning());
  program.Kill();
  EXPECT_FALSE(program.IsRunning());
  program.Kill();
}

TEST(Program, OneThatIsNotThereIsNamed) {
  const testing::TempDir directory;
  Program program({directory.path() + "/nothing"}, directory.path() + "/log");
  EXPECT_THAT(program.Start(),
              StatusIs(absl::StatusCode::kNotFound, ::testing::HasSubstr("--hub-program")));
  EXPECT_FALSE(program.IsRunning());
}

TEST(ProcessUsage, IsOfThisProcessAndNothingOfNone) {
  const ProcessUsage self = UsageOf(::getpid());
  EXPECT_GT(self.resident_mb, 1);
  EXPECT_GE(self.resident_peak_mb, self.resident_mb);
  EXPECT_GE(self.descriptors, 3u);
  const ProcessUsage none = UsageOf(-1);
  EXPECT_EQ(none.resident_mb, 0);
  EXPECT_EQ(none.cpu_s, 0);
  EXPECT_EQ(none.descriptors, 0u);
}

TEST(DescriptorLimit, MoreThanTheHardOneIsRefused) {
  EXPECT_TRUE(RaiseDescriptorLimit(3).ok());
  EXPECT_THAT(RaiseDescriptorLimit(uint64_t{1} << 40),
              StatusIs(absl::StatusCode::kResourceExhausted, ::testing::HasSubstr("fewer agents")));
}

TEST(DiskMb, IsOfTheFilesBelow) {
  const testing::TempDir directory;
  testing::WriteFile(directory.path() + "/a/b", std::string(2'000'000, 'x'));
  EXPECT_DOUBLE_EQ(DiskMb(directory.path()), 2);
  EXPECT_DOUBLE_EQ(DiskMb(directory.path() + "/none"), 0);
}

}  // namespace
}  // namespace leidang::agent
