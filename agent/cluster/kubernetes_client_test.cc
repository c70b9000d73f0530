#include "agent/cluster/kubernetes_client.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/cluster/cluster_contract.h"
#include "agent/cluster/memory_api_server.h"
#include "agent/cluster/owned_fields.h"
#include "agent/cluster/secret_data.h"
#include "common/manifest/manifest.h"
#include "common/manifest/tracking.h"
#include "common/time/sim_loop.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::SizeIs;
using testing::StatusIs;

class KubernetesUnderTest final : public ClusterUnderTest {
 public:
  enum class Storage : uint8_t { kNew, kOld };

  explicit KubernetesUnderTest(Storage storage) {
    if (storage == Storage::kOld) server_.RefuseWatchLists();
    Restart();
  }

  ClusterClient& client() override { return *client_; }
  void Restart() override {
    client_.reset();
    connection_ = std::make_unique<MemoryApiConnection>(server_);
    client_ = std::make_unique<KubernetesClient>(loop_, *connection_);
  }
  void Settle() override { loop_.RunUntilIdle(); }
  void PutOutside(const Value& manifest) override { server_.PutOutside(manifest); }
  void RemoveOutside(const ObjectKey& key) override { server_.RemoveOutside(key); }
  void BreakWatches() override { server_.BreakWatches(); }

 private:
  SimLoop loop_;
  MemoryApiServer server_{loop_};
  std::unique_ptr<MemoryApiConnection> connection_;
  std::unique_ptr<KubernetesClient> client_;
};

INSTANTIATE_TEST_SUITE_P(
    Kubernetes, ClusterContractTest,
    ::testing::Values(ClusterKind{"watch_lists",
                                  [] {
                                    return std::make_unique<KubernetesUnderTest>(
                                        KubernetesUnderTest::Storage::kNew);
                                  }},
                      ClusterKind{"lists_then_watches",
                                  [] {
                                    return std::make_unique<KubernetesUnderTest>(
                                        KubernetesUnderTest::Storage::kOld);
                                  }}),
    [](const auto& info) { return info.param.name; });

Value Parsed(absl::string_view json) {
  absl::StatusOr<Value> value = object::ParseJson(json);
  EXPECT_THAT(value, IsOk());
  return value.ok() ? *value : Value();
}

class KubernetesClientTest : public ::testing::Test {
 protected:
  static ObjectKey Key(absl::string_view name) {
    return {"", "ConfigMap", "shop", std::string(name)};
  }
  static Value Config(absl::string_view name, absl::string_view value) {
    Value config =
        Parsed(absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")", name,
                            R"(","namespace":"shop"},"data":{"k":")", value, R"("}})"));
    manifest::Track(config, "leidang/cart", Key(name));
    return config;
  }

  absl::StatusOr<Applied> Apply(const ObjectKey& key, Value manifest,
                                std::optional<std::string> version = std::nullopt) {
    return Apply({key, std::move(manifest), std::move(version)});
  }
  absl::StatusOr<Applied> Apply(ApplyRequest request) {
    std::optional<absl::StatusOr<Applied>> answer;
    client_.Apply(std::move(request), [&](absl::StatusOr<Applied> a) { answer = std::move(a); });
    loop_.RunUntil([&] { return answer.has_value(); }, absl::Minutes(5));
    return answer.has_value() ? *answer : absl::InternalError("no answer");
  }
  absl::StatusOr<std::vector<LiveObject>> Read(Selection selection) {
    std::optional<absl::StatusOr<std::vector<LiveObject>>> answer;
    client_.Read(std::move(selection), [&](auto a) { answer = std::move(a); });
    loop_.RunUntil([&] { return answer.has_value(); }, absl::Minutes(5));
    return answer.has_value() ? *answer : absl::InternalError("no answer");
  }
  std::vector<std::string> Requests(absl::string_view method) {
    std::vector<std::string> requests;
    for (const std::string& request : server_.requests()) {
      if (absl::StartsWith(request, method)) requests.push_back(request);
    }
    return requests;
  }

  SimLoop loop_;
  MemoryApiServer server_{loop_};
  MemoryApiConnection connection_{server_};
  KubernetesClient client_{loop_, connection_};
};

