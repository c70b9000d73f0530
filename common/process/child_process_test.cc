#include "common/process/child_process.h"

#include <cerrno>
#include <poll.h>
#include <signal.h>
#include <string>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/real_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang {
namespace {

using ::leidang::testing::ReadFile;
using ::leidang::testing::StatusIs;
using ::leidang::testing::TempDir;
using ::testing::HasSubstr;

using End = ChildResult::End;

ChildResult RunScript(ChildCommand command, const std::string& script) {
  RealClock clock;
  command.argv = {"/bin/sh", "-c", script};
  auto result = RunChild(command, clock, nullptr);
  EXPECT_OK(result);
  return *std::move(result);
}

// True once the process is dead, which may be a moment after it was killed.
bool IsGone(const std::string& pid_text) {
  int pid = 0;
  if (!absl::SimpleAtoi(pid_text, &pid)) return false;
  for (int tries = 0; tries < 500; ++tries) {
    const std::string stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
    if (stat.empty() || stat.find(") Z ") != std::string::npos) return true;
    ::poll(nullptr, 0, 10);
  }
  return false;
}

TEST(ChildProcessTest, OutputAndExitCodeAreReturned) {
  const ChildResult result = RunScript({}, "echo out; echo err >&2; exit 3");
  EXPECT_EQ(result.end, End::kExited);
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST(ChildProcessTest, TheEnvironmentIsExactlyWhatIsGiven) {
  ::setenv("LEIDANG_TEST_SECRET", "x", 1);
  ChildCommand command;
  command.environment = {"A=1"};
  const ChildResult result = RunScript(command, "/usr/bin/env");
  EXPECT_THAT(result.out, HasSubstr("A=1\n"));
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("LEIDANG_TEST_SECRET")));
}

TEST(ChildProcessTest, NoDescriptorIsInherited) {
  const int leaked = ::dup(2);
  const ChildResult result = RunScript({}, "ls /proc/self/fd | wc -l");
  ::close(leaked);
  EXPECT_EQ(result.out, "4\n") << "three, and the one that ls opens";
}

TEST(ChildProcessTest, ADeadlineEndsTheWholeGroup) {
  TempDir directory;
  ChildCommand command;
  command.environment = {"PATH=/usr/bin:/bin"};
  command.deadline = absl::Milliseconds(300);
  const ChildResult result =
      RunScript(command, absl::StrCat("sleep 1000 & echo $! >", directory / "pid", "; wait"));
  EXPECT_EQ(result.end, End::kDeadline);
  EXPECT_TRUE(IsGone(ReadFile(directory / "pid")));
}

TEST(ChildProcessTest, WhatTheProgramLeavesBehindIsKilled) {
  TempDir directory;
  ChildCommand command;
  command.environment = {"PATH=/usr/bin:/bin"};
  const ChildResult result =
      RunScript(command, absl::StrCat("sleep 1000 & echo $! >", directory / "pid"));
  EXPECT_EQ(result.end, End::kExited);
  EXPECT_TRUE(IsGone(ReadFile(directory / "pid")));
}

TEST(ChildProcessTest, SilenceEndsItAndSignsOfLifeDoNot) {
  ChildCommand command;
  command.environment = {"PATH=/usr/bin:/bin"};
  command.silence_max = absl::Milliseconds(600);
  EXPECT_EQ(RunScript(command, "sleep 1000").end, End::kSilent);
  EXPECT_EQ(RunScript(command, "for i in 1 2 3 4; do echo $i >&2; sleep 0.3; done").end,
            End::kExited);
  uint64_t progress = 0;
  command.progress = [&progress] { return ++progress; };
  EXPECT_EQ(RunScript(command, "sleep 1.5").end, End::kExited);
}

TEST(ChildProcessTest, WhoIgnoresTheRequestToEndIsKilled) {
  ChildCommand command;
  command.environment = {"PATH=/usr/bin:/bin"};
  command.deadline = absl::Milliseconds(200);
  command.grace = absl::Milliseconds(200);
  const ChildResult result = RunScript(command, "trap '' TERM; while :; do sleep 0.05; done");
  EXPECT_EQ(result.end, End::kDeadline);
  EXPECT_EQ(result.code, SIGKILL);
}

TEST(ChildProcessTest, OutputIsBoundedAndOfErrorsTheLastAreKept) {
  ChildCommand command;
  command.environment = {"PATH=/usr/bin:/bin"};
  command.output_bytes_max = 1000;
  const ChildResult flood = RunScript(command, "yes");
  EXPECT_EQ(flood.end, End::kOutputTooLong);
  EXPECT_EQ(flood.out.size(), 1000u);
  command.error_bytes_max = 100;
  const ChildResult errors = RunScript(command, "seq 1 100000 >&2");
  EXPECT_EQ(errors.end, End::kExited);
  EXPECT_EQ(errors.err.size(), 100u);
  EXPECT_THAT(errors.err, ::testing::EndsWith("99999\n100000\n"));
}

TEST(ChildProcessTest, FilesDoNotGrowBeyondTheLimit) {
  TempDir directory;
  ChildCommand command;
  command.environment = {"PATH=/usr/bin:/bin"};
  command.file_bytes_max = 4096;
  const ChildResult result =
      RunScript(command, "exec head -c 100000 /dev/zero >" + (directory / "file"));
  EXPECT_EQ(result.end, End::kSignalled);
  EXPECT_EQ(result.code, SIGXFSZ);
  EXPECT_EQ(ReadFile(directory / "file").size(), 4096u);
}

TEST(ChildProcessTest, ACancelledSignalEndsItAndWhatComesLater) {
  RealClock clock;
  CancelSignal cancel;
  cancel.Cancel();
  ChildCommand command;
  command.argv = {"/bin/sleep", "1000"};
  for (int i = 0; i < 2; ++i) {
    const auto result = RunChild(command, clock, &cancel);
    ASSERT_OK(result);
    EXPECT_EQ(result->end, End::kCancelled);
  }
}

TEST(ChildProcessTest, WithoutANetworkThereIsNothingToReach) {
  ChildCommand command;
  command.environment = {"PATH=/usr/bin:/bin"};
  const ChildResult shared = RunScript(command, "grep -c : /proc/self/net/dev");
  EXPECT_FALSE(shared.without_network);
  command.network = ChildCommand::Network::kNone;
  const ChildResult apart = RunScript(command, "grep -c : /proc/self/net/dev");
  // Where the kernel refuses it, the child runs all the same, and says so.
  EXPECT_EQ(apart.out, apart.without_network ? "1\n" : shared.out);
}

TEST(ChildProcessTest, AProgramThatCannotBeStartedIsAnError) {
  RealClock clock;
  ChildCommand command;
  command.argv = {"/nonexistent/program"};
  EXPECT_THAT(RunChild(command, clock, nullptr),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nonexistent/program")));
}

}  // namespace
}  // namespace leidang
