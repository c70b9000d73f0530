#include "common/metrics/metrics.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang {
namespace {

using ::testing::HasSubstr;

TEST(MetricsTest, ExposesCountersAndGaugesSortedByNameAndLabels) {
  Metrics metrics;
  metrics.AddGauge({.name = "leidang_hub_sessions", .help = "Live sessions."}).Set(3);
  Counter& b = metrics.AddCounter(
      {.name = "leidang_hub_fetches_total", .help = "Fetches.", .labels = {{"result", "ok"}}});
  Counter& a = metrics.AddCounter(
      {.name = "leidang_hub_fetches_total", .help = "Fetches.", .labels = {{"result", "failed"}}});
  b.Add(2);
  a.Increment();
  EXPECT_EQ(metrics.Expose(),
            "# HELP leidang_hub_fetches_total Fetches.\n"
            "# TYPE leidang_hub_fetches_total counter\n"
            "leidang_hub_fetches_total{result=\"failed\"} 1\n"
            "leidang_hub_fetches_total{result=\"ok\"} 2\n"
            "# HELP leidang_hub_sessions Live sessions.\n"
            "# TYPE leidang_hub_sessions gauge\n"
            "leidang_hub_sessions 3\n");
}

TEST(MetricsTest, TheSameNameAndLabelsAreTheSameMetric) {
  Metrics metrics;
  Counter& one = metrics.AddCounter({.name = "x_total", .help = "h"});
  Counter& two = metrics.AddCounter({.name = "x_total", .help = "h"});
  EXPECT_EQ(&one, &two);
  one.Increment();
  EXPECT_EQ(two.value(), 1);
}

TEST(MetricsTest, GaugesMoveBothWays) {
  Metrics metrics;
  Gauge& gauge = metrics.AddGauge({.name = "x", .help = "h"});
  gauge.Add(5);
  gauge.Add(-2);
  EXPECT_EQ(gauge.value(), 3);
}

TEST(MetricsTest, HistogramsCountByBucket) {
  Metrics metrics;
  Histogram& histogram = metrics.AddHistogram({.name = "x_seconds", .help = "h"}, {0.1, 1});
  for (const double seconds : {0.05, 0.5, 5.0}) histogram.Observe(seconds);
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("x_seconds_bucket{le=\"0.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("x_seconds_bucket{le=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("x_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("x_seconds_count 3\n"));
}

TEST(MetricsTest, LabelValuesAreEscaped) {
  Metrics metrics;
  metrics.AddGauge({.name = "x", .help = "h", .labels = {{"l", "a\"b\\c\nd"}}}).Set(1);
  EXPECT_THAT(metrics.Expose(), HasSubstr("x{l=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(MetricsTest, DurationBoundsAscend) {
  Metrics metrics;
  metrics.AddHistogram({.name = "x_seconds", .help = "h"}, SecondsBounds()).Observe(1);
  EXPECT_THAT(metrics.Expose(), HasSubstr("le=\"0.001\"} 0\n"));
}

TEST(MetricsDeathTest, NamesThatScrapersRefuseAreBrokenInvariants) {
  Metrics metrics;
  EXPECT_DEATH(metrics.AddCounter({.name = "no-dash", .help = "h"}), "broken invariant");
  EXPECT_DEATH(metrics.AddGauge({.name = "x", .help = "h", .labels = {{"a-b", "c"}}}),
               "broken invariant");
  EXPECT_DEATH(metrics.AddHistogram({.name = "x", .help = "h"}, {2, 1}), "broken invariant");
}

TEST(MetricsDeathTest, OneNameIsOneKind) {
  Metrics metrics;
  metrics.AddCounter({.name = "x", .help = "h"});
  EXPECT_DEATH(metrics.AddGauge({.name = "x", .help = "h"}), "broken invariant");
}

}  // namespace
}  // namespace leidang