TEST_F(KubernetesClientTest, WhatAReadDidNotFindIsCreatedWithoutAnotherLook) {
  ASSERT_THAT(Read({.keys = {Key("a")}}), IsOk());
  const size_t before = server_.requests().size();
  ASSERT_THAT(Apply(Key("a"), Config("a", "1"), ""), IsOk());
  EXPECT_THAT(Requests("PATCH"), ElementsAre(HasSubstr("fieldManager=leidang")));
  EXPECT_EQ(server_.requests().size(), before + 1);
}

TEST_F(KubernetesClientTest, ManyUnknownObjectsAreLookedForByOneList) {
  Selection selection;
  for (int i = 0; i < 40; ++i) selection.keys.push_back(Key(absl::StrCat("c", i)));
  server_.PutOutside(Parsed(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c7","namespace":"shop"}})"));
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> live, Read(std::move(selection)));
  ASSERT_THAT(live, SizeIs(1));
  EXPECT_EQ(live[0].key, Key("c7"));
  EXPECT_THAT(Requests("GET /api/v1/namespaces/shop/configmaps/"), SizeIs(1));
}

TEST_F(KubernetesClientTest, NamespacesThatManyAskForAtOnceAreFoundByOneList) {
  const auto key = [](int i) { return ObjectKey{"", "Namespace", "", absl::StrCat("n", i)}; };
  constexpr int kThere = 20;
  for (int i = 0; i < kThere; ++i) {
    server_.PutOutside(Parsed(
        absl::StrCat(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n)", i, "\"}}")));
  }
  ASSERT_THAT(Read({}), IsOk());
  const size_t before = server_.requests().size();
  int found = 0;
  int answers = 0;
  for (int i = 0; i < 2 * kThere; ++i) {
    client_.Read({.keys = {key(i)}}, [&](const absl::StatusOr<std::vector<LiveObject>>& live) {
      ASSERT_THAT(live, IsOk());
      ++answers;
      found += static_cast<int>(live->size());
    });
  }
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(answers, 2 * kThere);
  EXPECT_EQ(found, kThere);
  size_t lists = 0;
  for (size_t i = before; i < server_.requests().size(); ++i) {
    EXPECT_THAT(server_.requests()[i], ::testing::Not(HasSubstr("/namespaces/")));
    if (absl::StrContains(server_.requests()[i], "/namespaces?limit=500")) ++lists;
  }
  EXPECT_EQ(lists, 1u);
  // What we change ourselves is looked at anew at once.
  const Value made = Parsed(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n30"}})");
  ASSERT_THAT(Apply(key(30), made), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> live, Read({.keys = {key(30)}}));
  EXPECT_THAT(live, SizeIs(1));
}

TEST_F(KubernetesClientTest, NamespacesThatMayNotBeListedAreAskedForOneByOne) {
  server_.PutOutside(Parsed(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n0"}})"));
  server_.SetFault([](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (!absl::StrContains(request.path, "/namespaces?limit=500")) return std::nullopt;
    return ApiResponse{403, R"({"message":"namespaces is forbidden"})"};
  });
  size_t found = 0;
  for (int i = 0; i < 10; ++i) {
    client_.Read({.keys = {{"", "Namespace", "", absl::StrCat("n", i)}}},
                 [&](const absl::StatusOr<std::vector<LiveObject>>& live) {
                   ASSERT_THAT(live, IsOk());
                   found += live->size();
                 });
  }
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(found, 1u);
}

