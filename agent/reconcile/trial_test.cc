// Whether a sync is tried before its first change, over an API server in memory.

#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using ::testing::HasSubstr;

constexpr char kCart[] = "leidang/cart";

class TrialTest : public ::testing::Test {
 protected:
  TrialTest() {
    agent_.target = TestAgent::Target::kApiServer;
    agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
    agent_.Restart();
  }

  static TestApp AppOf(std::initializer_list<const char*> names, absl::string_view colour = "red",
                       absl::string_view annotations = "") {
    TestApp app;
    app.name = kCart;
    for (const char* name : names) {
      app.files[absl::StrCat("app/", name, ".yaml")] = ConfigMapText(name, colour, annotations);
    }
    return app;
  }
  // The server refuses this object, in trials and in earnest.
  void Refuse(const std::string& name, int status = 422,
              const std::string& message = "the server does not like it") {
    agent_.api.SetFault([=](const ApiRequest& request) -> std::optional<ApiResponse> {
      const bool applies = request.method == "PATCH" &&
                           absl::StrContains(request.path, absl::StrCat("/", name, "?"));
      if (!applies) return std::nullopt;
      return ApiResponse{status, absl::StrCat(R"({"message":")", message, R"("})")};
    });
  }
  size_t Trials() const {
    size_t trials = 0;
    for (const std::string& request : agent_.api.requests())
      if (absl::StrContains(request, "dryRun=All")) ++trials;
    return trials;
  }
  std::string Colour(const std::string& name) const {
    const object::Value* found = agent_.api.Find({"", "ConfigMap", "shop", name});
    return found == nullptr ? "" : std::string(object::FindString(*found, {"data", "colour"}));
  }

  TestAgent agent_;
};

TEST_F(TrialTest, AnUpdateOfOneWaveIsAppliedAsAWholeOrNotAtAll) {
  agent_.Put(AppOf({"a", "b", "c"}));
  agent_.Settle();
  ASSERT_TRUE(agent_.Applied(kCart));
  Refuse("c");
  agent_.Put(AppOf({"a", "b", "c"}, "blue"));
  agent_.Settle(absl::Seconds(3));
  EXPECT_EQ(Colour("a"), "red");
  EXPECT_EQ(Colour("b"), "red");
  EXPECT_THAT(agent_.Condition(kCart, "SyncError"), HasSubstr("the server does not like it"));
  agent_.api.SetFault(nullptr);
  agent_.Settle(absl::Minutes(5));
  EXPECT_EQ(Colour("a"), "blue");
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_F(TrialTest, WhatIsNewBesideAPruneIsTriedToo) {
  agent_.Put(AppOf({"a", "b", "c"}));
  agent_.Settle();
  Refuse("d");
  agent_.Put(AppOf({"a", "b", "d"}));
  agent_.Settle(absl::Seconds(3));
  EXPECT_EQ(Colour("c"), "red") << "nothing goes for what cannot come";
}

TEST_F(TrialTest, AFewNewObjectsAreTriedAndManyAreNot) {
  Refuse("b");
  agent_.Put(AppOf({"a", "b"}));
  agent_.Settle(absl::Seconds(3));
  EXPECT_EQ(Colour("a"), "");
  EXPECT_EQ(Trials(), 2u);

  TestAgent many;
  many.target = TestAgent::Target::kApiServer;
  many.options.syncs = ReconcileOptions::Syncs::kPhases;
  many.Restart();
  TestApp app = AppOf({});
  for (int i = 0; i < 100; ++i) {
    app.files[absl::StrCat("app/o", i, ".yaml")] = ConfigMapText(absl::StrCat("o", i), "red");
  }
  many.Put(app);
  many.Settle();
  EXPECT_TRUE(many.Applied(kCart));
  for (const std::string& request : many.api.requests()) {
    EXPECT_FALSE(absl::StrContains(request, "dryRun=All")) << request;
  }
}

TEST_F(TrialTest, NeitherCorrectionsNorOneObjectAloneAreTried) {
  agent_.Put(AppOf({"a"}));
  agent_.Settle();
  EXPECT_EQ(Trials(), 0u);
  agent_.Put(AppOf({"a", "b", "c"}));
  agent_.Settle();
  const size_t before = Trials();
  for (const char* name : {"a", "b"}) {
    object::Value edited = *agent_.api.Find({"", "ConfigMap", "shop", name});
    edited.at("data").as_object()["colour"] = "pink";
    agent_.api.UpdateOutside(edited, "editor");
  }
  agent_.Settle();
  EXPECT_EQ(Colour("a"), "red");
  EXPECT_EQ(Trials(), before);
}

TEST_F(TrialTest, WhatMayMissWhatComesWithItIsNotRefusedByItsTrial) {
  agent_.api.SetFault([this](const ApiRequest& request) -> std::optional<ApiResponse> {
    const bool pod = request.method == "PATCH" && absl::StrContains(request.path, "/pod?");
    if (!pod || !Colour("account").empty()) return std::nullopt;
    return ApiResponse{403, R"({"message":"error looking up service account shop/account"})"};
  });
  agent_.Put(AppOf({"account", "pod"}));
  agent_.Settle(absl::Seconds(3));
  EXPECT_EQ(Colour("pod"), "red");
}

TEST_F(TrialTest, AWebhookThatCannotBeTriedRefusesNothing) {
  agent_.api.SetFault([](const ApiRequest& request) -> std::optional<ApiResponse> {
    if (!absl::StrContains(request.path, "dryRun=All")) return std::nullopt;
    return ApiResponse{
        400, R"({"message":"admission webhook \"w.example.com\" does not support dry run"})"};
  });
  agent_.Put(AppOf({"a", "b"}));
  agent_.Settle(absl::Seconds(3));
  EXPECT_EQ(Colour("b"), "red");
}

TEST_F(TrialTest, WhatIsReplacedOrMadeAnewIsNotTriedInPlace) {
  for (const char* option : {"Replace=true", "Force=true"}) {
    SCOPED_TRACE(option);
    const std::string annotation = absl::StrCat("argocd.argoproj.io/sync-options: ", option);
    agent_.Put(AppOf({"a", "b"}, "red", annotation));
    agent_.Settle();
    const size_t before = Trials();
    agent_.Put(AppOf({"a", "b"}, "blue", annotation));
    agent_.Settle();
    EXPECT_EQ(Colour("b"), "blue");
    EXPECT_EQ(Trials(), before);
  }
}

}  // namespace
}  // namespace leidang::agent
