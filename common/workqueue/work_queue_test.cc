#include "common/workqueue/work_queue.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/sim_loop.h"

namespace leidang {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WorkQueueTest : public ::testing::Test {
 protected:
  explicit WorkQueueTest(size_t running_max = 1)
      : queue_(loop_, random_, {.running_max = running_max},
               [this](const std::string& key) { started_.push_back(key); }) {}

  // The keys started since the last call.
  std::vector<std::string> Started() {
    loop_.RunFor(absl::ZeroDuration());
    return std::exchange(started_, {});
  }
  std::vector<std::string> StartedWithin(absl::Duration duration) {
    loop_.RunFor(duration);
    return std::exchange(started_, {});
  }

  SimLoop loop_;
  SeededRandom random_{1};
  std::vector<std::string> started_;
  WorkQueue<std::string> queue_;
};

class WideWorkQueueTest : public WorkQueueTest {
 protected:
  WideWorkQueueTest() : WorkQueueTest(2) {}
};

TEST_F(WorkQueueTest, NothingStartsInsideAdd) {
  queue_.Add("a");
  EXPECT_THAT(started_, IsEmpty());
  EXPECT_THAT(Started(), ElementsAre("a"));
}

TEST_F(WorkQueueTest, AKeyAddedTwiceIsHandedOutOnce) {
  queue_.Add("a");
  queue_.Add("a");
  EXPECT_EQ(queue_.waiting(), 1u);
  EXPECT_THAT(Started(), ElementsAre("a"));
  queue_.Finish("a", WorkResult::Done());
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_TRUE(queue_.idle());
}

TEST_F(WorkQueueTest, KeysComeInTheOrderInWhichTheyWereAdded) {
  for (const char* key : {"b", "a", "c"}) queue_.Add(key);
  EXPECT_THAT(Started(), ElementsAre("b"));
  queue_.Finish("b", WorkResult::Done());
  EXPECT_THAT(Started(), ElementsAre("a"));
  queue_.Finish("a", WorkResult::Done());
  EXPECT_THAT(Started(), ElementsAre("c"));
}

TEST_F(WorkQueueTest, AKeyAddedWhileInWorkIsHandedOutAgainAfterIt) {
  queue_.Add("a");
  EXPECT_THAT(Started(), ElementsAre("a"));
  queue_.Add("a");
  queue_.Add("a");
  EXPECT_THAT(StartedWithin(absl::Hours(1)), IsEmpty());
  queue_.Finish("a", WorkResult::Done());
  EXPECT_THAT(Started(), ElementsAre("a"));
  queue_.Finish("a", WorkResult::Done());
  EXPECT_TRUE(queue_.idle());
}

TEST_F(WorkQueueTest, TheEarliestOfSeveralDelaysWins) {
  queue_.AddAfter("a", absl::Seconds(10));
  queue_.AddAfter("a", absl::Seconds(2));
  queue_.AddAfter("a", absl::Seconds(5));
  EXPECT_THAT(StartedWithin(absl::Milliseconds(1999)), IsEmpty());
  EXPECT_THAT(StartedWithin(absl::Milliseconds(1)), ElementsAre("a"));
  queue_.Finish("a", WorkResult::Done());
  EXPECT_THAT(StartedWithin(absl::Minutes(1)), IsEmpty());
}

TEST_F(WorkQueueTest, TheEarliestWinsAmongThoseAddedWhileInWork) {
  queue_.Add("a");
  Started();
  queue_.AddAfter("a", absl::Seconds(10));
  queue_.AddAfter("a", absl::Seconds(3));
  queue_.Finish("a", WorkResult::After(absl::Seconds(5)));
  EXPECT_THAT(StartedWithin(absl::Milliseconds(2999)), IsEmpty());
  EXPECT_THAT(StartedWithin(absl::Milliseconds(1)), ElementsAre("a"));
}

TEST_F(WorkQueueTest, AResultMayAskForALaterLook) {
  queue_.Add("a");
  Started();
  queue_.Finish("a", WorkResult::After(absl::Seconds(5)));
  EXPECT_THAT(StartedWithin(absl::Seconds(5)), ElementsAre("a"));
}

TEST_F(WorkQueueTest, FailuresBackOffExponentiallyWithinTheirBounds) {
  queue_.Add("a");
  Started();
  absl::Duration whole = absl::Milliseconds(500);
  for (int failure = 1; failure <= 15; ++failure) {
    queue_.Finish("a", WorkResult::Retry());
    EXPECT_EQ(queue_.failures("a"), static_cast<uint32_t>(failure));
    const absl::Duration failed_at = loop_.clock().Monotonic();
    ASSERT_TRUE(loop_.RunUntil([this] { return !started_.empty(); }, absl::Hours(1)));
    const absl::Duration waited = loop_.clock().Monotonic() - failed_at;
    EXPECT_GE(waited, whole / 2);
    EXPECT_LE(waited, whole);
    started_.clear();
    whole = std::min(whole * 2, absl::Minutes(5));
  }
}

TEST_F(WorkQueueTest, SuccessResetsTheBackoff) {
  queue_.Add("a");
  Started();
  for (int i = 0; i < 5; ++i) {
    queue_.Finish("a", WorkResult::Retry());
    StartedWithin(absl::Minutes(5));
  }
  queue_.Finish("a", WorkResult::Done());
  EXPECT_EQ(queue_.failures("a"), 0u);
  queue_.Add("a");
  Started();
  queue_.Finish("a", WorkResult::Retry());
  EXPECT_THAT(StartedWithin(absl::Milliseconds(500)), ElementsAre("a"));
}

TEST_F(WorkQueueTest, AnAddDuringBackoffRunsAtOnceAndKeepsTheCount) {
  queue_.Add("a");
  Started();
  queue_.Finish("a", WorkResult::Retry());
  queue_.Add("a");
  EXPECT_THAT(Started(), ElementsAre("a"));
  EXPECT_EQ(queue_.failures("a"), 1u);
}

TEST_F(WorkQueueTest, KeysBackOffApart) {
  queue_.Add("a");
  Started();
  queue_.Finish("a", WorkResult::Retry());
  queue_.Add("b");
  EXPECT_THAT(Started(), ElementsAre("b"));
  EXPECT_EQ(queue_.failures("b"), 0u);
}

TEST_F(WorkQueueTest, ForgetDropsWhatWaits) {
  queue_.AddAfter("a", absl::Seconds(1));
  queue_.Forget("a");
  queue_.Forget("unknown");
  EXPECT_TRUE(queue_.idle());
  EXPECT_THAT(StartedWithin(absl::Minutes(1)), IsEmpty());
}

TEST_F(WorkQueueTest, ForgetWhileInWorkDropsTheRepetition) {
  queue_.Add("a");
  Started();
  queue_.Add("a");
  queue_.Forget("a");
  EXPECT_EQ(queue_.running(), 1u);
  queue_.Finish("a", WorkResult::Done());
  EXPECT_TRUE(queue_.idle());
  EXPECT_THAT(StartedWithin(absl::Minutes(1)), IsEmpty());
}

TEST_F(WorkQueueTest, DestroyingItLeavesNothingOnTheLoop) {
  SimLoop loop;
  {
    WorkQueue<int> queue(loop, random_, {}, [](int) {});
    queue.AddAfter(1, absl::Seconds(1));
  }
  EXPECT_TRUE(loop.idle());
}

TEST_F(WideWorkQueueTest, AtMostRunningMaxKeysAreInWork) {
  for (const char* key : {"a", "b", "c"}) queue_.Add(key);
  EXPECT_THAT(Started(), ElementsAre("a", "b"));
  EXPECT_EQ(queue_.running(), 2u);
  queue_.Finish("b", WorkResult::Done());
  EXPECT_THAT(Started(), ElementsAre("c"));
}

TEST_F(WideWorkQueueTest, WorkMayFinishInsideStart) {
  int runs = 0;
  WorkQueue<int>* self = nullptr;
  WorkQueue<int> queue(loop_, random_, {}, [&](int key) {
    ++runs;
    self->Finish(key, runs < 3 ? WorkResult::After(absl::ZeroDuration()) : WorkResult::Done());
  });
  self = &queue;
  queue.Add(7);
  EXPECT_TRUE(loop_.RunUntilIdle(100));
  EXPECT_EQ(runs, 3);
}

// Random use against the rules, with work that takes time and fails at random.
TEST(WorkQueuePropertyTest, NoKeyIsLostOrInWorkTwice) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimLoop loop;
    SeededRandom random(seed);
    std::set<int> in_work;
    std::map<int, absl::Duration> wanted;  // Keys added and not looked at since.
    WorkQueue<int>* queue = nullptr;
    bool calm = false;
    WorkQueue<int> real(loop, random, {.running_max = 3}, [&](int key) {
      ASSERT_TRUE(in_work.insert(key).second) << "seed " << seed;
      ASSERT_LE(in_work.size(), 3u) << "seed " << seed;
      wanted.erase(key);
      loop.After(absl::Milliseconds(random.Below(2000)), [&, key] {
        in_work.erase(key);
        const bool fails = !calm && random.Chance(1, 3);
        if (fails) wanted[key] = loop.clock().Monotonic();
        queue->Finish(key, fails ? WorkResult::Retry() : WorkResult::Done());
      });
    });
    queue = &real;
    for (int i = 0; i < 300; ++i) {
      const int key = static_cast<int>(random.Below(8));
      wanted[key] = loop.clock().Monotonic();
      real.AddAfter(key, absl::Milliseconds(random.Below(1000)));
      loop.RunFor(absl::Milliseconds(random.Below(300)));
    }
    calm = true;
    loop.RunFor(absl::Hours(1));
    EXPECT_TRUE(wanted.empty()) << "seed " << seed;
    EXPECT_TRUE(real.idle()) << "seed " << seed;
    EXPECT_TRUE(loop.idle()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace leidang
