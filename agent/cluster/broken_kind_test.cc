// KubernetesClient where some kind cannot be read, and the others can.

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/cluster/kubernetes_client.h"
#include "agent/cluster/memory_api_server.h"
#include "common/log/memory_log.h"
#include "common/manifest/tracking.h"
#include "common/time/sim_loop.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::SizeIs;
using testing::StatusIs;

constexpr char kNotReady[] = R"({"message":"storage is (re)initializing"})";

// Never answers what is about `silent`.
class SilentTransport final : public ApiTransport {
 public:
  explicit SilentTransport(ApiTransport& real) : real_(real) {}

  void Send(ApiRequest request, Done done) override {
    if (!IsSilent(request)) real_.Send(std::move(request), std::move(done));
  }
  StreamId Stream(ApiRequest request, StreamCalls calls) override {
    if (IsSilent(request)) return kSilentStream;
    return real_.Stream(std::move(request), std::move(calls));
  }
  void Cancel(StreamId stream) override {
    if (stream != kSilentStream) real_.Cancel(stream);
  }

  std::string silent;

 private:
  static constexpr StreamId kSilentStream = 1'000'000'000;
  bool IsSilent(const ApiRequest& request) const {
    return !silent.empty() && absl::StrContains(request.path, silent);
  }
  ApiTransport& real_;
};

class BrokenKindTest : public ::testing::Test {
 protected:
  BrokenKindTest() {
    server_.PutOutside(Parsed(
        R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
            "metadata":{"name":"gadgets.example.com"},
            "spec":{"group":"example.com","scope":"Namespaced",
                    "names":{"kind":"Gadget","plural":"gadgets"}}})"));
    server_.PutOutside(Tracked("v1", "ConfigMap", "c", "leidang/cart"));
    server_.PutOutside(Tracked("example.com/v1", "Gadget", "g", "leidang/tools"));
  }

  static Value Parsed(absl::string_view json) {
    absl::StatusOr<Value> value = object::ParseJson(json);
    EXPECT_THAT(value, IsOk());
    return value.ok() ? *value : Value();
  }
  static Value Tracked(absl::string_view api_version, absl::string_view kind,
                       absl::string_view name, absl::string_view app) {
    Value value =
        Parsed(absl::StrCat(R"({"apiVersion":")", api_version, R"(","kind":")", kind,
                            R"(","metadata":{"name":")", name, R"(","namespace":"shop"}})"));
    manifest::Track(value, app, *manifest::KeyOf(value));
    return value;
  }
  static ObjectKey Config() { return {"", "ConfigMap", "shop", "c"}; }
  static ObjectKey Gadget() { return {"example.com", "Gadget", "shop", "g"}; }

  // What is asked about gadgets is answered so.
  void Break(int status, const std::string& body) {
    server_.SetFault([=](const ApiRequest& request) -> std::optional<ApiResponse> {
      if (!absl::StrContains(request.path, "/gadgets")) return std::nullopt;
      return ApiResponse{status, body, status == 429 ? absl::Seconds(1) : absl::ZeroDuration()};
    });
  }
  void Start() {
    client_.emplace(loop_, transport_, std::set<std::string>(), &log_);
    client_->Watch([this](const ObjectEvent& event) { events_.push_back(event.app_label); });
    client_->WhenReady([this] { ready_ = true; });
  }
  bool BecomesReady(absl::Duration within) {
    return loop_.RunUntil([this] { return ready_; }, within);
  }
  absl::StatusOr<std::vector<LiveObject>> Read(Selection selection, absl::Duration within) {
    std::optional<absl::StatusOr<std::vector<LiveObject>>> answer;
    client_->Read(std::move(selection), [&](auto a) { answer = std::move(a); });
    loop_.RunUntil([&] { return answer.has_value(); }, within);
    return answer.has_value() ? *answer : absl::InternalError("no answer");
  }
  absl::StatusOr<std::vector<LiveObject>> ReadCart() {
    return Read({"leidang/cart", {Config()}}, absl::Seconds(1));
  }
  absl::StatusOr<std::vector<LiveObject>> ReadTools() {
    return Read({"leidang/tools", {Gadget()}}, absl::Seconds(40));
  }
  std::vector<std::string> Said() {
    std::vector<std::string> said;
    for (const MemoryLog::Line& line : log_.lines()) {
      said.push_back(absl::StrCat(line.message, " ", line.Field("kind"), line.Field("groups"), " ",
                                  line.Field("error")));
    }
    return said;
  }

  SimLoop loop_;
  MemoryApiServer server_{loop_};
  MemoryApiConnection connection_{server_};
  SilentTransport transport_{connection_};
  MemoryLog log_;
  std::optional<KubernetesClient> client_;
  bool ready_ = false;
  std::vector<std::string> events_;
};

