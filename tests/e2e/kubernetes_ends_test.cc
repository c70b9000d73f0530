// How objects end on real clusters: with their Application, without it, and what depends on them.

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;

class KubernetesEndsTest : public KubernetesTestCase {
 protected:
  static bool Gone(const std::string& ns, const std::string& name) {
    return one().Get(ConfigPath(ns, name)).is_null();
  }
  static bool Dying(const std::string& ns, const std::string& name) {
    return object::Find(one().Get(ConfigPath(ns, name)), {"metadata", "deletionTimestamp"}) !=
           nullptr;
  }
  static RunningFleet::Answer Delete(const std::string& name, const std::string& cascade) {
    return fleet()->fleet().Leidang({"delete", "application", name, "--cascade", cascade});
  }
  // In the cluster.
  static bool HasInventory(const std::string& name) {
    const object::Value secrets = one().Get("/api/v1/namespaces/leidang-agent/secrets");
    const object::Value* items = object::Find(secrets, {"items"});
    if (items == nullptr || !items->is_array()) return false;
    for (const object::Value& secret : items->get_array()) {
      const absl::string_view of =
          object::FindString(secret, {"metadata", "annotations", "leidang.dev/inventory-of"});
      if (of == name || absl::EndsWith(of, absl::StrCat("/", name))) return true;
    }
    return false;
  }
  static bool IsForgotten(const std::string& name) {
    return fleet()->fleet().Leidang({"get", "application", name, "-o", "json"}).code != 0;
  }

  static std::string OwnerPath(const std::string& ns) {
    return absl::StrCat("/api/v1/namespaces/", ns, "/services/owner");
  }
  static bool OwnerIsGone(const std::string& ns) { return one().Get(OwnerPath(ns)).is_null(); }
  static bool OwnerIsDying(const std::string& ns) {
    return object::Find(one().Get(OwnerPath(ns)), {"metadata", "deletionTimestamp"}) != nullptr;
  }

  // An Application NAME of a Service, "owner", a ConfigMap, "other", and what some controller might
  // make of the first: "dependent", which is owned, blocks its owner's end and is itself held by a
  // finalizer.
  static void Grow(const std::string& name, const std::string& more = "") {
    fleet()->Commit(name, {{"owner.yaml",
                            "apiVersion: v1\nkind: Service\nmetadata: {name: owner}\n"
                            "spec: {type: ExternalName, externalName: example.com}\n"},
                           {"other.yaml", ConfigMap("other", "red")}});
    fleet()->AddApplication(name, "one", more);
    fleet()->Wait(name);
    const object::Value owner = one().Get(OwnerPath(name));
    one().Apply(ConfigPath(name, "dependent"),
                absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{)",
                             R"("name":"dependent","finalizers":["example.com/hold"],)",
                             R"("ownerReferences":[{"apiVersion":"v1","kind":"Service",)",
                             R"("name":"owner","blockOwnerDeletion":true,"uid":")",
                             object::FindString(owner, {"metadata", "uid"}), R"("}]}})"));
    // The collector of the cluster knows what it has seen only.
    KubernetesFleet::Rest(absl::Seconds(1));
  }
  static void LetGo(const std::string& name) {
    one().Patch(ConfigPath(name, "dependent"), R"({"metadata":{"finalizers":null}})");
  }
};

TEST_F(KubernetesEndsTest, ADeletionInTheForegroundKeepsTheOwnerUntilItsDependentsAreGone) {
  Grow("fore");
  EXPECT_EQ(Delete("fore", "foreground").code, 0);
  ASSERT_TRUE(KubernetesFleet::Until([] { return Dying("fore", "dependent"); }));
  EXPECT_TRUE(OwnerIsDying("fore"));
  KubernetesFleet::Rest(absl::Seconds(1));
  EXPECT_FALSE(OwnerIsGone("fore"));
  LetGo("fore");
  EXPECT_TRUE(KubernetesFleet::Until([] { return OwnerIsGone("fore"); }));
  EXPECT_TRUE(KubernetesFleet::Until([] { return IsForgotten("fore"); }));
  EXPECT_TRUE(Gone("fore", "other"));
  EXPECT_FALSE(one().Get("/api/v1/namespaces/fore").is_null()) << "no object of the Application";
}

