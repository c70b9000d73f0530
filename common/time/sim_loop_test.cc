#include "common/time/sim_loop.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SimLoopTest : public ::testing::Test {
 protected:
  std::function<void()> Say(std::string word) {
    return [this, word] { said_.push_back(word); };
  }

  SimLoop loop_;
  std::vector<std::string> said_;
};

TEST_F(SimLoopTest, NothingRunsBeforeTheLoopIsDriven) {
  loop_.Post(Say("a"));
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(SimLoopTest, RunsByDueTimeThenByOrderOfScheduling) {
  loop_.After(absl::Seconds(2), Say("late"));
  loop_.After(absl::Seconds(1), Say("first of equals"));
  loop_.After(absl::Seconds(1), Say("second of equals"));
  loop_.Post(Say("now"));
  EXPECT_TRUE(loop_.RunUntilIdle());
  EXPECT_THAT(said_, ElementsAre("now", "first of equals", "second of equals", "late"));
}

TEST_F(SimLoopTest, TimeJumpsToTheCallbackThatIsDue) {
  const absl::Time start = loop_.clock().Now();
  loop_.After(absl::Hours(5), Say("a"));
  EXPECT_TRUE(loop_.Step());
  EXPECT_EQ(loop_.clock().Monotonic(), absl::Hours(5));
  EXPECT_EQ(loop_.clock().Now(), start + absl::Hours(5));
  EXPECT_FALSE(loop_.Step());
}

TEST_F(SimLoopTest, RunForRunsWhatIsDueAndEndsAtItsEnd) {
  loop_.After(absl::Seconds(1), Say("in"));
  loop_.After(absl::Seconds(3), Say("at the end"));
  loop_.After(absl::Seconds(4), Say("beyond"));
  loop_.RunFor(absl::Seconds(3));
  EXPECT_THAT(said_, ElementsAre("in", "at the end"));
  EXPECT_EQ(loop_.clock().Monotonic(), absl::Seconds(3));
  loop_.RunFor(absl::Seconds(10));
  EXPECT_EQ(loop_.clock().Monotonic(), absl::Seconds(13));
  EXPECT_EQ(said_.back(), "beyond");
}

TEST_F(SimLoopTest, ACallbackMayScheduleMore) {
  loop_.Post([this] {
    loop_.Post(Say("posted inside"));
    loop_.After(absl::Seconds(1), Say("later"));
  });
  loop_.RunFor(absl::ZeroDuration());
  EXPECT_THAT(said_, ElementsAre("posted inside"));
}

TEST_F(SimLoopTest, ACancelledTimerNeverRunsAndIsForgotten) {
  const auto id = loop_.After(absl::Seconds(1), Say("a"));
  EXPECT_NE(id, 0u);
  loop_.Cancel(id);
  loop_.Cancel(id);
  loop_.Cancel(12345);
  EXPECT_TRUE(loop_.idle());
  EXPECT_TRUE(loop_.RunUntilIdle());
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(SimLoopTest, ACallbackMayCancelTheNextOneDueAtTheSameTime) {
  EventLoop::TimerId second = 0;
  loop_.Post([&] { loop_.Cancel(second); });
  second = loop_.After(absl::ZeroDuration(), Say("second"));
  EXPECT_TRUE(loop_.RunUntilIdle());
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(SimLoopTest, ANegativeDelayIsNow) {
  loop_.RunFor(absl::Seconds(1));
  loop_.After(absl::Seconds(-5), Say("a"));
  loop_.Step();
  EXPECT_EQ(loop_.clock().Monotonic(), absl::Seconds(1));
}

TEST_F(SimLoopTest, AnInfiniteDelayNeverRuns) {
  loop_.After(absl::InfiniteDuration(), Say("a"));
  EXPECT_FALSE(loop_.Step());
  EXPECT_EQ(loop_.pending(), 1u);
}

TEST_F(SimLoopTest, RunUntilIdleGivesUpOnATimerThatStartsItselfAgain) {
  std::function<void()> again = [&] { loop_.After(absl::Seconds(1), again); };
  again();
  EXPECT_FALSE(loop_.RunUntilIdle(100));
  EXPECT_EQ(loop_.steps(), 100u);
}

TEST_F(SimLoopTest, RunUntilStopsAtTheConditionOrAtTheLimit) {
  loop_.After(absl::Seconds(1), Say("a"));
  loop_.After(absl::Seconds(2), Say("b"));
  EXPECT_TRUE(loop_.RunUntil([this] { return said_.size() == 1; }, absl::Minutes(1)));
  EXPECT_EQ(loop_.clock().Monotonic(), absl::Seconds(1));
  EXPECT_FALSE(loop_.RunUntil([this] { return said_.size() == 3; }, absl::Minutes(1)));
  EXPECT_EQ(loop_.clock().Monotonic(), absl::Seconds(61));
}

TEST_F(SimLoopTest, TheWallClockStepsApartFromTheMonotonicOne) {
  const absl::Time start = loop_.clock().Now();
  loop_.RunFor(absl::Seconds(10));
  loop_.sim_clock().StepWall(absl::Hours(-1));
  EXPECT_EQ(loop_.clock().Now(), start + absl::Seconds(10) - absl::Hours(1));
  EXPECT_EQ(loop_.clock().Monotonic(), absl::Seconds(10));
}

TEST_F(SimLoopTest, ClearDropsEverything) {
  auto held = std::make_shared<int>(1);
  loop_.After(absl::Seconds(1), [held] {});
  loop_.Post(Say("a"));
  EXPECT_EQ(held.use_count(), 2);
  loop_.Clear();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_TRUE(loop_.RunUntilIdle());
  EXPECT_THAT(said_, IsEmpty());
}

}  // namespace
}  // namespace leidang
