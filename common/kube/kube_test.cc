#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "common/kube/cron.h"
#include "common/kube/duration.h"
#include "common/kube/quantity.h"
#include "common/random/random.h"

namespace leidang::kube {
namespace {

TEST(DurationTest, ReadsGoDurations) {
  EXPECT_EQ(*ParseDurationNanoseconds("1.5h"), 5'400'000'000'000);
  EXPECT_EQ(*ParseDurationNanoseconds("-.5s"), -500'000'000);
  EXPECT_EQ(*ParseDurationNanoseconds("0"), 0);
  EXPECT_EQ(ParseDuration("3m")->operator/=(3), absl::Minutes(1));
}

TEST(DurationTest, RefusesInGosWords) {
  EXPECT_EQ(ParseDurationNanoseconds("1d").status().message(),
            "time: unknown unit \"d\" in duration \"1d\"");
  EXPECT_EQ(ParseDurationNanoseconds("5").status().message(),
            "time: missing unit in duration \"5\"");
  EXPECT_EQ(ParseDurationNanoseconds("").status().message(), "time: invalid duration \"\"");
}

TEST(DurationTest, WhatIsWrittenReadsAsTheSame) {
  SeededRandom random(1);
  for (int i = 0; i < 10'000; ++i) {
    const int64_t ns = static_cast<int64_t>(random.Next()) >> random.Below(63);
    EXPECT_EQ(*ParseDurationNanoseconds(FormatDuration(ns)), ns);
  }
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(*ParseDurationNanoseconds(FormatDuration(kLeast)), kLeast);
}

TEST(QuantityTest, WritesTheCanonicalForm) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"0.5", "500m"},      {"1.5Gi", "1536Mi"},
      {"1E3", "1E3"},       {"+5", "+5"},
      {"0.1Ki", "102400m"}, {"Ki", "0"},
      {"10.5m", "10500u"},  {"5.", "5."},
      {"100n", "100n"},     {"1000", "1k"},
      {"1000000E", "1"},    {"1e1000", "10e999"},
      {"0.1n", "1n"},       {"99999999999999999999Gi", "9223372036854775807"},
  };
  for (const auto& [input, want] : rows) {
    const absl::StatusOr<Quantity> q = Quantity::Parse(input);
    ASSERT_TRUE(q.ok()) << input;
    EXPECT_EQ(q->Canonical(), want) << input;
  }
}

TEST(QuantityTest, ComparesByValue) {
  EXPECT_EQ(Quantity::Parse("1Gi")->Compare(*Quantity::Parse("1024Mi")), 0);
  EXPECT_EQ(Quantity::Parse("1G")->Compare(*Quantity::Parse("1Gi")), -1);
  EXPECT_EQ(Quantity::Parse("-1")->Compare(*Quantity::Parse("-2")), 1);
  EXPECT_EQ(Quantity::Parse("1000m")->Compare(*Quantity::Parse("1")), 0);
}

TEST(QuantityTest, RefusesWithItsReason) {
  EXPECT_EQ(Quantity::Parse("1e").status().message(), "unable to parse quantity's suffix");
  EXPECT_EQ(Quantity::Parse(".e-10").status().message(),
            "unable to parse numeric part of quantity");
  EXPECT_FALSE(Quantity::Parse("1 Mi").ok());
  EXPECT_EQ(Quantity::Parse("1e999999").status().code(), absl::StatusCode::kOutOfRange);
}

absl::Time At(absl::string_view text) {
  absl::Time t;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &t, &error)) << error;
  return t;
}

TEST(CronTest, FindsTheNextTime) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  EXPECT_EQ(CronSchedule::Parse("*/15 * * * *")->Next(At("2024-02-28T10:00:00Z"), utc),
            At("2024-02-28T10:15:00Z"));
  EXPECT_EQ(CronSchedule::Parse("0 0 29 2 *")->Next(At("2025-01-01T00:00:00Z"), utc),
            At("2028-02-29T00:00:00Z"));
  EXPECT_EQ(CronSchedule::Parse("0 0 30 2 *")->Next(At("2025-01-01T00:00:00Z"), utc), std::nullopt);
  EXPECT_EQ(CronSchedule::Parse("TZ=Asia/Tokyo 0 0 * * *")->Next(At("2024-02-28T10:00:00Z"), utc),
            At("2024-02-28T15:00:00Z"));
}

TEST(CronTest, DayAndWeekdayAddUpWhereBothAreRestricted) {
  const auto cron = CronSchedule::Parse("0 0 13 * 5");
  EXPECT_EQ(cron->Next(At("2024-03-08T00:00:00Z"), absl::UTCTimeZone()),
            At("2024-03-13T00:00:00Z"));
}

TEST(CronTest, RefusesInTheLibrarysWords) {
  EXPECT_EQ(CronSchedule::Parse("@daily").status().message(),
            "parser does not accept descriptors: @daily");
  EXPECT_EQ(CronSchedule::Parse("60 * * * *").status().message(),
            "end of range (60) above maximum (59): 60");
  EXPECT_EQ(CronSchedule::Parse("* * * *").status().message(),
            "expected exactly 5 fields, found 4: [* * * *]");
  EXPECT_EQ(CronSchedule::Parse("TZ=Nope/Zone * * * * *").status().message(),
            "provided bad location Nope/Zone: unknown time zone Nope/Zone");
}

}  // namespace
}  // namespace leidang::kube
