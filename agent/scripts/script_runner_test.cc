// One contract for the evaluator in the process and for the worker beside it, then what only the
// worker promises.

#include <csignal>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/scripts/inline_scripts.h"
#include "agent/scripts/script.h"
#include "agent/scripts/script_worker.h"
#include "common/time/thread_loop.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::leidang::testing::StatusIs;
using object::Value;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Language = ScriptCall::Language;
using Answer = absl::StatusOr<Value>;

constexpr char kLoopInOneCall[] =
    "return string.find(string.rep('a', 3000), string.rep('a-', 12) .. 'b')";
constexpr char kAllocates[] = ".a | select((reduce range(100) as $i (\"a text\"; . + .)) == \"\")";

ScriptCall Call(Language language, std::string script, absl::string_view input = "{}") {
  absl::StatusOr<Value> value = object::ParseJson(input);
  EXPECT_OK(value);
  return {.language = language,
          .name = "the script of Widget",
          .subject = "Widget shop/w",
          .script = std::move(script),
          .input = std::make_shared<const Value>(*std::move(value))};
}

template <typename Fn>
auto OnLoop(ThreadLoop& loop, Fn fn) {
  std::promise<decltype(fn())> result;
  loop.Post([&] { result.set_value(fn()); });
  return result.get_future().get();
}

// Both kinds, on a loop of their own.
class Runner {
 public:
  virtual ~Runner() = default;
  Answer Ask(ScriptCall call) {
    auto answer = std::make_shared<std::promise<Answer>>();
    loop_.Post([this, answer, call = std::move(call)] {
      scripts().Run(call, [answer](Answer got) { answer->set_value(std::move(got)); });
    });
    return answer->get_future().get();
  }
  virtual ScriptRunner& scripts() = 0;

 protected:
  ThreadLoop loop_{"test"};
};

class Inline final : public Runner {
 public:
  ScriptRunner& scripts() override { return scripts_; }

 private:
  InlineScripts scripts_{loop_};
};

class Worker final : public Runner {
 public:
  explicit Worker(ScriptWorkerOptions options = {})
      : scripts_(std::make_unique<ScriptWorker>(loop_, std::move(options))) {}
  ~Worker() override {
    OnLoop(loop_, [&] {
      scripts_.reset();
      return 0;
    });
  }
  ScriptRunner& scripts() override { return *scripts_; }
  ThreadLoop& loop() { return loop_; }
  ScriptWorker::Snapshot Look() {
    return OnLoop(loop_, [&] { return scripts_->Look(); });
  }

 private:
  std::unique_ptr<ScriptWorker> scripts_;
};

struct Kind {
  const char* name;
  std::unique_ptr<Runner> (*make)();
};

class ScriptRunnerContract : public ::testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<Runner> runner_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(
    All, ScriptRunnerContract,
    ::testing::Values(Kind{"Inline", [] { return std::unique_ptr<Runner>(new Inline); }},
                      Kind{"Worker", [] { return std::unique_ptr<Runner>(new Worker); }}),
    [](const auto& info) { return info.param.name; });

TEST_P(ScriptRunnerContract, AHealthCheckAnswers) {
  const Answer answer = runner_->Ask(
      Call(Language::kLuaHealth, "return {status = obj.status.phase, message = 'as it says'}",
           R"({"status":{"phase":"Suspended"}})"));
  ASSERT_OK(answer);
  EXPECT_EQ(object::ToJson(*answer), R"({"status":"Suspended","message":"as it says"})");
}

TEST_P(ScriptRunnerContract, AnExpressionSelectsPaths) {
  const Answer answer = runner_->Ask(
      Call(Language::kJqPaths, ".l[] | select(. > 1)", R"({"l":[1,2,3],"n":9007199254740993})"));
  ASSERT_OK(answer);
  EXPECT_EQ(object::ToJson(*answer), R"([["l",1],["l",2]])");
}

TEST_P(ScriptRunnerContract, NoHealthIsNull) {
  const Answer answer = runner_->Ask(Call(Language::kLuaHealth, "return nil"));
  ASSERT_OK(answer);
  EXPECT_TRUE(answer->is_null());
}