TEST_F(KubernetesClientTest, AnInstanceWaitsForItsDefinition) {
  ASSERT_THAT(Read({}), IsOk());
  ASSERT_THAT(
      Apply({"apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.example.com"},
            Parsed(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
                       "metadata":{"name":"widgets.example.com"},
                       "spec":{"group":"example.com","scope":"Namespaced",
                               "names":{"kind":"Widget","plural":"widgets"}}})")),
      IsOk());
  const ObjectKey widget{"example.com", "Widget", "shop", "w"};
  EXPECT_THAT(Apply(widget, Parsed(R"({"apiVersion":"example.com/v1","kind":"Widget",
                                       "metadata":{"name":"w","namespace":"shop"}})")),
              IsOk());
  EXPECT_EQ(client_.ScopeOf("example.com", "Widget"), manifest::Scope::kNamespaced);
}

TEST_F(KubernetesClientTest, AReplacementLeavesNothingOfWhatOthersHaveSet) {
  ApplyRequest request{Key("a"), Config("a", "1"), ""};
  request.way = ApplyRequest::Way::kReplace;
  ASSERT_THAT(Apply(request), IsOk()) << "what is not there is created";
  EXPECT_THAT(Requests("POST"), SizeIs(1));
  Value edited = *server_.Find(Key("a"));
  edited.at("data").as_object()["more"] = "x";
  server_.UpdateOutside(edited, "editor");
  request.manifest = Config("a", "2");
  request.if_version.reset();
  ASSERT_THAT(Apply(request), IsOk());
  EXPECT_EQ(object::ToJson(*object::Find(*server_.Find(Key("a")), {"data"})), R"({"k":"2"})");
  EXPECT_THAT(Requests("PUT"), SizeIs(1));
  EXPECT_THAT(Requests("PATCH"), IsEmpty());
  request.if_version = "1";
  EXPECT_THAT(Apply(request), StatusIs(absl::StatusCode::kAborted));
}

TEST_F(KubernetesClientTest, WhatAnotherTookMeanwhileIsNotTakenOver) {
  server_.UpdateOutside(Config("a", "1"), "helm");
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> seen, Read({.keys = {Key("a")}}));
  ASSERT_THAT(seen, SizeIs(1));
  ApplyRequest request{Key("a"), Config("a", "2"), seen[0].version};
  request.former = ApplyRequest::Former::kTakeOver;
  server_.UpdateOutside(Config("a", "3"), "helm");
  EXPECT_THAT(Apply(request), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(Requests("PATCH"), IsEmpty());
  EXPECT_EQ(object::FindString(*server_.Find(Key("a")), {"data", "k"}), "3");
  request.if_version =
      std::string(object::FindString(*server_.Find(Key("a")), {"metadata", "resourceVersion"}));
  ASSERT_THAT(Apply(request), IsOk());
  EXPECT_EQ(object::FindString(*server_.Find(Key("a")), {"data", "k"}), "2");
}

// A ConfigMap that is there can only be made anew.
class MakeAnewTest : public KubernetesClientTest {
 protected:
  static constexpr char kImmutable[] =
      R"({"message":"ConfigMap \"a\" is invalid: data: Forbidden: field is immutable","details":
          {"causes":[{"message":"Forbidden: field is immutable","field":"data"}]}})";

  MakeAnewTest() {
    EXPECT_THAT(Apply(Key("a"), Config("a", "1")), IsOk());
    before_ = *server_.Find(Key("a"));
  }
  // Changes of what is there are refused so, and what is new as `trial` says.
  void RefuseChanges(int status, std::string body, std::optional<ApiResponse> trial = {}) {
    server_.SetFault([=, this](const ApiRequest& request) -> std::optional<ApiResponse> {
      if (absl::StrContains(request.path, "/configmaps?dryRun=All")) return trial;
      if (request.method != "PATCH" || server_.Find(Key("a")) == nullptr) return std::nullopt;
      return ApiResponse{status, body};
    });
  }
  ApplyRequest Forced() {
    ApplyRequest request{Key("a"), Config("a", "2"), std::nullopt};
    request.refused = ApplyRequest::Refused::kMakeAnew;
    return request;
  }
  std::string Of(absl::string_view name) {
    return std::string(object::FindString(before_, {"metadata", name}));
  }
  void ExpectNothingIsDeleted() {
    EXPECT_THAT(Requests("DELETE"), IsEmpty());
    EXPECT_NE(server_.Find(Key("a")), nullptr);
  }

  Value before_;
};