TEST_F(BrokenKindTest, AClientBeginsWithoutAKindThatCannotBeListed) {
  for (const int status : {429, 500, 503}) {
    client_.reset();
    ready_ = false;
    Break(status, kNotReady);
    Start();
    ASSERT_TRUE(BecomesReady(absl::Seconds(5))) << status;
    EXPECT_THAT(Said().back(), HasSubstr("gadgets.example.com")) << status;
    EXPECT_THAT(Said().back(), HasSubstr(absl::StrCat("answers ", status)));
    ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> cart, ReadCart());
    EXPECT_THAT(cart, SizeIs(1));
    EXPECT_THAT(ReadTools(), StatusIs(absl::StatusCode::kUnavailable,
                                      HasSubstr("cannot watch gadgets.example.com")));
    EXPECT_THAT(ReadCart(), IsOk());
  }
}

TEST_F(BrokenKindTest, WhatCouldNotBeListedIsLookedForAgain) {
  Break(500, "conversion webhook failed");
  Start();
  ASSERT_TRUE(BecomesReady(absl::Seconds(5)));
  loop_.RunFor(absl::Minutes(1));
  EXPECT_THAT(Said(), SizeIs(1)) << "once";
  ASSERT_OK_AND_ASSIGN(std::vector<LiveObject> tools,
                       Read({.app = "leidang/tools"}, absl::Seconds(1)));
  EXPECT_THAT(tools, IsEmpty());
  server_.SetFault(nullptr);
  loop_.RunFor(absl::Minutes(3));
  EXPECT_THAT(Said().back(), HasSubstr("can be listed again"));
  ASSERT_OK_AND_ASSIGN(tools, Read({.app = "leidang/tools"}, absl::Seconds(1)));
  EXPECT_THAT(tools, SizeIs(1)) << "found by its label";
}

TEST_F(BrokenKindTest, AClientBeginsWithoutAKindThatIsNotAnswered) {
  transport_.silent = "/gadgets";
  Start();
  ASSERT_TRUE(BecomesReady(absl::Seconds(11)));
  EXPECT_THAT(Said(), Contains(HasSubstr("no answer within 10s")));
  EXPECT_THAT(ReadCart(), IsOk());
  EXPECT_THAT(Read({"leidang/tools", {Gadget()}}, absl::Minutes(2)),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("sent nothing for 30s")));
  EXPECT_THAT(ReadCart(), IsOk());
}

TEST_F(BrokenKindTest, AServerOfWhichNothingCanBeListedIsWaitedFor) {
  server_.SetFault([](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (!absl::StrContains(request.path, "labelSelector")) return std::nullopt;
    return ApiResponse{503, "down"};
  });
  Start();
  EXPECT_FALSE(BecomesReady(absl::Minutes(1)));
  EXPECT_THAT(Said(), Contains(HasSubstr("cannot be asked")));
  server_.SetFault(nullptr);
  EXPECT_TRUE(BecomesReady(absl::Seconds(5)));
}

TEST_F(BrokenKindTest, AGroupWhoseOwnServerIsDownHasNotLostItsObjects) {
  server_.SetFault([](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (request.path != "/apis") return std::nullopt;
    return ApiResponse{200, R"({"kind":"APIGroupDiscoveryList","items":[
        {"metadata":{"name":"example.com"},
         "versions":[{"version":"v1","freshness":"Stale","resources":[]}]}]})"};
  });
  Start();
  ASSERT_TRUE(BecomesReady(absl::Seconds(5)));
  EXPECT_THAT(Said(), ElementsAre(HasSubstr("example.com")));
  EXPECT_THAT(ReadCart(), IsOk());
  EXPECT_THAT(ReadTools(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("APIService")));
  std::optional<absl::StatusOr<Deleted>> deleted;
  client_->Delete({.key = Gadget()}, [&](absl::StatusOr<Deleted> d) { deleted = std::move(d); });
  loop_.RunFor(absl::Seconds(5));
  ASSERT_TRUE(deleted.has_value());
  EXPECT_THAT(*deleted, StatusIs(absl::StatusCode::kUnavailable)) << "not gone";
  server_.SetFault(nullptr);
  loop_.RunFor(absl::Minutes(3));
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> tools,
                       Read({.app = "leidang/tools"}, absl::Seconds(1)));
  EXPECT_THAT(tools, SizeIs(1)) << "found by its label";
}

