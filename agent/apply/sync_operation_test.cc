#include "agent/apply/sync_operation.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::agent {
namespace {

using intent::HealthState;
using object::ObjectKey;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The facts about order stand in tests/conformance; here is what they do not show.
class SyncOperationTest : public ::testing::Test {
 protected:
  static SyncObject Object(absl::string_view kind, absl::string_view name, int64_t wave = 0) {
    SyncObject object;
    object.key = {"", std::string(kind), "shop", std::string(name)};
    object.wave = wave;
    object.phases = {SyncPhase::kSync};
    return object;
  }
  static SyncObject Hook(absl::string_view name, SyncPhase phase) {
    SyncObject hook = Object("Job", name);
    hook.sort = SyncObject::Sort::kHook;
    hook.phases = {phase};
    hook.deletions = {HookDeletion::kBeforeCreation};
    return hook;
  }

  // One look in which everything works but `failing`; what it did, as "what Kind/name".
  std::vector<std::string> Look(SyncOperation& operation, absl::string_view failing = "") {
    constexpr absl::string_view kWhat[] = {"try", "prune", "delete", "apply", "tidy"};
    std::vector<std::string> done;
    operation.BeginLook(targets_, live_);
    std::map<ObjectKey, SyncLive> next = live_;
    while (const SyncBatch* batch = operation.Batch()) {
      for (const size_t i : batch->tasks) {
        const SyncTask& task = operation.tasks()[i];
        done.push_back(absl::StrCat(kWhat[static_cast<int>(batch->what)], " ", task.id.key.name));
        if (done.back() == failing) {
          operation.ReportFailure(i, "no");
        } else if (batch->what == SyncBatch::What::kApply) {
          next[task.id.key] = SyncLive{.object = *task.object};
        } else if (batch->what != SyncBatch::What::kDryRun) {
          next.erase(task.id.key);
        }
      }
      operation.EndBatch();
    }
    live_ = std::move(next);
    return done;
  }

  SyncTargets targets_;
  std::map<ObjectKey, SyncLive> live_;
};

TEST_F(SyncOperationTest, ARestartGoesOnWithTheResultsItWasGiven) {
  targets_.wanted = {Hook("pre", SyncPhase::kPreSync), Object("ConfigMap", "a")};
  SyncOperation first({});
  EXPECT_THAT(Look(first), ElementsAre("try pre", "try a", "apply pre"));
  SyncOperation second({}, first.results());
  EXPECT_THAT(Look(second), ElementsAre("apply a"));
  EXPECT_EQ(second.state(), SyncOperation::State::kSucceeded);
}

TEST_F(SyncOperationTest, AHookThatIsTakenAwayWhileItRunsHasFailed) {
  targets_.wanted = {Hook("pre", SyncPhase::kPreSync), Object("ConfigMap", "a")};
  SyncOperation operation({});
  Look(operation);
  live_.clear();
  EXPECT_THAT(Look(operation), IsEmpty());
  EXPECT_EQ(operation.state(), SyncOperation::State::kFailed);
}

TEST_F(SyncOperationTest, AWaveWaitsForWhatIsBeingDeleted) {
  targets_.wanted = {Object("ConfigMap", "a")};
  const SyncObject old = Object("ConfigMap", "old");
  live_[old.key] = SyncLive{.object = old};
  SyncOperation operation({.prune = SyncOptions::Prune::kPrune});
  EXPECT_THAT(Look(operation), ElementsAre("try a", "prune old", "apply a"));
  EXPECT_EQ(operation.state(), SyncOperation::State::kSucceeded);
}

TEST_F(SyncOperationTest, AConfirmedPruneIsNotAskedForAgain) {
  SyncObject old = Object("ConfigMap", "old");
  old.pruning = SyncObject::Pruning::kConfirm;
  live_[old.key] = SyncLive{.object = old};
  SyncOperation waiting({.prune = SyncOptions::Prune::kPrune});
  EXPECT_THAT(Look(waiting), IsEmpty());
  EXPECT_EQ(waiting.message(), "waiting for pruning confirmation of /ConfigMap/old");
  SyncOperation confirmed(
      {.prune = SyncOptions::Prune::kPrune, .confirmed = SyncOptions::Confirmed::kYes});
  EXPECT_THAT(Look(confirmed), ElementsAre("prune old"));
}

TEST_F(SyncOperationTest, APruneThatFailsEndsTheSyncBeforeTheAppliesOfItsWave) {
  targets_.wanted = {Object("ConfigMap", "a")};
  const SyncObject old = Object("ConfigMap", "old");
  live_[old.key] = SyncLive{.object = old};
  SyncOperation operation({.prune = SyncOptions::Prune::kPrune});
  EXPECT_THAT(Look(operation, "prune old"), ElementsAre("try a", "prune old"));
  EXPECT_EQ(operation.state(), SyncOperation::State::kFailed);
  EXPECT_EQ(operation.message(), "one or more objects failed to apply, reason: no");
}

TEST_F(SyncOperationTest, ANamespaceThatCannotBeCreatedEndsTheSync) {
  targets_.wanted = {Object("ConfigMap", "a")};
  SyncObject ns;
  ns.key = {"", "Namespace", "", "shop"};
  targets_.namespace_to_create = ns;
  SyncOperation operation({});
  EXPECT_THAT(Look(operation, "apply shop"), ElementsAre("apply shop"));
  EXPECT_EQ(operation.state(), SyncOperation::State::kFailed);
}

TEST_F(SyncOperationTest, WhatASyncLeavesAloneIsNotPruned) {
  const SyncObject other = Object("ConfigMap", "other");
  live_[other.key] = SyncLive{.object = other};
  targets_.skipped = {other.key};
  SyncOperation operation({.prune = SyncOptions::Prune::kPrune});
  EXPECT_THAT(Look(operation), IsEmpty());
  EXPECT_EQ(operation.state(), SyncOperation::State::kSucceeded);
}

}  // namespace
}  // namespace leidang::agent
