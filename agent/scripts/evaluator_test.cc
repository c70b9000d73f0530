#include "agent/scripts/evaluator.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::leidang::testing::StatusIs;
using object::Value;
using ::testing::HasSubstr;
using Language = ScriptCall::Language;

Value Parsed(absl::string_view text) {
  absl::StatusOr<Value> value = object::ParseJson(text);
  EXPECT_OK(value);
  return value.ok() ? *std::move(value) : Value();
}

std::string Lua(const std::string& script, absl::string_view object = "{}", LuaLimits limits = {}) {
  const absl::StatusOr<Value> answer = RunLuaCheck(script, Parsed(object), limits);
  return answer.ok() ? object::ToJson(*answer) : answer.status().ToString();
}

std::string Jq(const std::string& expression, absl::string_view object) {
  JqPrograms programs;
  const absl::StatusOr<object::Array> paths = programs.Paths(expression, Parsed(object));
  return paths.ok() ? object::ToJson(Value(*paths)) : paths.status().ToString();
}

TEST(LuaCheck, AnswersWithStatusAndMessage) {
  EXPECT_EQ(Lua(R"(
      hs = {}
      if obj.status ~= nil and obj.status.conditions ~= nil then
        for i, condition in ipairs(obj.status.conditions) do
          if condition.type == "Ready" and condition.status == "False" then
            hs.status = "Degraded"
            hs.message = condition.message
            return hs
          end
        end
      end
      hs.status = "Progressing"
      return hs)",
                R"({"status":{"conditions":[{"type":"Ready","status":"False","message":"no"}]}})"),
            R"({"status":"Degraded","message":"no"})");
}

TEST(LuaCheck, GotoIsKnown) {
  EXPECT_EQ(Lua(R"(for i = 1, 3 do
        if i == 2 then goto continue end
        last = i
        ::continue::
      end
      return {status = "Healthy", message = tostring(last)})"),
            R"({"status":"Healthy","message":"3"})");
}

TEST(LuaCheck, NumbersPrintAsInLua51) {
  EXPECT_EQ(Lua(R"(return {status = "Healthy", message = 4 / 2 .. " " .. obj.n})", R"({"n":3})"),
            R"({"status":"Healthy","message":"2 3"})");
}

TEST(LuaCheck, ValuesArriveWithTheirTypes) {
  EXPECT_EQ(
      Lua(R"(local t = {type(obj.s), type(obj.i), type(obj.d), type(obj.b), type(obj.z), #obj.l}
             return {status = "Healthy", message = table.concat(t, " ")})",
          R"({"s":"a","i":1,"d":1.5,"b":false,"z":null,"l":[1,2]})"),
      R"({"status":"Healthy","message":"string number number boolean nil 2"})");
}

TEST(LuaCheck, NothingOrAnEmptyTableIsNoHealth) {
  EXPECT_EQ(Lua("return nil"), "null");
  EXPECT_EQ(Lua("return {}"), "null");
  EXPECT_EQ(Lua("local x = 1"), "null");
}

TEST(LuaCheck, AnAnswerThatIsNoneIsAnError) {
  EXPECT_THAT(Lua("return 7"), HasSubstr("it returned a number instead of a table"));
  EXPECT_THAT(Lua("return {status = 'Fine'}"), HasSubstr("the status \"Fine\", which is none"));
  EXPECT_THAT(Lua("return {message = 'x'}"), HasSubstr("the status \"\", which is none"));
  EXPECT_THAT(Lua("return {status = 7}"), HasSubstr("FAILED_PRECONDITION"));
}

TEST(LuaCheck, AScriptThatCannotBeReadSaysWhere) {
  EXPECT_THAT(Lua("hs = {\nif x then"), ::testing::AllOf(HasSubstr("INVALID_ARGUMENT"),
                                                         HasSubstr("it cannot be read: check:2:")));
  EXPECT_THAT(CheckLuaSyntax("return {"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("it cannot be read")));
  EXPECT_OK(CheckLuaSyntax("error('only when it runs')"));
}

TEST(LuaCheck, BytecodeIsRefused) {
  EXPECT_THAT(Lua(std::string("\x1bLJ\x02\x02", 5)), HasSubstr("INVALID_ARGUMENT"));
}

TEST(LuaCheck, AnErrorOnThisObjectSaysWhere) {
  EXPECT_THAT(Lua("return obj.status.phase"),
              ::testing::AllOf(HasSubstr("FAILED_PRECONDITION"), HasSubstr("check:1:")));
  EXPECT_THAT(Lua("error({})"), HasSubstr("an error without a text"));
}

TEST(LuaCheck, NothingReachesOut) {
  for (const char* name : {"os", "io", "debug", "package", "require", "load", "loadstring",
                           "dofile", "loadfile", "module", "print", "collectgarbage", "getfenv",
                           "setfenv", "newproxy", "ffi", "jit", "string.dump"}) {
    EXPECT_EQ(Lua(absl::StrCat("return {status = 'Healthy', message = tostring(", name, ")}")),
              R"({"status":"Healthy","message":"nil"})")
        << name;
  }
}

TEST(LuaCheck, OneCheckLeavesNothingToTheNext) {
  EXPECT_EQ(Lua("string.rep = nil; leak = 1; return nil"), "null");
  EXPECT_EQ(Lua("return {status = 'Healthy', message = ('a'):rep(2) .. tostring(leak)}"),
            R"({"status":"Healthy","message":"aanil"})");
}

