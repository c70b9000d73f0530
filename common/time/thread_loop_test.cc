#include "common/time/thread_loop.h"

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/base/mutex.h"

namespace leidang {
namespace {

using ::testing::ElementsAre;

// Waits until all that was due on the loop before has run.
void Drain(EventLoop& loop) {
  std::promise<void> done;
  loop.Post([&done] { done.set_value(); });
  done.get_future().wait();
}

TEST(ThreadLoopTest, RunsInOrderOnItsOwnThread) {
  ThreadLoop loop("test");
  std::vector<int> order;
  bool on_loop = false;
  loop.Post([&] { order.push_back(1); });
  loop.Post([&] { order.push_back(2); });
  loop.Post([&] { on_loop = loop.OnLoop(); });
  Drain(loop);
  EXPECT_THAT(order, ElementsAre(1, 2));
  EXPECT_TRUE(on_loop);
  EXPECT_FALSE(loop.OnLoop());
}

TEST(ThreadLoopTest, ATimerRunsNoEarlierThanAsked) {
  ThreadLoop loop("test");
  const absl::Duration start = loop.clock().Monotonic();
  std::promise<absl::Duration> ran;
  loop.After(absl::Hours(1000000), [] {});
  loop.After(absl::Milliseconds(20), [&] { ran.set_value(loop.clock().Monotonic()); });
  EXPECT_GE(ran.get_future().get() - start, absl::Milliseconds(20));
}

TEST(ThreadLoopTest, AnEarlierTimerWakesALoopThatWaitsForALaterOne) {
  ThreadLoop loop("test");
  loop.After(absl::Hours(1), [] {});
  Drain(loop);
  std::promise<void> ran;
  loop.After(absl::Milliseconds(1), [&] { ran.set_value(); });
  ran.get_future().wait();
}

TEST(ThreadLoopTest, CancelOnTheLoopGuaranteesThatTheTimerDoesNotRun) {
  ThreadLoop loop("test");
  std::atomic<bool> ran = false;
  loop.Post([&] {
    const auto id = loop.After(absl::ZeroDuration(), [&] { ran = true; });
    loop.Cancel(id);
  });
  Drain(loop);
  Drain(loop);
  EXPECT_FALSE(ran);
}

TEST(ThreadLoopTest, StopRunsNothingThatWaitsAndReleasesIt) {
  auto held = std::make_shared<int>(1);
  std::atomic<bool> ran = false;
  ThreadLoop loop("test");
  loop.After(absl::Hours(1), [held, &ran] { ran = true; });
  loop.Stop();
  EXPECT_FALSE(ran);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(ThreadLoopTest, AfterStopNothingIsTaken) {
  auto held = std::make_shared<int>(1);
  std::atomic<bool> ran = false;
  ThreadLoop loop("test");
  loop.Stop();
  loop.Stop();
  loop.Post([held, &ran] { ran = true; });
  loop.Cancel(loop.After(absl::ZeroDuration(), [held, &ran] { ran = true; }));
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(ran);
}

TEST(ThreadLoopTest, StopWaitsForTheRunningCallback) {
  std::promise<void> started;
  std::promise<void> go_on;
  std::atomic<bool> ended = false;
  ThreadLoop loop("test");
  loop.Post([&] {
    started.set_value();
    go_on.get_future().wait();
    ended = true;
  });
  started.get_future().wait();
  std::thread releases([&] { go_on.set_value(); });
  loop.Stop();
  EXPECT_TRUE(ended);
  releases.join();
}

TEST(ThreadLoopTest, ManyThreadsMayPostCancelAndStopAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  int ran = 0;  // Touched on the loop only.
  {
    ThreadLoop loop("test");
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kPosts; ++i) {
          loop.Post([&ran] { ++ran; });
          loop.Cancel(loop.After(absl::Hours(1), [&ran] { ++ran; }));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    Drain(loop);
    std::thread stops([&] { loop.Stop(); });
    loop.Stop();
    stops.join();
  }
  EXPECT_EQ(ran, kThreads * kPosts);
}

TEST(RealClockTest, MonotonicTimeNeverDecreasesAndTheWallClockIsSet) {
  const RealClock clock;
  const absl::Duration first = clock.Monotonic();
  EXPECT_GE(clock.Monotonic(), first);
  EXPECT_GT(clock.Now(), absl::FromUnixSeconds(1'700'000'000));
}

}  // namespace
}  // namespace leidang