TEST_F(KubernetesEndsTest, ADeletionInTheBackgroundDoesNotWaitForWhatDependsOnTheObjects) {
  Grow("back");
  EXPECT_EQ(Delete("back", "background").code, 0);
  EXPECT_TRUE(KubernetesFleet::Until([] { return OwnerIsGone("back"); }));
  EXPECT_TRUE(KubernetesFleet::Until([] { return Dying("back", "dependent"); }))
      << "the collector of the cluster takes it";
  EXPECT_TRUE(KubernetesFleet::Until([] { return IsForgotten("back"); }));
  EXPECT_TRUE(Gone("back", "other"));
  LetGo("back");
  EXPECT_TRUE(KubernetesFleet::Until([] { return Gone("back", "dependent"); }));
}

TEST_F(KubernetesEndsTest, AnApplicationThatIsOrphanedLeavesItsObjectsAndNobodyCorrectsThem) {
  for (const std::string cascade : {"orphan", "false"}) {
    SCOPED_TRACE(cascade);
    const std::string name = absl::StrCat("leave-", cascade);
    Grow(name);
    EXPECT_TRUE(HasInventory(name));
    const RunningFleet::Answer deleted = Delete(name, cascade);
    EXPECT_EQ(deleted.code, 0) << deleted.err;
    ASSERT_TRUE(KubernetesFleet::Until([&] { return IsForgotten(name); }));
    EXPECT_TRUE(KubernetesFleet::Until([&] { return !HasInventory(name); }));
    one().Patch(ConfigPath(name, "other"), R"({"data":{"colour":"pink"}})");
    KubernetesFleet::Rest(absl::Seconds(2));
    EXPECT_FALSE(OwnerIsGone(name));
    EXPECT_FALSE(OwnerIsDying(name));
    EXPECT_FALSE(Dying(name, "dependent"));
    EXPECT_EQ(Colour(one(), name, "other"), "pink") << "it is nobody's any more";
  }
  const RunningFleet::Answer wrong = Delete("leave-orphan", "no");
  EXPECT_NE(wrong.code, 0);
  EXPECT_THAT(wrong.out + wrong.err, HasSubstr("--cascade \"no\" is none of foreground"));
}

TEST_F(KubernetesEndsTest, APruneLeavesBehindOrTakesAlongWhatItsPropagationPolicySays) {
  const auto options = [](const std::string& how) {
    return absl::StrCat("    syncOptions: [CreateNamespace=true, PrunePropagationPolicy=", how,
                        "]\n");
  };
  const auto prune = [](const std::string& name) {
    fleet()->Commit(name, {{"other.yaml", ConfigMap("other", "blue")}});
  };
  Grow("prune-fore", options("foreground"));
  prune("prune-fore");
  ASSERT_TRUE(KubernetesFleet::Until([] { return Dying("prune-fore", "dependent"); }));
  EXPECT_TRUE(OwnerIsDying("prune-fore"));
  LetGo("prune-fore");
  fleet()->Wait("prune-fore");
  EXPECT_TRUE(OwnerIsGone("prune-fore"));

  Grow("prune-back", options("background"));
  prune("prune-back");
  fleet()->Wait("prune-back");
  EXPECT_TRUE(OwnerIsGone("prune-back"));
  EXPECT_TRUE(KubernetesFleet::Until([] { return Dying("prune-back", "dependent"); }));
  LetGo("prune-back");

  Grow("prune-orphan", options("orphan"));
  prune("prune-orphan");
  fleet()->Wait("prune-orphan");
  EXPECT_TRUE(OwnerIsGone("prune-orphan"));
  KubernetesFleet::Rest(absl::Seconds(1));
  const object::Value left = one().Get(ConfigPath("prune-orphan", "dependent"));
  EXPECT_FALSE(left.is_null());
  EXPECT_EQ(object::Find(left, {"metadata", "deletionTimestamp"}), nullptr);
  EXPECT_EQ(object::Find(left, {"metadata", "ownerReferences"}), nullptr);
  LetGo("prune-orphan");
}

}  // namespace
}  // namespace leidang::testing
