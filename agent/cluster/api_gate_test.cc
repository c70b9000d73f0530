#include "agent/cluster/api_gate.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/sim_loop.h"

namespace leidang::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Holds every request until the test answers it.
class HeldTransport final : public ApiTransport {
 public:
  void Send(ApiRequest request, Done done) override {
    sent_.push_back(request.path);
    held_.emplace_back(std::move(request.path), std::move(done));
  }
  StreamId Stream(ApiRequest, StreamCalls) override { return ++last_; }
  void Cancel(StreamId) override {}

  // The first of this path.
  void Answer(const std::string& path, int status,
              absl::Duration retry_after = absl::ZeroDuration()) {
    for (auto it = held_.begin(); it != held_.end(); ++it) {
      if (it->first != path) continue;
      const Done done = std::move(it->second);
      held_.erase(it);
      return done(ApiResponse{status, "", retry_after});
    }
    ADD_FAILURE() << path << " is not in flight";
  }
  std::vector<std::string> TakeSent() { return std::exchange(sent_, {}); }
  size_t in_flight() const { return held_.size(); }

 private:
  StreamId last_ = 0;
  std::vector<std::string> sent_;
  std::deque<std::pair<std::string, Done>> held_;
};

class ApiGateTest : public ::testing::Test {
 protected:
  void First(const std::string& path) {
    gate_.Send({.path = path}, [this, path](const absl::StatusOr<ApiResponse>& answer) {
      answers_.push_back(absl::StrCat(path, " ", answer.ok() ? answer->status : 0));
    });
  }
  void Later(const std::string& lane, const std::string& path) {
    gate_.SendLater(lane, {.path = path}, [this, path](const absl::StatusOr<ApiResponse>& answer) {
      answers_.push_back(absl::StrCat(path, " ", answer.ok() ? answer->status : 0));
    });
  }

  SimLoop loop_;
  HeldTransport transport_;
  ApiGate gate_{loop_, transport_, {.in_flight_max = 4}};
  std::vector<std::string> answers_;
};

TEST_F(ApiGateTest, ListsThatAreNotAnsweredHoldUpNoWrite) {
  for (int i = 0; i < 10; ++i) Later(absl::StrCat("kind", i), absl::StrCat("list", i));
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("list0", "list1"));
  First("write0");
  First("write1");
  First("write2");
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("write0", "write1"));
  transport_.Answer("write0", 200);
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("write2"));
}

TEST_F(ApiGateTest, WritesGoFirstAndListsComeToAnEnd) {
  for (int i = 0; i < 8; ++i) First(absl::StrCat("write", i));
  Later("secrets", "list");
  Later("events", "event");
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("write0", "write1", "write2", "write3"));
  transport_.Answer("write0", 200);
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("event")) << "one place, and no more";
  transport_.Answer("write1", 200);
  transport_.Answer("write2", 200);
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("write4", "write5"));
  transport_.Answer("event", 200);
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("list"));
}

TEST_F(ApiGateTest, LanesTakeTurns) {
  for (int i = 0; i < 3; ++i) Later("a", absl::StrCat("a", i));
  Later("b", "b0");
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("a0", "a1"));
  transport_.Answer("a0", 200);
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("b0"));
  transport_.Answer("a1", 200);
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("a2"));
}

TEST_F(ApiGateTest, AKindThatIsRefusedWaitsAlone) {
  Later("gadgets.example.com", "gadgets");
  transport_.Answer("gadgets", 429, absl::Seconds(5));
  Later("gadgets.example.com", "gadgets again");
  Later("secrets", "secrets");
  First("write");
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("gadgets", "secrets", "write"));
  EXPECT_EQ(gate_.limit(), 4u);
  transport_.Answer("secrets", 200);
  loop_.RunFor(absl::Seconds(6));
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("gadgets", "gadgets again"));
  transport_.Answer("gadgets", 429);
  EXPECT_THAT(answers_, ElementsAre("secrets 200", "gadgets 429")) << "whoever asked decides";
}

TEST_F(ApiGateTest, KindsOfOneGroupThatAreRefusedAreNoOverload) {
  for (const char* kind : {"a.example.com", "b.example.com", "c.example.com", "d.example.com"}) {
    Later(kind, kind);
  }
  for (const char* kind : {"a.example.com", "b.example.com", "c.example.com", "d.example.com"}) {
    transport_.Answer(kind, 429, absl::Seconds(5));
  }
  transport_.TakeSent();
  First("write");
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("write"));
}

TEST_F(ApiGateTest, SeveralGroupsThatAreRefusedAtOnceSlowEverything) {
  for (const char* lane : {"a.x", "b.y", "c.z"}) Later(lane, lane);
  transport_.Answer("a.x", 429, absl::Seconds(5));
  transport_.Answer("b.y", 429, absl::Seconds(5));
  transport_.Answer("c.z", 429, absl::Seconds(5));
  transport_.TakeSent();
  First("write");
  EXPECT_THAT(transport_.TakeSent(), IsEmpty());
  EXPECT_EQ(gate_.limit(), 2u);
  loop_.RunFor(absl::Seconds(6));
  EXPECT_EQ(transport_.TakeSent().front(), "write");
}

TEST_F(ApiGateTest, AWriteThatIsRefusedSlowsEverythingUntilItSucceeds) {
  First("write0");
  Later("secrets", "list0");
  transport_.Answer("write0", 429, absl::Seconds(2));
  First("write1");
  Later("secrets", "list1");
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("write0", "list0"));
  EXPECT_EQ(gate_.limit(), 2u);
  loop_.RunFor(absl::Seconds(3));
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("write0")) << "two are in flight";
  transport_.Answer("write0", 200);
  EXPECT_THAT(transport_.TakeSent(), ElementsAre("write1"));
  for (int i = 0; i < 80; ++i) {
    First("more");
    transport_.Answer(i == 0 ? "write1" : "more", 200);
  }
  EXPECT_EQ(gate_.limit(), 4u);
}

TEST_F(ApiGateTest, AnIdentityThatIsRefusedIsShownOnceMore) {
  First("write");
  Later("secrets", "list");
  transport_.Answer("write", 401);
  transport_.Answer("list", 401);
  transport_.Answer("write", 401);
  transport_.Answer("list", 200);
  EXPECT_THAT(answers_, ElementsAre("write 401", "list 200"));
  EXPECT_EQ(transport_.in_flight(), 0u);
  EXPECT_THAT(transport_.TakeSent(), SizeIs(4));
}

}  // namespace
}  // namespace leidang::agent
