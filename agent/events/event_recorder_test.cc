#include "agent/events/event_recorder.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/cluster/memory_cluster.h"
#include "common/time/sim_loop.h"

namespace leidang::agent {
namespace {

class EventRecorderTest : public ::testing::Test {
 protected:
  static Happening Corrected(const std::string& name) {
    return {{"apps", "Deployment", "shop", name},
            "uid-1",
            Happening::Type::kNormal,
            "DriftCorrected",
            "was changed by somebody else"};
  }
  std::string Text(size_t index, std::initializer_list<absl::string_view> path) const {
    return std::string(object::FindString(cluster_.events().at(index), path));
  }
  int64_t Count(size_t index) const {
    return object::Find(cluster_.events().at(index), {"count"})->get_int64();
  }

  SimLoop loop_;
  MemoryCluster cluster_;
  MemoryClient client_{cluster_, loop_};
};

TEST_F(EventRecorderTest, AnEventTellsWhatHappenedToWhat) {
  EventRecorder recorder(loop_, client_);
  recorder.Record(Corrected("web"));
  ASSERT_EQ(cluster_.events().size(), 1u);
  EXPECT_EQ(Text(0, {"metadata", "namespace"}), "shop");
  EXPECT_EQ(Text(0, {"involvedObject", "kind"}), "Deployment");
  EXPECT_EQ(Text(0, {"involvedObject", "name"}), "web");
  EXPECT_EQ(Text(0, {"involvedObject", "namespace"}), "shop");
  EXPECT_EQ(Text(0, {"involvedObject", "uid"}), "uid-1");
  EXPECT_EQ(Text(0, {"type"}), "Normal");
  EXPECT_EQ(Text(0, {"reason"}), "DriftCorrected");
  EXPECT_EQ(Text(0, {"source", "component"}), "leidang-agent");
  EXPECT_EQ(Text(0, {"firstTimestamp"}), Text(0, {"lastTimestamp"}));
  EXPECT_EQ(Count(0), 1);
}

TEST_F(EventRecorderTest, TheSameAgainRaisesTheCountOfTheSameEvent) {
  EventRecorder recorder(loop_, client_);
  recorder.Record(Corrected("web"));
  loop_.RunFor(absl::Seconds(90));
  recorder.Record(Corrected("web"));
  recorder.Record(Corrected("api"));
  ASSERT_EQ(cluster_.events().size(), 3u);
  EXPECT_EQ(Text(1, {"metadata", "name"}), Text(0, {"metadata", "name"}));
  EXPECT_EQ(Count(1), 2);
  EXPECT_EQ(Text(1, {"firstTimestamp"}), Text(0, {"firstTimestamp"}));
  EXPECT_NE(Text(1, {"lastTimestamp"}), Text(0, {"lastTimestamp"}));
  EXPECT_EQ(Count(2), 1);
  EXPECT_NE(Text(2, {"metadata", "name"}), Text(0, {"metadata", "name"}));
}

TEST_F(EventRecorderTest, AStormIsCutAndTheRestCounted) {
  EventRecorder recorder(loop_, client_, {.burst = 3, .per_second = 0.5, .series_max = 10});
  for (int i = 0; i < 20; ++i) recorder.Record(Corrected(absl::StrCat("web-", i)));
  EXPECT_EQ(cluster_.events().size(), 3u);
  EXPECT_EQ(recorder.dropped(), 17u);
  loop_.RunFor(absl::Seconds(2));
  recorder.Record(Corrected("web-19"));
  ASSERT_EQ(cluster_.events().size(), 4u);
  EXPECT_EQ(Count(3), 2) << "what was not told counts all the same";
}

TEST_F(EventRecorderTest, OfManySeriesTheQuietestIsForgotten) {
  EventRecorder recorder(loop_, client_, {.burst = 100, .per_second = 1, .series_max = 2});
  for (const char* name : {"a", "b", "a", "c", "a", "b"}) {
    recorder.Record(Corrected(name));
    loop_.RunFor(absl::Seconds(1));
  }
  std::vector<int64_t> counts;
  for (size_t i = 0; i < cluster_.events().size(); ++i) counts.push_back(Count(i));
  EXPECT_EQ(counts, (std::vector<int64_t>{1, 1, 2, 1, 3, 1}));
}

TEST_F(EventRecorderTest, NamesAndMessagesFitTheApi) {
  EventRecorder recorder(loop_, client_);
  Happening happening{{"rbac.authorization.k8s.io", "ClusterRole", "", ":System:Web..x-"},
                      "",
                      Happening::Type::kWarning,
                      "Refused",
                      std::string(1023, 'a') + "ø"};
  recorder.Record(happening);
  ASSERT_EQ(cluster_.events().size(), 1u);
  EXPECT_EQ(Text(0, {"metadata", "namespace"}), "default");
  EXPECT_THAT(Text(0, {"metadata", "name"}), ::testing::StartsWith("system-web.-x."));
  EXPECT_EQ(Text(0, {"message"}), std::string(1023, 'a'));
  EXPECT_EQ(object::Find(cluster_.events().at(0), {"involvedObject", "uid"}), nullptr);
}

}  // namespace
}  // namespace leidang::agent