TEST_P(ScriptRunnerContract, ErrorsNameScriptAndObject) {
  const auto named = AllOf(HasSubstr("the script of Widget on Widget shop/w: "));
  EXPECT_THAT(runner_->Ask(Call(Language::kLuaHealth, "return {")),
              StatusIs(absl::StatusCode::kInvalidArgument, named));
  EXPECT_THAT(runner_->Ask(Call(Language::kLuaSyntax, "return {")),
              StatusIs(absl::StatusCode::kInvalidArgument, named));
  EXPECT_THAT(runner_->Ask(Call(Language::kLuaHealth, "return obj.a.b")),
              StatusIs(absl::StatusCode::kFailedPrecondition, named));
  EXPECT_THAT(runner_->Ask(Call(Language::kJqPaths, ".a[")),
              StatusIs(absl::StatusCode::kInvalidArgument, named));
  EXPECT_THAT(runner_->Ask(Call(Language::kJqSyntax, ".a[")),
              StatusIs(absl::StatusCode::kInvalidArgument, named));
  EXPECT_THAT(runner_->Ask(Call(Language::kJqPaths, ".[0]")),
              StatusIs(absl::StatusCode::kFailedPrecondition, named));
}

TEST_P(ScriptRunnerContract, ALuaLoopEndsAndTheNextCallIsAnswered) {
  EXPECT_THAT(runner_->Ask(Call(Language::kLuaHealth, "while true do end")),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("Widget shop/w")));
  EXPECT_OK(runner_->Ask(Call(Language::kLuaHealth, "return nil")));
}

TEST_P(ScriptRunnerContract, LuaThatAllocatesWithoutEndIsEnded) {
  EXPECT_THAT(
      runner_->Ask(Call(Language::kLuaHealth, "local s = 'x' while true do s = s .. s end")),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("Widget shop/w")));
  EXPECT_OK(runner_->Ask(Call(Language::kLuaHealth, "return nil")));
}

TEST_P(ScriptRunnerContract, CallsAreAnsweredInOrder) {
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < 20; ++i) {
    const Answer answer = runner_->Ask(Call(
        Language::kLuaHealth, absl::StrCat("return {status = 'Healthy', message = '", i, "'}")));
    ASSERT_OK(answer);
    EXPECT_EQ(object::FindString(*answer, {"message"}), absl::StrCat(i));
  }
}

TEST(ScriptWorkerTest, TheWorkerIsConfined) {
  Worker worker;
  EXPECT_EQ(worker.Look().pid, 0) << "it starts with the first call";
  ASSERT_OK(worker.Ask(Call(Language::kLuaHealth, "return nil")));
  EXPECT_NE(worker.Look().pid, 0);
#if defined(__x86_64__) || defined(__aarch64__)
  EXPECT_TRUE(worker.Look().confined);
#endif
}

TEST(ScriptWorkerTest, ALoopInOneCallOfAFunctionCostsItsOwnCallOnly) {
  // Also of the calls that must succeed, on a machine that is busy.
  Worker worker({.deadline = absl::Seconds(3)});
  for (const auto& [language, script] :
       {std::pair{Language::kLuaHealth, std::string(kLoopInOneCall)},
        std::pair{Language::kJqPaths, std::string("last(range(1e18))")}}) {
    EXPECT_THAT(worker.Ask(Call(language, script)),
                StatusIs(absl::StatusCode::kDeadlineExceeded,
                         AllOf(HasSubstr("the script of Widget on Widget shop/w"),
                               HasSubstr("not done after 3s"))));
    EXPECT_OK(worker.Ask(Call(Language::kJqPaths, ".a")));
  }
  EXPECT_EQ(worker.Look().starts, 3u);
}

TEST(ScriptWorkerTest, AScriptThatEndedTheWorkerRestsLongerEachTime) {
  Worker worker({.deadline = absl::Seconds(3), .rest_min = absl::Seconds(60)});
  const ScriptCall bad = Call(Language::kJqPaths, "last(range(1e18))");
  EXPECT_THAT(worker.Ask(bad), StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("3s")));
  EXPECT_THAT(worker.Ask(bad),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("Widget shop/w"), HasSubstr("has ended what runs scripts"),
                             HasSubstr("not tried again for"))));
  EXPECT_OK(worker.Ask(Call(Language::kJqPaths, ".a")));
}

TEST(ScriptWorkerTest, AScriptThatRestedIsTriedAgain) {
  Worker worker({.deadline = absl::Seconds(1),
                 .rest_min = absl::Nanoseconds(1),
                 .rest_max = absl::Nanoseconds(1)});
  const ScriptCall bad = Call(Language::kJqPaths, "last(range(1e18))");
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(worker.Ask(bad), StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("1s")));
  }
  EXPECT_EQ(worker.Look().starts, 2u);
}

