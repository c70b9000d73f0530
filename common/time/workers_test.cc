#include "common/time/workers.h"

#include <atomic>

#include "gtest/gtest.h"

#include "common/time/sim_loop.h"

namespace leidang {
namespace {

TEST(WorkerThreads, RunAllWorkAcrossThreads) {
  std::atomic<int> done{0};
  Mutex mu;
  CondVar finished;
  WorkerThreads workers("test", 2);
  for (int i = 0; i < 100; ++i) {
    workers.Run([&] {
      if (++done == 100) {
        MutexLock lock(&mu);
        finished.SignalAll();
      }
    });
  }
  MutexLock lock(&mu);
  while (done < 100) finished.WaitFor(&mu, absl::Milliseconds(10));
  EXPECT_EQ(done, 100);
}

TEST(WorkerThreads, RunNothingAfterStop) {
  std::atomic<int> done{0};
  WorkerThreads workers("test", 1);
  workers.Stop();
  workers.Run([&] { ++done; });
  workers.Stop();
  EXPECT_EQ(done, 0);
}

TEST(LoopWorkers, RunInOrderOnTheLoop) {
  SimLoop loop;
  LoopWorkers workers(loop);
  std::string order;
  workers.Run([&] { order += "a"; });
  workers.Run([&] { order += "b"; });
  EXPECT_EQ(order, "");
  loop.RunUntilIdle();
  EXPECT_EQ(order, "ab");
}

}  // namespace
}  // namespace leidang
