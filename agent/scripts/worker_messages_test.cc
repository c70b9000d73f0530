#include "agent/scripts/worker_messages.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::leidang::testing::StatusIs;
using object::Value;
using ::testing::HasSubstr;

TEST(WorkerMessages, ACallIsReadAsItWasWritten) {
  const ScriptCall call{.language = ScriptCall::Language::kJqPaths,
                        .name = "not sent",
                        .subject = "nor this",
                        .script = ".a",
                        .input = std::make_shared<const Value>(*object::ParseJson("{\"a\":[1]}"))};
  const absl::StatusOr<std::string> frame = FrameOf(CallMessage(call));
  ASSERT_OK(frame);
  const absl::StatusOr<size_t> length = FrameLength(frame->substr(0, kScriptLengthBytes));
  ASSERT_OK(length);
  EXPECT_EQ(*length, frame->size() - kScriptLengthBytes);
  const absl::StatusOr<ScriptCall> read = ReadCall(frame->substr(kScriptLengthBytes));
  ASSERT_OK(read);
  EXPECT_EQ(read->language, call.language);
  EXPECT_EQ(read->script, call.script);
  EXPECT_EQ(read->name, "");
  EXPECT_EQ(*read->input, *call.input);
}

TEST(WorkerMessages, AnswersAndErrorsComeBack) {
  const absl::StatusOr<Value> null = ReadAnswer(object::ToJson(AnswerMessage(Value(nullptr))));
  ASSERT_OK(null);
  EXPECT_TRUE(null->is_null());
  EXPECT_THAT(ReadAnswer(object::ToJson(AnswerMessage(absl::FailedPreconditionError("why")))),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("why")));
}

TEST(WorkerMessages, NonsenseIsAnError) {
  for (const char* text : {"", "7", "{}", "[]", R"({"code":0,"error":"x"})", R"({"code":"x"})"}) {
    EXPECT_THAT(ReadAnswer(text),
                StatusIs(absl::StatusCode::kInternal, HasSubstr("cannot be read")))
        << text;
  }
  for (const char* text : {"", "7", "{}", R"({"language":99})", R"({"language":-1})"}) {
    EXPECT_FALSE(ReadCall(text).ok()) << text;
  }
}

TEST(WorkerMessages, WhatIsTooLongIsNeitherSentNorWaitedFor) {
  EXPECT_THAT(FrameOf(Value(std::string(kScriptMessageBytesMax, 'x'))),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("larger than 4 MiB")));
  EXPECT_FALSE(FrameLength("\xff\xff\xff\xff").ok());
}

}  // namespace
}  // namespace leidang::agent