TEST(ScriptWorkerTest, JqThatAllocatesWithoutEndIsEnded) {
  Worker worker({.deadline = absl::Seconds(5), .memory_bytes_max = uint64_t{128} << 20});
  const Answer answer = worker.Ask(Call(Language::kJqPaths, kAllocates));
  // Under a sanitizer the deadline comes before the memory.
  EXPECT_FALSE(answer.ok());
  EXPECT_TRUE(absl::IsResourceExhausted(answer.status()) ||
              absl::IsDeadlineExceeded(answer.status()))
      << answer.status();
  EXPECT_THAT(std::string(answer.status().message()), HasSubstr("Widget shop/w"));
  EXPECT_OK(worker.Ask(Call(Language::kJqPaths, ".a")));
}

TEST(ScriptWorkerTest, AWorkerThatIsKilledIsReplaced) {
  Worker worker;
  ASSERT_OK(worker.Ask(Call(Language::kJqPaths, ".a")));
  const int pid = worker.Look().pid;
  ASSERT_GT(pid, 0);
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  // The call that finds it dead fails, another script's does not.
  const Answer first = worker.Ask(Call(Language::kJqPaths, ".a"));
  if (!first.ok()) {
    EXPECT_THAT(first, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("signal 9")));
  }
  EXPECT_OK(worker.Ask(Call(Language::kJqPaths, ".b")));
  EXPECT_NE(worker.Look().pid, pid);
}

TEST(ScriptWorkerTest, AWorkerThatCannotStartIsAnErrorAndRests) {
  Worker worker({.argv = {"/nonexistent/program"}, .rest_min = absl::Seconds(60)});
  EXPECT_THAT(worker.Ask(Call(Language::kJqPaths, ".a")),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("Widget shop/w"), HasSubstr("cannot be started"),
                             HasSubstr("/nonexistent/program"))));
  EXPECT_THAT(worker.Ask(Call(Language::kJqPaths, ".a")),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not tried again for")));
  EXPECT_EQ(worker.Look().starts, 1u);
}

TEST(ScriptWorkerTest, AProgramThatAnswersNonsenseIsNotWaitedFor) {
  Worker silent({.argv = {"/bin/sleep", "1000"}, .start_deadline = absl::Milliseconds(200)});
  EXPECT_THAT(silent.Ask(Call(Language::kJqPaths, ".a")),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("it did not greet")));
  Worker babbling({.argv = {"/usr/bin/yes"}});
  EXPECT_THAT(babbling.Ask(Call(Language::kJqPaths, ".a")),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("it did not greet")));
}

TEST(ScriptWorkerTest, CallsBeyondTheLimitAreRefusedAtOnce) {
  Worker worker({.deadline = absl::Seconds(3), .waiting_max = 2});
  std::promise<Answer> refused;
  worker.loop().Post([&] {
    for (int i = 0; i < 2; ++i) {
      worker.scripts().Run(Call(Language::kJqPaths, "last(range(1e18))"), [](const Answer&) {});
    }
    worker.scripts().Run(Call(Language::kJqPaths, ".a"),
                         [&](Answer answer) { refused.set_value(std::move(answer)); });
  });
  EXPECT_THAT(refused.get_future().get(),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("Widget shop/w"), HasSubstr("2 scripts wait"))));
}

TEST(ScriptWorkerTest, AnIdleWorkerIsEndedUntilItIsNeeded) {
  Worker worker({.idle_max = absl::Milliseconds(50)});
  ASSERT_OK(worker.Ask(Call(Language::kJqPaths, ".a")));
  const int pid = worker.Look().pid;
  std::promise<void> later;
  worker.loop().After(absl::Milliseconds(400), [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_EQ(worker.Look().pid, 0);
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_OK(worker.Ask(Call(Language::kJqPaths, ".a")));
  EXPECT_EQ(worker.Look().starts, 2u);
}

TEST(ScriptWorkerTest, AnObjectThatIsTooLargeIsRefused) {
  Worker worker;
  EXPECT_THAT(worker.Ask(Call(Language::kJqPaths, ".a",
                              absl::StrCat("\"", std::string(5 << 20, 'x'), "\""))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Widget shop/w"), HasSubstr("larger than 4 MiB"))));
}

}  // namespace
}  // namespace leidang::agent