TEST_F(BrokenKindTest, AKindThatBreaksLaterFailsOnlyWhoHasObjectsOfIt) {
  Start();
  ASSERT_THAT(ReadTools(), IsOk());
  ASSERT_THAT(ReadCart(), IsOk());
  events_.clear();
  Break(429, kNotReady);
  server_.EndWatches(MemoryApiServer::History::kForgotten);
  loop_.RunFor(absl::Seconds(30));
  EXPECT_THAT(events_, ElementsAre(manifest::AppLabel("leidang/tools"))) << "it is not seen";
  events_.clear();
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(ReadCart(), IsOk());
    EXPECT_THAT(Read({"leidang/tools", {Gadget()}}, absl::Seconds(1)),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("storage is (re)initializing")));
    EXPECT_THAT(Read({.app = "leidang/tools"}, absl::Seconds(1)),
                StatusIs(absl::StatusCode::kUnavailable))
        << "it had one";
    loop_.RunFor(absl::Seconds(7));
  }
  // Drift elsewhere is seen, and corrected.
  Value edited = *server_.Find(Config());
  edited.at("metadata").at("labels").get_object()["x"] = "y";
  server_.PutOutside(edited);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_THAT(events_, ElementsAre(manifest::AppLabel("leidang/cart")));
  std::optional<absl::StatusOr<Applied>> applied;
  client_->Apply({Config(), Tracked("v1", "ConfigMap", "c", "leidang/cart"), std::nullopt},
                 [&](absl::StatusOr<Applied> a) { applied = std::move(a); });
  loop_.RunFor(absl::Seconds(1));
  ASSERT_TRUE(applied.has_value());
  EXPECT_THAT(*applied, IsOk());

  events_.clear();
  server_.SetFault(nullptr);
  loop_.RunFor(absl::Seconds(40));
  EXPECT_THAT(events_, Contains(manifest::AppLabel("leidang/tools"))) << "to be looked at again";
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> tools, ReadTools());
  EXPECT_THAT(tools, SizeIs(1));
  EXPECT_THAT(Said(),
              ElementsAre(HasSubstr("gadgets.example.com"), HasSubstr("can be read again")));
}

TEST_F(BrokenKindTest, AWatchThatBreaksAndIsNotAnsweredIsBrokenAndIsThenListedAnew) {
  Start();
  ASSERT_THAT(ReadTools(), IsOk());
  ASSERT_THAT(ReadCart(), IsOk());
  transport_.silent = "/gadgets";
  server_.BreakWatches();
  EXPECT_THAT(Read({.app = "leidang/tools"}, absl::Minutes(2)),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("sent nothing for 30s")));
  ASSERT_THAT(ReadCart(), IsOk());
  server_.RemoveOutside(Gadget());
  events_.clear();
  transport_.silent = "";
  loop_.RunFor(absl::Minutes(1));
  EXPECT_THAT(events_, Contains(manifest::AppLabel("leidang/tools")));
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> tools, ReadTools());
  EXPECT_THAT(tools, IsEmpty());
}

TEST_F(BrokenKindTest, AWatchThatCannotGoOnForAWhileIsNotCurrentAnyMore) {
  Start();
  ASSERT_THAT(ReadTools(), IsOk());
  loop_.RunFor(absl::Minutes(1));
  transport_.silent = "/gadgets";
  server_.EndWatches(MemoryApiServer::History::kKept);
  server_.RemoveOutside(Gadget());
  loop_.RunFor(absl::Seconds(15));
  std::optional<absl::StatusOr<std::vector<LiveObject>>> answer;
  client_->Read({.app = "leidang/tools"}, [&](auto a) { answer = std::move(a); });
  loop_.RunFor(absl::Seconds(5));
  EXPECT_FALSE(answer.has_value()) << "it waits";
  transport_.silent = "";
  loop_.RunFor(absl::Minutes(2));
  ASSERT_TRUE(answer.has_value());
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> tools, ReadTools());
  EXPECT_THAT(tools, IsEmpty());
}

TEST_F(BrokenKindTest, AKindWhoseListFailsLeavesTheOthersTheirWatchLists) {
  Start();
  ASSERT_THAT(ReadTools(), IsOk());
  ASSERT_THAT(ReadCart(), IsOk());
  Break(400, "no");
  server_.EndWatches(MemoryApiServer::History::kForgotten);
  const size_t before = server_.requests().size();
  loop_.RunFor(absl::Seconds(30));
  ASSERT_THAT(ReadCart(), IsOk());
  for (size_t i = before; i < server_.requests().size(); ++i) {
    EXPECT_THAT(server_.requests()[i],
                ::testing::Not(::testing::StartsWith("GET /api/v1/configmaps?")));
  }
}

}  // namespace
}  // namespace leidang::agent