TEST_F(MakeAnewTest, WhatCannotBeChangedInPlaceIsMadeAnewWithForceOnly) {
  RefuseChanges(422, kImmutable);
  ApplyRequest request = Forced();
  request.refused = ApplyRequest::Refused::kFail;
  EXPECT_THAT(Apply(request), StatusIs(absl::StatusCode::kInvalidArgument));
  ExpectNothingIsDeleted();
  request = Forced();
  request.if_version = Of("resourceVersion");
  request.seen_uid = Of("uid");
  ASSERT_THAT(Apply(request), IsOk());
  const Value* after = server_.Find(Key("a"));
  EXPECT_EQ(object::FindString(*after, {"data", "k"}), "2");
  EXPECT_NE(object::FindString(*after, {"metadata", "uid"}), Of("uid"));
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> live, Read({.app = "leidang/cart"}));
  EXPECT_THAT(live, SizeIs(1)) << "what was tried is not there";
}

TEST_F(MakeAnewTest, AMistakeInTheManifestDeletesNothing) {
  const std::string mistake = R"({"message":"x","details":{"causes":[
      {"message":"Forbidden: field is immutable"},{"message":"Required value: name"}]}})";
  const std::pair<int, std::string> refusals[] = {
      {400, R"({"message":"field is immutable"})"},
      {413, "too large"},
      {415, "no such media type"},
      {422, R"({"message":"spec.replicas: Invalid value: -1: must be at least 0"})"},
      {422, mistake},
      {500, R"({"message":".spec.x: field not declared in schema"})"}};
  for (const auto& [status, body] : refusals) {
    RefuseChanges(status, body);
    EXPECT_THAT(Apply(Forced()), StatusIs(absl::StatusCode::kInvalidArgument)) << body;
    ExpectNothingIsDeleted();
  }
}

TEST_F(MakeAnewTest, WhatWouldNotBeCreatedIsNotDeleted) {
  RefuseChanges(422, kImmutable, ApiResponse{403, R"({"message":"denied by a webhook"})"});
  const absl::StatusOr<Applied> refused = Apply(Forced());
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(refused.status().message(), HasSubstr("field is immutable"));
  EXPECT_THAT(refused.status().message(), HasSubstr("denied by a webhook"));
  ExpectNothingIsDeleted();
}

TEST_F(MakeAnewTest, AnotherObjectThanTheOneThatWasSeenIsNotDeleted) {
  RefuseChanges(422, kImmutable);
  ApplyRequest request = Forced();
  request.if_version = "1";
  EXPECT_THAT(Apply(request), StatusIs(absl::StatusCode::kAborted));
  request = Forced();
  request.seen_uid = "another";
  EXPECT_THAT(Apply(request), StatusIs(absl::StatusCode::kAborted));
  Value taken = Config("a", "1");
  manifest::Track(taken, "leidang/other", Key("a"));
  server_.PutOutside(taken);
  EXPECT_THAT(Apply(Forced()), StatusIs(absl::StatusCode::kAborted));
  ExpectNothingIsDeleted();
}

TEST_F(MakeAnewTest, WhatChangesDuringTheTrialIsNotDeleted) {
  server_.SetFault([this](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (absl::StrContains(request.path, "/configmaps?dryRun=All")) {
      Value taken = Config("a", "1");
      manifest::Track(taken, "leidang/other", Key("a"));
      server_.PutOutside(taken);
      return std::nullopt;
    }
    if (request.method != "PATCH") return std::nullopt;
    return ApiResponse{422, kImmutable};
  });
  EXPECT_THAT(Apply(Forced()), StatusIs(absl::StatusCode::kAborted));
  EXPECT_NE(server_.Find(Key("a")), nullptr);
}

