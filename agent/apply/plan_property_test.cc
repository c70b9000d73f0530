// Laws of every plan, over random states of desire, inventory and cluster.

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "agent/apply/plan.h"
#include "common/random/random.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Sha256;

constexpr char kApp[] = "leidang/cart";
constexpr char kOther[] = "leidang/other";

// Desire, inventory and cluster as maps, on which a plan can be carried out.
struct Model {
  std::map<ObjectKey, DesiredObject> desired;
  std::map<ObjectKey, OwnedObject> inventory;
  std::map<ObjectKey, SeenObject> live;
  PlanInput rest;

  PlanInput Input() const {
    PlanInput input = rest;
    for (const auto& [key, object] : desired) input.desired.push_back(object);
    for (const auto& [key, object] : inventory) input.inventory.push_back(object);
    for (const auto& [key, object] : live) input.live.push_back(object);
    return input;
  }

  void CarryOut(const Plan& plan, const PlanInput& input) {
    for (const Plan::Dropped& dropped : plan.dropped) inventory.erase(dropped.key);
    for (const PlanStep& step : plan.steps) {
      for (const ApplyTask& task : step.applies) {
        const DesiredObject& object = input.desired[task.desired];
        const std::string hash = "hash of " + object.digest.Hex();
        live[task.key] = {
            .key = task.key, .owner = kApp, .uid = "uid", .version = "v", .hash = hash};
        inventory[task.key] = {task.key, "uid", object.digest, hash, object.wave};
      }
      for (const PruneTask& task : step.prunes) {
        live.erase(task.key);
        inventory.erase(task.key);
      }
    }
  }
};

Model RandomModel(Random& random) {
  Model model;
  model.rest.app = kApp;
  model.rest.ns = "shop";
  const auto chance = [&random](uint64_t percent) { return random.Chance(percent, 100); };
  SyncPolicy& policy = model.rest.policy;
  policy.automation = chance(80) ? Automation::kAutomated : Automation::kManual;
  policy.pruning = chance(70) ? Pruning::kPrune : Pruning::kKeep;
  policy.healing = chance(70) ? Healing::kCorrect : Healing::kReport;
  policy.emptiness = chance(50) ? Emptiness::kAllowed : Emptiness::kRefused;
  policy.adoption = chance(10) ? Adoption::kYes : Adoption::kNo;
  if (chance(50)) policy.max_deletions.kind = intent::DeletionLimit::Kind::kUnlimited;
  model.rest.gate = chance(50) ? PlanInput::Gate::kHealth : PlanInput::Gate::kNone;
  if (chance(20)) model.rest.request = chance(50) ? Request::kSync : Request::kSyncAndPrune;
  const uint64_t count = random.Below(12);
  for (uint64_t i = 0; i < count; ++i) {
    const ObjectKey key{"", chance(50) ? "ConfigMap" : "Service", "shop", absl::StrCat("o", i)};
    if (chance(60)) {
      DesiredObject desired;
      desired.key = key;
      desired.digest = Sha256::Of(absl::StrCat(random.Below(2)));
      desired.wave = static_cast<int64_t>(random.Below(3));
      model.desired[key] = desired;
    }
    if (chance(60)) {
      OwnedObject owned;
      owned.key = key;
      owned.uid = chance(50) ? "uid" : "";
      owned.desired = chance(90) ? Sha256::Of(absl::StrCat(random.Below(2))) : Sha256();
      owned.observed = chance(70) ? "h" : "h2";
      model.inventory[key] = owned;
    }
    if (chance(70)) {
      SeenObject seen;
      seen.key = key;
      seen.owner = chance(70) ? kApp : chance(50) ? kOther : "";
      seen.uid = chance(50) ? "uid" : "";
      seen.hash = "h";
      seen.health = chance(90) ? intent::HealthState::kHealthy : intent::HealthState::kProgressing;
      model.live[key] = seen;
    }
    if (chance(5)) model.rest.released.insert(key);
    if (chance(5)) model.rest.claimed.insert(key);
    if (chance(5)) model.rest.rested.insert(key);
  }
  return model;
}

void CheckPrunes(const Model& model, const Plan& plan) {
  for (const PlanStep& step : plan.steps) {
    EXPECT_TRUE(step.applies.empty() || step.prunes.empty());
    for (const PruneTask& task : step.prunes) {
      EXPECT_TRUE(model.inventory.contains(task.key)) << "only the inventory is pruned";
      EXPECT_FALSE(model.rest.claimed.contains(task.key));
      const SeenObject& seen = model.live.at(task.key);
      EXPECT_NE(seen.owner == kOther && !model.rest.released.contains(task.key), true);
      EXPECT_TRUE(seen.owner == kApp || seen.uid == "uid");
    }
  }
}

TEST(PlanLaws, HoldForEveryState) {
  for (uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    SeededRandom random(seed);
    const Model model = RandomModel(random);
    const PlanInput input = model.Input();
    const Plan plan = MakePlan(input);
    CheckPrunes(model, plan);
    std::set<ObjectKey> touched;
    for (const PlanStep& step : plan.steps) {
      for (const PruneTask& task : step.prunes) {
        EXPECT_FALSE(model.desired.contains(task.key)) << "what is desired is not pruned";
        EXPECT_TRUE(touched.insert(task.key).second);
      }
      for (const ApplyTask& task : step.applies) {
        EXPECT_TRUE(touched.insert(task.key).second);
        const auto seen = model.live.find(task.key);
        if (seen == model.live.end()) continue;
        EXPECT_TRUE(seen->second.owner != kOther || model.rest.released.contains(task.key))
            << "nothing is taken from another Application";
      }
    }
    EXPECT_TRUE(!plan.refused_empty || plan.steps.empty());
    CheckPrunes(model, MakeDeletionPlan(input));
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(PlanLaws, CarryingOutPlansConverges) {
  for (uint64_t seed = 1; seed <= 1'000; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    SeededRandom random(seed);
    Model model = RandomModel(random);
    for (auto& [key, seen] : model.live) seen.health = intent::HealthState::kHealthy;
    int rounds = 0;
    for (; rounds < 10; ++rounds) {
      const PlanInput input = model.Input();
      const Plan plan = MakePlan(input);
      if (plan.steps.empty() && plan.dropped.empty()) break;
      model.CarryOut(plan, input);
    }
    EXPECT_LT(rounds, 10) << "plans never end";
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace leidang::agent
