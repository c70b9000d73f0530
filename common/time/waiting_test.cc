#include "common/time/waiting.h"

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "common/time/thread_loop.h"

namespace leidang {
namespace {

TEST(Waiting, WhatRunsOnALoopHasEndedAfterwards) {
  ThreadLoop loop("test");
  bool there = false;
  OnLoop(loop, [&] { there = loop.OnLoop(); });
  EXPECT_TRUE(there);
}

TEST(Waiting, WhatIsStartedOnALoopIsWaitedFor) {
  ThreadLoop loop("test");
  const absl::Status answer = AwaitOn(loop, [&](std::function<void(absl::Status)> done) {
    loop.Post([done = std::move(done)] { done(absl::AbortedError("later")); });
  });
  EXPECT_EQ(answer, absl::AbortedError("later"));
}

}  // namespace
}  // namespace leidang
