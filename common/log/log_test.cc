#include "common/log/log.h"

#include <cstdio>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

#include "common/log/log_line.h"
#include "common/log/memory_log.h"
#include "common/log/stderr_log.h"
#include "common/object/value.h"
#include "common/time/sim_loop.h"
#include "tests/support/status_matchers.h"

namespace leidang {
namespace {

const absl::Time kTime = absl::FromUnixMillis(1767323045678);  // 2026-01-02T03:04:05.678Z

std::string Text(absl::string_view message, std::initializer_list<LogField> fields = {}) {
  return FormatLogLine(LogFormat::kText, kTime, LogLevel::kWarning, "hub/source", message, fields);
}

std::string Json(absl::string_view message, std::initializer_list<LogField> fields = {}) {
  return FormatLogLine(LogFormat::kJson, kTime, LogLevel::kError, "hub/source", message, fields);
}

TEST(LogLineTest, TextHasTimeLevelRoomMessageAndFields) {
  EXPECT_EQ(Text("cannot fetch", {{"repo", "https://x/y.git"}, {"attempt", 3}, {"ratio", 0.5}}),
            "2026-01-02T03:04:05.678Z warning hub/source cannot fetch repo=https://x/y.git "
            "attempt=3 ratio=0.5");
}

TEST(LogLineTest, ValuesThatWouldMisleadAreQuoted) {
  EXPECT_EQ(Text("m", {{"a", "x y"}, {"b", ""}, {"c", "k=v"}, {"d", "\"q\""}, {"e", "l\nm"}}),
            "2026-01-02T03:04:05.678Z warning hub/source m a=\"x y\" b=\"\" c=\"k=v\" "
            "d=\"\\\"q\\\"\" e=\"l\\nm\"");
}

TEST(LogLineTest, AForgedMessageStaysOneLine) {
  EXPECT_EQ(Text("a\n2026-01-02T03:04:05.678Z info x y"),
            "2026-01-02T03:04:05.678Z warning hub/source "
            "\"a\\n2026-01-02T03:04:05.678Z info x y\"");
}

TEST(LogLineTest, JsonHasFixedKeysAndParses) {
  const std::string line = Json("bad \"thing\"\n", {{"cluster", "a\xff"}, {"n", 7}});
  ASSERT_OK_AND_ASSIGN(const object::Value value, object::ParseJson(line));
  EXPECT_EQ(object::FindString(value, {"ts"}), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(object::FindString(value, {"level"}), "error");
  EXPECT_EQ(object::FindString(value, {"room"}), "hub/source");
  EXPECT_EQ(object::FindString(value, {"msg"}), "bad \"thing\"\n");
  EXPECT_EQ(object::FindString(value, {"cluster"}), "a\uFFFD");
  EXPECT_EQ(object::FindString(value, {"n"}), "7");
}

TEST(LogLineTest, WordsOfFlagsReadBack) {
  EXPECT_EQ(LogLevels().size(), 4u);
  for (const auto& [word, level] : LogLevels()) EXPECT_EQ(ToString(level), word);
  EXPECT_EQ(LogFormats().at("text"), LogFormat::kText);
  EXPECT_EQ(LogFormats().at("json"), LogFormat::kJson);
}

TEST(SecretTest, ShowsItselfAsStars) {
  const Secret secret("hunter2");
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "***");
  EXPECT_EQ(secret.Reveal(), "hunter2");
  EXPECT_EQ(Text("m", {{"token", secret}}),
            "2026-01-02T03:04:05.678Z warning hub/source m token=***");
}

TEST(StderrLogTest, WritesWholeLinesFromItsLevelOn) {
  SimLoop loop(kTime);
  ::testing::internal::CaptureStderr();
  {
    StderrLog log(loop.clock(), {.format = LogFormat::kText, .level_min = LogLevel::kInfo});
    log.Debug("cli", "quiet");
    log.Info("cli", "{} %d stays", {{"app", "cart"}});
    log.Error("cli", "loud");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "2026-01-02T03:04:05.678Z info cli {} %d stays app=cart\n"
            "2026-01-02T03:04:05.678Z error cli loud\n");
}

TEST(MemoryLogTest, KeepsTheNewestLines) {
  MemoryLog log(2);
  log.Info("a", "one");
  log.Info("a", "two", {{"k", "v"}});
  log.Warning("b", "three");
  const auto lines = log.lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].message, "two");
  EXPECT_EQ(lines[0].Field("k"), "v");
  EXPECT_EQ(lines[0].Field("other"), "");
  EXPECT_EQ(lines[1].level, LogLevel::kWarning);
}

}  // namespace
}  // namespace leidang