TEST_F(MakeAnewTest, WhatSomebodyElseMakesInItsPlaceIsLeft) {
  bool deleted = false;
  server_.SetFault([this, &deleted](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (request.method == "DELETE") deleted = true;
    if (deleted && request.method == "GET" && server_.Find(Key("a")) == nullptr) {
      server_.PutOutside(Config("a", "other"));
    }
    if (request.method != "PATCH") return std::nullopt;
    return ApiResponse{422, kImmutable};
  });
  EXPECT_THAT(Apply(Forced()), StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(object::FindString(*server_.Find(Key("a")), {"data", "k"}), "other");
}

TEST_F(KubernetesClientTest, WhatAServiceHoldsItselfIsNotInTheWayOfItsTrial) {
  const ObjectKey key{"", "Service", "shop", "s"};
  const Value service = Parsed(
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s","namespace":"shop"},
          "spec":{"clusterIP":"10.0.0.1","ports":[{"port":80,"nodePort":30080},
                                                  {"port":81,"nodePort":30081}]}})");
  Value live = service;
  live.at("spec").at("ports").as_array().pop_back();
  server_.PutOutside(live);
  std::string tried;
  server_.SetFault([&](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (absl::StrContains(request.path, "/services?dryRun=All")) tried = request.body;
    if (request.method != "PATCH" || server_.Find(key) == nullptr) return std::nullopt;
    return ApiResponse{422, R"({"message":"spec.clusterIPs[0]: may not change once set"})"};
  });
  ApplyRequest request{key, service, std::nullopt};
  request.refused = ApplyRequest::Refused::kMakeAnew;
  ASSERT_THAT(Apply(request), IsOk());
  EXPECT_EQ(object::ToJson(*object::Find(Parsed(tried), {"spec"})),
            R"({"ports":[{"port":80},{"port":81,"nodePort":30081}]})");
  EXPECT_TRUE(object::Equal(server_.Find(key)->at("spec"), service.at("spec")));
}

TEST_F(KubernetesClientTest, ForceNeverDeletesANamespaceToMakeItAnew) {
  const ObjectKey ns{"", "Namespace", "", "shop"};
  const Value manifest =
      Parsed(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}})");
  server_.PutOutside(manifest);
  server_.SetFault([](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (request.method != "PATCH") return std::nullopt;
    return ApiResponse{422, R"({"message":"field is immutable"})"};
  });
  ApplyRequest request{ns, manifest, std::nullopt};
  request.refused = ApplyRequest::Refused::kMakeAnew;
  EXPECT_THAT(Apply(request), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_NE(server_.Find(ns), nullptr);
}

TEST_F(KubernetesClientTest, AKindThatNobodyDefinesIsTriedAgainLater) {
  const ObjectKey widget{"example.com", "Widget", "shop", "w"};
  EXPECT_THAT(Apply(widget, Parsed(R"({"apiVersion":"example.com/v1","kind":"Widget",
                                       "metadata":{"name":"w","namespace":"shop"}})")),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("does not know this kind")));
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> live, Read({.keys = {widget}}));
  EXPECT_THAT(live, IsEmpty());
}

TEST_F(KubernetesClientTest, AnExpiredWatchFindsByComparisonWhatItMissed) {
  std::vector<std::string> changed;
  client_.Watch([&](const ObjectEvent& event) { changed.push_back(event.key.name); });
  for (const absl::string_view name : {"a", "b", "c"}) {
    ASSERT_THAT(Apply(Key(name), Config(name, "1")), IsOk());
  }
  loop_.RunFor(absl::Seconds(1));
  changed.clear();
  server_.EndWatches(MemoryApiServer::History::kForgotten);
  server_.RemoveOutside(Key("a"));
  server_.PutOutside(Config("b", "2"));
  loop_.RunFor(absl::Seconds(5));
  std::sort(changed.begin(), changed.end());
  EXPECT_THAT(changed, ElementsAre("a", "b"));
}

