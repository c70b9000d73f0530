// Applications of a cluster in which one kind cannot be read.

#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "tests/support/agent/test_agent.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using intent::HealthState;
using intent::SyncState;
using object::ObjectKey;
using object::Value;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kCart[] = "leidang/cart";
constexpr char kTools[] = "leidang/tools";
constexpr char kGadget[] =
    "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: g, namespace: shop}\n";

class BrokenKindReconcileTest : public ::testing::Test {
 protected:
  BrokenKindReconcileTest() {
    const absl::StatusOr<Value> definition = object::ParseJson(
        R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
            "metadata":{"name":"gadgets.example.com"},
            "spec":{"group":"example.com","scope":"Namespaced",
                    "names":{"kind":"Gadget","plural":"gadgets"}}})");
    EXPECT_OK(definition);
    agent_.api.PutOutside(*definition);
    agent_.target = TestAgent::Target::kApiServer;
    agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
    agent_.Restart();
    cart_.name = kCart;
    cart_.files["app/a.yaml"] = ConfigMapText("a", "red");
    tools_.name = kTools;
    tools_.uid = 2;
    tools_.files["app/g.yaml"] = kGadget;
    tools_.files["app/t.yaml"] = ConfigMapText("t", "red");
    agent_.Put({cart_, tools_});
    agent_.Settle();
    EXPECT_TRUE(agent_.Applied(kCart));
    EXPECT_TRUE(agent_.Applied(kTools, 2));
  }

  void Break() {
    agent_.api.SetFault([](const ApiRequest& request) -> std::optional<ApiResponse> {
      if (!absl::StrContains(request.path, "/gadgets")) return std::nullopt;
      return ApiResponse{429, R"({"message":"storage is (re)initializing"})", absl::Seconds(1)};
    });
    agent_.api.EndWatches(MemoryApiServer::History::kForgotten);
    agent_.Settle();
  }
  std::string Colour(const std::string& name) {
    const Value* found = agent_.api.Find({"", "ConfigMap", "shop", name});
    return found == nullptr ? "" : std::string(object::FindString(*found, {"data", "colour"}));
  }
  void Drift() {
    Value edited = *agent_.api.Find({"", "ConfigMap", "shop", "a"});
    edited.at("data").as_object()["colour"] = "pink";
    agent_.api.UpdateOutside(edited, "kubectl-edit");
  }
  void ExpectOnlyToolsAreUnknown() {
    EXPECT_TRUE(agent_.Applied(kCart));
    EXPECT_EQ(agent_.Status(kCart).sync, SyncState::kSynced);
    EXPECT_EQ(agent_.Status(kCart).health, HealthState::kHealthy);
    EXPECT_FALSE(agent_.Applied(kTools, 2));
    EXPECT_EQ(agent_.Status(kTools, 2).sync, SyncState::kUnknown);
    EXPECT_EQ(agent_.Status(kTools, 2).health, HealthState::kUnknown);
    EXPECT_THAT(agent_.Condition(kTools, "ComparisonError", 2),
                HasSubstr("cannot watch gadgets.example.com"));
    EXPECT_THAT(agent_.Inventory(kTools, 2), Contains("Gadget/g"));
    EXPECT_NE(agent_.api.Find({"example.com", "Gadget", "shop", "g"}), nullptr);
  }

  TestAgent agent_;
  TestApp cart_;
  TestApp tools_;
};

TEST_F(BrokenKindReconcileTest, OnlyApplicationsWithObjectsOfItAreUnknownAndNothingIsPruned) {
  Break();
  tools_.files.erase("app/g.yaml");
  agent_.Put(tools_);
  Drift();
  agent_.Settle();
  EXPECT_EQ(Colour("a"), "red");
  ExpectOnlyToolsAreUnknown();

  agent_.Restart();
  agent_.Settle();
  Drift();
  agent_.Settle();
  EXPECT_EQ(Colour("a"), "red");
  ExpectOnlyToolsAreUnknown();

  agent_.api.SetFault(nullptr);
  agent_.Settle(absl::Seconds(40));
  EXPECT_TRUE(agent_.Applied(kTools, 2));
  EXPECT_EQ(agent_.Status(kTools, 2).health, HealthState::kHealthy);
  EXPECT_EQ(agent_.api.Find({"example.com", "Gadget", "shop", "g"}), nullptr) << "pruned now";
}

TEST_F(BrokenKindReconcileTest, ADeletionWaitsForWhatCannotBeRead) {
  Break();
  agent_.Delete(kTools, 2);
  agent_.Settle();
  EXPECT_FALSE(agent_.Status(kTools, 2).gone);
  EXPECT_THAT(agent_.Inventory(kTools, 2), Contains("Gadget/g"));
  agent_.api.SetFault(nullptr);
  agent_.Settle(absl::Seconds(60));
  EXPECT_EQ(agent_.api.Find({"example.com", "Gadget", "shop", "g"}), nullptr);
  EXPECT_EQ(Colour("t"), "");
}

}  // namespace
}  // namespace leidang::agent
