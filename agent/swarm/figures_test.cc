#include "agent/swarm/figures.h"

#include "gtest/gtest.h"

namespace leidang::agent {
namespace {

TEST(Figures, PercentilesAreOfTheSortedSamples) {
  std::vector<absl::Duration> samples;
  for (int i = 101; i > 0; --i) samples.push_back(absl::Seconds(i - 1));
  const Percentiles percentiles = Percentiles::Of(samples);
  EXPECT_DOUBLE_EQ(percentiles.p50, 50);
  EXPECT_DOUBLE_EQ(percentiles.p90, 90);
  EXPECT_DOUBLE_EQ(percentiles.p99, 99);
  EXPECT_DOUBLE_EQ(percentiles.max, 100);
  EXPECT_DOUBLE_EQ(Percentiles::Of({}).max, 0);
  EXPECT_DOUBLE_EQ(Percentiles::Of({absl::Seconds(3)}).p50, 3);
}

TEST(Figures, AreALineARowAndJson) {
  Figure figure("herd");
  figure.Count("agents", 1'000).Number("serving_s", 0.25).Number("rss_mb", 812.34);
  EXPECT_EQ(figure.Line(), "RESULT name=herd agents=1000 serving_s=0.250 rss_mb=812.3");
  Figures figures;
  figures.Add(Figure("connected").Count("agents", 3));
  figures.Add(figure);
  EXPECT_EQ(figures.Table(),
            "connected  agents=3\n"
            "herd       agents=1000  serving_s=0.250  rss_mb=812.3\n");
  object::Object asked;
  asked["agents"] = uint64_t{3};
  EXPECT_EQ(object::ToJson(figures.Json(asked)),
            R"({"asked":{"agents":3},"figures":[{"name":"connected","agents":3},)"
            R"({"name":"herd","agents":1000,"serving_s":0.25,"rss_mb":812.34}]})");
}

}  // namespace
}  // namespace leidang::agent