TEST(LuaCheck, ALoopEndsWithTheInstructions) {
  const LuaLimits few{.instructions_max = 1'000'000};
  EXPECT_THAT(Lua("while true do end", "{}", few),
              ::testing::AllOf(HasSubstr("DEADLINE_EXCEEDED"), HasSubstr("1000000 instructions")));
  EXPECT_THAT(Lua("while true do pcall(function() while true do end end) end", "{}", few),
              HasSubstr("DEADLINE_EXCEEDED"));
  EXPECT_THAT(Lua("local c = coroutine.wrap(function() while true do end end) c()", "{}", few),
              HasSubstr("DEADLINE_EXCEEDED"));
}

TEST(LuaCheck, MemoryIsBounded) {
  const LuaLimits small{.memory_bytes_max = size_t{4} << 20};
  for (const char* script :
       {"local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", "return ('x'):rep(1e9)",
        "local s = 'x' while true do s = s .. s end"}) {
    EXPECT_THAT(Lua(script, "{}", small),
                ::testing::AllOf(HasSubstr("RESOURCE_EXHAUSTED"), HasSubstr("more than 4 MiB")))
        << script;
  }
}

TEST(LuaCheck, AnObjectLargerThanTheMemoryIsAnError) {
  object::Array list(200'000, Value("a text of some length, which is the same everywhere"));
  const LuaLimits small{.memory_bytes_max = size_t{1} << 20};
  EXPECT_THAT(RunLuaCheck("return nil", Value(object::Object{{"l", list}}), small),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 1 MiB")));
}

TEST(LuaCheck, ADeepObjectIsReadOrRefused) {
  std::string deep;
  for (int i = 0; i < 900; ++i) deep += R"({"a":)";
  deep += "1" + std::string(900, '}');
  EXPECT_EQ(Lua("return nil", deep), "null");
}

TEST(JqPaths, SelectsPaths) {
  EXPECT_EQ(Jq(R"(.l[] | select(.n == "a"))", R"({"l":[{"n":"a"},{"n":"b"},{"n":"a"}]})"),
            R"([["l",0],["l",2]])");
  EXPECT_EQ(Jq(".a, .b.c # and no more", R"({"a":1})"), R"([["a"],["b","c"]])");
  EXPECT_EQ(Jq(".l[1:]", R"({"l":[1,2,3]})"), R"([["l",{"start":1,"end":null}]])");
}

TEST(JqPaths, OneThatDoesNotFitTheObjectSaysWhy) {
  EXPECT_THAT(
      Jq(".a[].b", R"({"a":7})"),
      ::testing::AllOf(HasSubstr("FAILED_PRECONDITION"), HasSubstr("Cannot iterate over number")));
  EXPECT_THAT(Jq("1", "{}"), HasSubstr("FAILED_PRECONDITION"));
  EXPECT_THAT(Jq("error(\"no\")", "{}"), HasSubstr("it failed: no"));
}

TEST(JqPaths, OneThatIsNoneIsAnErrorAndOthersStillRun) {
  JqPrograms programs;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(programs.Paths(".a[", Parsed("{}")),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("it cannot be read: ")));
    EXPECT_OK(programs.Paths(".a", Parsed("{}")));
    EXPECT_FALSE(programs.Paths(".a[].b", Parsed(R"({"a":7})")).ok());
  }
  EXPECT_THAT(programs.CheckSyntax("nosuch(.a)"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nosuch/1 is not defined")));
  EXPECT_OK(programs.CheckSyntax(".a"));
}

TEST(JqPaths, ReachesNeitherFilesNorEnvironment) {
  ::setenv("LEIDANG_TEST_SECRET", "x", 1);
  EXPECT_THAT(Jq("include \"x\"; .", "{}"), HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(Jq("input", "{}"), HasSubstr("FAILED_PRECONDITION"));
  EXPECT_EQ(Jq(".a | debug", "{}"), R"([["a"]])");
  EXPECT_THAT(Jq("halt", "{}"), HasSubstr("FAILED_PRECONDITION"));
}

TEST(JqPaths, MoreExpressionsThanAreKeptStillRun) {
  JqPrograms programs(2);
  for (int i = 0; i < 5; ++i) {
    const absl::StatusOr<object::Array> paths =
        programs.Paths(absl::StrCat(".a", i % 3), Parsed("{}"));
    ASSERT_OK(paths);
    EXPECT_EQ(object::ToJson(Value(*paths)), absl::StrCat("[[\"a", i % 3, "\"]]"));
  }
}

TEST(ScriptEvaluator, CarriesOutEachKindOfCall) {
  ScriptEvaluator evaluator;
  const auto run = [&](Language language, const std::string& script) {
    const absl::StatusOr<Value> answer =
        evaluator.Evaluate({.language = language,
                            .script = script,
                            .input = std::make_shared<const Value>(Parsed(R"({"a":1})"))});
    return answer.ok() ? object::ToJson(*answer) : answer.status().ToString();
  };
  EXPECT_EQ(run(Language::kLuaHealth, "return {status = 'Healthy'}"),
            R"({"status":"Healthy","message":""})");
  EXPECT_EQ(run(Language::kLuaSyntax, "return"), "null");
  EXPECT_EQ(run(Language::kJqPaths, ".a"), R"([["a"]])");
  EXPECT_EQ(run(Language::kJqSyntax, ".a"), "null");
  EXPECT_THAT(run(Language::kJqSyntax, "."), "null");
}

}  // namespace
}  // namespace leidang::agent
