#include "agent/apply/hooks.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

object::Value Annotated(const object::Object& annotations) {
  return object::Object{{"apiVersion", "batch/v1"},
                        {"kind", "Job"},
                        {"metadata", object::Object{{"name", "j"}, {"annotations", annotations}}}};
}

TEST(Hooks, AnObjectWithoutAnnotationsIsAppliedInTheSyncPhase) {
  const object::Value plain = Annotated({});
  EXPECT_FALSE(IsHook(plain));
  EXPECT_THAT(SyncPhasesOf(plain), ElementsAre(SyncPhase::kSync));
}

TEST(Hooks, TypesAreAListWithSpaces) {
  const object::Value hook = Annotated({{"argocd.argoproj.io/hook", " PostSync , PreSync,Nope"}});
  EXPECT_TRUE(IsHook(hook));
  EXPECT_THAT(HookTypes(hook), ElementsAre(HookType::kPostSync, HookType::kPreSync));
  EXPECT_THAT(SyncPhasesOf(hook), ElementsAre(SyncPhase::kPreSync, SyncPhase::kPostSync));
}

TEST(Hooks, AnUnknownTypeHidesTheObject) {
  const object::Value hook = Annotated({{"argocd.argoproj.io/hook", "presync"}});
  EXPECT_TRUE(IsHook(hook));
  EXPECT_THAT(SyncPhasesOf(hook), IsEmpty());
}

TEST(Hooks, AnUnknownTypeLeavesTheWordToHelm) {
  const object::Value hook =
      Annotated({{"argocd.argoproj.io/hook", "Nope"}, {"helm.sh/hook", "pre-install,pre-upgrade"}});
  EXPECT_THAT(SyncPhasesOf(hook), ElementsAre(SyncPhase::kPreSync));
}

TEST(Hooks, ArgoCdsAnnotationBeatsHelms) {
  const object::Value hook =
      Annotated({{"argocd.argoproj.io/hook", "Sync"}, {"helm.sh/hook", "pre-install"}});
  EXPECT_THAT(SyncPhasesOf(hook), ElementsAre(SyncPhase::kSync));
}

TEST(Hooks, HelmsDefinitionsAreOrdinaryAndItsTestsTakeNoPart) {
  EXPECT_FALSE(IsHook(Annotated({{"helm.sh/hook", "crd-install"}})));
  const object::Value test = Annotated({{"helm.sh/hook", "test"}});
  EXPECT_TRUE(IsHook(test));
  EXPECT_THAT(SyncPhasesOf(test), IsEmpty());
}

TEST(Hooks, SkipAloneLeavesTheObjectOutAndIsNoHook) {
  const object::Value skipped = Annotated({{"argocd.argoproj.io/hook", "Skip"}});
  EXPECT_FALSE(IsHook(skipped));
  EXPECT_THAT(SyncPhasesOf(skipped), IsEmpty());
  EXPECT_THAT(SyncPhasesOf(Annotated({{"argocd.argoproj.io/hook", "Skip,PreSync"}})),
              ElementsAre(SyncPhase::kPreSync));
}

TEST(Hooks, DeletionHooksTakeNoPartInASync) {
  const object::Value hook = Annotated({{"argocd.argoproj.io/hook", "PreDelete,PostDelete"}});
  EXPECT_THAT(HookTypes(hook), ElementsAre(HookType::kPreDelete, HookType::kPostDelete));
  EXPECT_THAT(SyncPhasesOf(hook), IsEmpty());
}

TEST(Hooks, WithoutAValidPolicyAHookGoesBeforeItIsCreated) {
  EXPECT_THAT(HookDeletions(Annotated({})), ElementsAre(HookDeletion::kBeforeCreation));
  EXPECT_THAT(
      HookDeletions(Annotated({{"argocd.argoproj.io/hook-delete-policy", "hooksucceeded"}})),
      ElementsAre(HookDeletion::kBeforeCreation));
  EXPECT_THAT(HookDeletions(Annotated({{"argocd.argoproj.io/hook-delete-policy", "HookSucceeded"},
                                       {"helm.sh/hook-delete-policy", "hook-failed"}})),
              ElementsAre(HookDeletion::kSucceeded, HookDeletion::kFailed));
}

TEST(Hooks, ASyncOptionCountsAsItIsSpelled) {
  const object::Value object =
      Annotated({{"argocd.argoproj.io/sync-options", "Prune=false, PruneLast=true"}});
  EXPECT_TRUE(HasSyncOption(object, "Prune=false"));
  EXPECT_TRUE(HasSyncOption(object, "PruneLast=true"));
  EXPECT_FALSE(HasSyncOption(object, "Prune=False"));
}

}  // namespace
}  // namespace leidang::agent