TEST_F(KubernetesClientTest, WhatOthersAddIsNoEventAndStillKnown) {
  std::vector<std::string> changed;
  client_.Watch([&](const ObjectEvent& event) { changed.push_back(event.key.name); });
  ASSERT_THAT(Apply(Key("a"), Config("a", "1")), IsOk());
  loop_.RunFor(absl::Seconds(1));
  const absl::StatusOr<std::vector<LiveObject>> before = Read({.app = "leidang/cart"});
  Value added = Config("a", "1");
  added.at("metadata").at("annotations").get_object()["other"] = "x";
  added.at("data").get_object()["theirs"] = "y";
  server_.PutOutside(added);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_THAT(changed, IsEmpty());
  const absl::StatusOr<std::vector<LiveObject>> after = Read({.app = "leidang/cart"});
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ(after->at(0).hash, before->at(0).hash);
  EXPECT_NE(after->at(0).version, before->at(0).version);
  added.at("metadata").get_object()["finalizers"] = object::Array{"example.com/hold"};
  server_.PutOutside(added);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_THAT(changed, ElementsAre("a"));
}

TEST_F(KubernetesClientTest, AWatchThatTheServerEndsGoesOnWhereItWas) {
  ASSERT_THAT(Apply(Key("a"), Config("a", "1")), IsOk());
  loop_.RunFor(absl::Seconds(1));
  server_.EndWatches(MemoryApiServer::History::kKept);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_THAT(Requests("WATCH").back(), HasSubstr("&resourceVersion="));
  EXPECT_THAT(Read({.app = "leidang/cart"}), IsOk());
}

TEST_F(KubernetesClientTest, AReadAfterABrokenConnectionWaitsForAllThatWasMissed) {
  using History = MemoryApiServer::History;
  for (const History history : {History::kKept, History::kForgotten}) {
    SCOPED_TRACE(history == History::kKept ? "kept" : "forgotten: 410 comes in the stream");
    for (const absl::string_view name : {"a", "b", "c"}) {
      ASSERT_THAT(Apply(Key(name), Config(name, "1")), IsOk());
    }
    loop_.RunFor(absl::Seconds(20));
    server_.BreakWatches(history);
    server_.RemoveOutside(Key("a"));
    Value taken = Config("b", "1");
    object::StableErase(taken.at("metadata").get_object(), "labels");
    server_.PutOutside(taken);
    loop_.RunFor(absl::Milliseconds(10));
    ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> live, Read({.app = "leidang/cart"}));
    ASSERT_THAT(live, SizeIs(1));
    EXPECT_EQ(live[0].key, Key("c"));
    server_.RemoveOutside(Key("b"));
  }
}

TEST_F(KubernetesClientTest, AWatchWhoseConnectionBreaksBeginsAnewHoweverLongItTakes) {
  std::vector<std::string> changed;
  client_.Watch([&](const ObjectEvent& event) { changed.push_back(event.key.name); });
  for (const absl::string_view name : {"a", "b", "c"}) {
    ASSERT_THAT(Apply(Key(name), Config(name, "1")), IsOk());
  }
  loop_.RunFor(absl::Seconds(1));
  changed.clear();
  const size_t watches = Requests("WATCH /api/v1/configmaps?").size();
  server_.SetFault([](const ApiRequest&) { return ApiResponse{503, "down"}; });
  server_.BreakWatches();
  server_.RemoveOutside(Key("a"));
  server_.PutOutside(Config("b", "2"));
  loop_.RunFor(absl::Minutes(2));
  EXPECT_THAT(changed, Each("")) << "that it is broken, and no more";
  EXPECT_THAT(Read({.app = "leidang/cart"}), StatusIs(absl::StatusCode::kUnavailable));
  server_.SetFault(nullptr);
  loop_.RunFor(absl::Seconds(40));
  std::sort(changed.begin(), changed.end());
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  EXPECT_THAT(changed, ::testing::IsSupersetOf({"a", "b"}));
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> live, Read({.app = "leidang/cart"}));
  EXPECT_THAT(live, SizeIs(2));
  const std::vector<std::string> all = Requests("WATCH /api/v1/configmaps?");
  ASSERT_GT(all.size(), watches + 2) << "it was tried again and again";
  for (size_t i = watches; i < all.size(); ++i) {
    EXPECT_THAT(all[i], HasSubstr("sendInitialEvents")) << i;
  }
}

