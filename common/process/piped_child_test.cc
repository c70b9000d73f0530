#include "common/process/piped_child.h"

#include <cerrno>
#include <csignal>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/real_clock.h"
#include "tests/support/status_matchers.h"

namespace leidang {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

class PipedChildTest : public ::testing::Test {
 protected:
  std::unique_ptr<PipedChild> Start(const std::string& script) {
    ChildCommand command;
    command.argv = {"/bin/sh", "-c", script};
    command.environment = {"PATH=/usr/bin:/bin"};
    auto child = PipedChild::Start(command, clock_);
    EXPECT_OK(child);
    return *std::move(child);
  }
  absl::Duration In(absl::Duration time) const { return clock_.Monotonic() + time; }

  RealClock clock_;
};

TEST_F(PipedChildTest, AnswersUntilItIsEnded) {
  const std::unique_ptr<PipedChild> child = Start("exec cat");
  for (const std::string text : {"one", "other"}) {
    EXPECT_OK(child->Write(text, In(absl::Seconds(10))));
    const absl::StatusOr<std::string> read = child->Read(text.size(), In(absl::Seconds(10)));
    ASSERT_OK(read);
    EXPECT_EQ(*read, text);
  }
  const int pid = child->pid();
  child->End();
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(child->End(), "killed");
}

TEST_F(PipedChildTest, MoreThanAPipeHoldsIsWrittenAndRead) {
  const std::unique_ptr<PipedChild> child = Start("head -c 3000000 | tail -c 1000000");
  EXPECT_OK(child->Write(std::string(3000000, 'x'), In(absl::Seconds(20))));
  const absl::StatusOr<std::string> read = child->Read(1000000, In(absl::Seconds(20)));
  ASSERT_OK(read);
  EXPECT_EQ(read->size(), 1000000u);
}

TEST_F(PipedChildTest, NeitherStepWaitsBeyondItsDeadline) {
  const std::unique_ptr<PipedChild> child = Start("exec sleep 1000");
  EXPECT_THAT(child->Read(1, In(absl::Milliseconds(50))),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("too long")));
  EXPECT_THAT(child->Write(std::string(1 << 20, 'x'), In(absl::Milliseconds(50))),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("too long")));
}

TEST_F(PipedChildTest, OneThatEndsIsNoticedInBothDirectionsAndSaysHow) {
  const std::unique_ptr<PipedChild> child = Start("exec <&-; exit 7");
  EXPECT_THAT(child->Read(1, In(absl::Seconds(10))),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("has ended")));
  EXPECT_THAT(child->Write("x", In(absl::Seconds(10))),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("does not read")));
  EXPECT_EQ(child->End(), "exit code 7");
}

TEST_F(PipedChildTest, ASignalIsNamed) {
  const std::unique_ptr<PipedChild> child = Start("kill -SEGV $$");
  EXPECT_THAT(child->Read(1, In(absl::Seconds(10))),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("has ended")));
  EXPECT_EQ(child->End(), "signal 11");
}

TEST_F(PipedChildTest, AProgramThatCannotBeStartedIsAnError) {
  ChildCommand command;
  command.argv = {"/nonexistent/program"};
  EXPECT_THAT(PipedChild::Start(command, clock_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nonexistent/program")));
}

}  // namespace
}  // namespace leidang