// Lists succeed all the time; whatever follows them ends at once.
class ShortWatchTest : public KubernetesClientTest {
 protected:
  enum class End : uint8_t { kOrderly, kBroken };

  void EndAllWatches(End end) {
    if (end == End::kOrderly) return server_.EndWatches(MemoryApiServer::History::kKept);
    server_.BreakWatches();
  }
  size_t Tries() {
    return Requests("WATCH /api/v1/configmaps?").size() +
           Requests("GET /api/v1/configmaps?").size();
  }
  // For five minutes.
  void ExpectFewTriesThatAreShown(End end) {
    ASSERT_THAT(Apply(Key("a"), Config("a", "1")), IsOk());
    loop_.RunFor(absl::Minutes(1));
    const size_t before = Tries();
    size_t refused = 0;
    constexpr int kTurns = 6000;
    for (int i = 0; i < kTurns; ++i) {
      EndAllWatches(end);
      loop_.RunFor(absl::Milliseconds(50));
      client_.Read({.app = "leidang/cart"},
                   [&](const absl::StatusOr<std::vector<LiveObject>>& live) {
                     if (absl::IsUnavailable(live.status())) ++refused;
                   });
    }
    EXPECT_LT(Tries() - before, 50u);
    EXPECT_GT(refused, static_cast<size_t>(kTurns) * 9 / 10) << "it counts as broken";
    loop_.RunFor(absl::Minutes(1));
    EXPECT_THAT(Read({.app = "leidang/cart"}), IsOk());
    // A watch that has lasted is begun again at once.
    EndAllWatches(end);
    server_.RemoveOutside(Key("a"));
    loop_.RunFor(absl::Seconds(1));
    ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> live, Read({.app = "leidang/cart"}));
    EXPECT_THAT(live, IsEmpty());
  }
};

TEST_F(ShortWatchTest, IsTriedLessAndLessOftenIfItsConnectionBreaks) {
  ExpectFewTriesThatAreShown(End::kBroken);
}

TEST_F(ShortWatchTest, IsTriedLessAndLessOftenIfTheServerEndsIt) {
  ExpectFewTriesThatAreShown(End::kOrderly);
}

TEST_F(ShortWatchTest, IsTriedLessAndLessOftenAfterAListInPages) {
  server_.RefuseWatchLists();
  ExpectFewTriesThatAreShown(End::kBroken);
}

TEST_F(KubernetesClientTest, AServerThatIsDownIsWaitedForAndThenReadAnew) {
  ASSERT_THAT(Apply(Key("a"), Config("a", "1")), IsOk());
  loop_.RunFor(absl::Seconds(1));
  server_.SetFault([](const ApiRequest&) { return ApiResponse{503, "down"}; });
  server_.EndWatches(MemoryApiServer::History::kForgotten);
  loop_.RunFor(absl::Seconds(60));
  EXPECT_THAT(Read({.app = "leidang/cart"}), StatusIs(absl::StatusCode::kUnavailable));
  server_.RemoveOutside(Key("a"));
  server_.SetFault(nullptr);
  loop_.RunFor(absl::Seconds(40));
  ASSERT_OK_AND_ASSIGN(const std::vector<LiveObject> live, Read({.app = "leidang/cart"}));
  EXPECT_THAT(live, IsEmpty());
}

TEST_F(KubernetesClientTest, AServerThatAsksForPatienceGetsIt) {
  int refusals = 3;
  server_.SetFault([&](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (request.method != "PATCH" || refusals-- <= 0) return std::nullopt;
    return ApiResponse{429, "slow down", absl::Seconds(2)};
  });
  const absl::Duration before = loop_.clock().Monotonic();
  EXPECT_THAT(Apply(Key("a"), Config("a", "1")), IsOk());
  EXPECT_GE(loop_.clock().Monotonic() - before, absl::Seconds(6));
  EXPECT_THAT(Requests("PATCH"), SizeIs(4));
}

TEST_F(KubernetesClientTest, RefusalsSayWhatCanBeDone) {
  const auto answer_with = [this](int status, std::string body) {
    server_.SetFault([=](const ApiRequest& request) -> std::optional<ApiResponse> {
      if (request.method != "PATCH") return std::nullopt;
      return ApiResponse{status, body};
    });
    return Apply(Key("a"), Config("a", "1")).status().code();
  };
  EXPECT_EQ(answer_with(422, R"({"message":"spec.selector is immutable"})"),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(answer_with(500, R"({"message":".spec.x: field not declared in schema"})"),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(answer_with(403, R"({"message":"configmaps is forbidden"})"),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(answer_with(403, R"({"message":"in namespace x because it is being terminated"})"),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(answer_with(409, R"({"message":"conflict"})"), absl::StatusCode::kAborted);
  EXPECT_EQ(answer_with(404, R"({"message":"namespaces \"shop\" not found"})"),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(answer_with(401, "no"), absl::StatusCode::kUnavailable);
  EXPECT_EQ(answer_with(500, "oops"), absl::StatusCode::kUnavailable);
}

TEST_F(KubernetesClientTest, WhatIsNotCurrentIsNotHeldAgainstOtherKinds) {
  ASSERT_THAT(Apply(Key("a"), Config("a", "1")), IsOk());
  server_.SetFault([](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (!absl::StrContains(request.path, "/secrets")) return std::nullopt;
    return ApiResponse{403, R"({"message":"secrets is forbidden"})"};
  });
  EXPECT_THAT(Read({.keys = {{"", "Secret", "shop", "s"}}}),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Read({.keys = {Key("a")}}), IsOk());
}

TEST(OwnedFields, ListItemsCountByTheirKeysAndOthersFieldsNotAtAll) {
  constexpr absl::string_view kFields =
      R"({"metadata":{"managedFields":[
        {"manager":"editor","operation":"Update","fieldsV1":{"f:x":{}}},
        {"manager":"leidang","operation":"Update","fieldsV1":{"f:z":{}}},
        {"manager":"leidang","operation":"Apply","subresource":"status","fieldsV1":{"f:y":{}}},
        {"manager":"leidang","operation":"Apply","fieldsV1":{"f:spec":{
          "f:replicas":{},"f:l":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:v":{}}}}}}]},)";
  const auto hash = [&](absl::string_view rest) {
    return OwnedHash(Parsed(absl::StrCat(kFields, rest)));
  };
  const std::string base = hash(R"("spec":{"replicas":1,"l":[{"name":"a","v":1}]}})");
  EXPECT_EQ(hash(R"("x":9,"y":8,"spec":{"replicas":1,"more":2,
                    "l":[{"name":"b"},{"name":"a","v":1,"w":2}]}})"),
            base);
  EXPECT_NE(hash(R"("spec":{"replicas":2,"l":[{"name":"a","v":1}]}})"), base);
  EXPECT_NE(hash(R"("spec":{"replicas":1,"l":[{"name":"a","v":2}]}})"), base);
  EXPECT_NE(hash(R"("spec":{"replicas":1,"l":[]}})"), base);
  EXPECT_NE(hash(R"("z":1,"spec":{"replicas":1,"l":[{"name":"a","v":1}]}})"), base)
      << "what we replaced is ours too";
  EXPECT_EQ(OwnedHash(Parsed("{}")), "");
}

TEST(SecretData, PlainTextIsFoldedOverTheData) {
  Value secret = Parsed(R"({"apiVersion":"v1","kind":"Secret","data":{"a":"eA==","b":"eQ=="},
                            "stringData":{"a":"z"}})");
  FoldStringData(secret);
  EXPECT_EQ(object::ToJson(secret),
            R"({"apiVersion":"v1","kind":"Secret","data":{"a":"eg==","b":"eQ=="}})");
}

}  // namespace
}  // namespace leidang::agent
