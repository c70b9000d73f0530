// The deciding test of the ledger: without any derived data the hub comes back with the same uids,
// digests and pending deletions. And whatever the moment of a kill, nothing accepted is lost.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"

#include "common/object/value.h"
#include "common/random/random.h"
#include "common/yaml/yaml.h"
#include "hub/control/fleet_fixture_test.h"
#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

class Rebuild : public FleetTest {
 protected:
  void SetUp() override {
    Commit(Apps({"a", "b"}));
    Start();
    for (const char* name : {"in-cluster", "one", "two"}) {
      ASSERT_OK(hub_.Register(name, "env=dev"));
      ASSERT_OK(hub_.Join(name));
    }
  }
  void CatchUp() {
    for (const char* name : {"in-cluster", "one", "two"}) hub_.AgentCatchesUp(name);
  }
  void ExpectTheSameWithoutDerivedData() {
    ASSERT_TRUE(hub_.Settle());
    const std::string before = hub_.Picture();
    const std::string without_reasons = hub_.Picture(testing::TestHub::Reasons::kLeftOut);
    Restart();
    EXPECT_EQ(hub_.Picture(), before) << "after a restart";
    hub_.Kill();
    hub_.DropDerivedData();
    Start();
    EXPECT_EQ(hub_.Picture(), before) << "without derived data";
    // Git is away, too.
    hub_.Kill();
    hub_.DropDerivedData();
    git_.SetFetchError(kUrl, SourceError(SourceReason::kRepositoryUnreachable, "no route"));
    Start();
    EXPECT_EQ(hub_.Picture(testing::TestHub::Reasons::kLeftOut), without_reasons) << "without Git";
    git_.SetFetchError(kUrl, absl::OkStatus());
    Poll();
    EXPECT_EQ(hub_.Picture(), before) << "with Git again";
  }
};

TEST_F(Rebuild, OfAnOrdinaryFleet) {
  ApplyAndSettle(DirectoriesSet("fleet"));
  ApplyAndSettle(Application("direct", "one"));
  ApplyAndSettle(ListSet("list", {"x one", "z two"}));
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, AfterDeletionsMovesAndReturns) {
  ApplyAndSettle(ListSet("list", {"x one", "z two", "w two"}));
  CatchUp();
  ApplyAndSettle(ListSet("list", {"x two", "z two"}));
  CatchUp();
  ApplyAndSettle(ListSet("list", {"x one", "z two", "w one"}));
  EXPECT_FALSE(hub_.records().pending_deletions().empty());
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, AfterCommitsThatTouchOtherPaths) {
  ApplyAndSettle(DirectoriesSet("fleet"));
  FakeGitSource::Files files = Apps({"a", "b"});
  for (int i = 0; i < 3; ++i) {
    files["README.md"] = {absl::StrCat(i)};
    Commit(files);
    Poll();
  }
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, AfterASetWasDeletedAndIsStillPending) {
  ApplyAndSettle(DirectoriesSet("fleet"));
  ASSERT_OK(hub_.Delete(WrittenKind::kApplicationSet, "leidang/fleet", 2));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_GE(hub_.records().pending_deletions().size(), 2u);
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, WhileAClusterIsBeingRemoved) {
  ApplyAndSettle(ListSet("list", {"x one", "z two"}));
  CatchUp();
  ASSERT_OK(hub_.DeleteCluster("one", intent::DeletionPolicy::kForeground));
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, WithProjectsThatCameAndWent) {
  const auto project = [](const std::string& name) {
    return "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: " + name +
           "}\nspec: {sourceRepos: ['*']}\n";
  };
  ApplyAndSettle(project("red") + "---\n" + project("blue"));
  const auto mine = [](const std::string& cluster, const std::string& project_name) {
    return Application("mine", cluster, "apps/a", "main", kUrl, project_name);
  };
  ApplyAndSettle(mine("one", "red"));
  CatchUp();
  ApplyAndSettle(mine("one", "blue"));
  ASSERT_TRUE(hub_.Settle());
  CatchUp();
  ApplyAndSettle(mine("two", "red"));
  ApplyAndSettle(mine("one", "red"));
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, NamesThatAreHeldAgainstTheOrderStayWhereTheyAre) {
  ApplyAndSettle(ListSet("old", {"own one"}));
  loop_.RunFor(absl::Minutes(1));
  ApplyAndSettle(ListSet("young", {"both two"}));
  ApplyAndSettle(ListSet("old", {"own one", "both one"}));
  ASSERT_EQ(hub_.store().Application("leidang/both")->set, "leidang/young");
  EXPECT_EQ(hub_.records().holdings().at("leidang/both").owner, "set leidang/young");
  ExpectTheSameWithoutDerivedData();
  EXPECT_THAT(hub_.SetConditions("leidang/old"), ElementsAre("ErrorOccurred=NameConflict"));

  ApplyAndSettle(ListSet("young", {"another two"}));
  EXPECT_EQ(hub_.store().Application("leidang/both")->set, "leidang/old");
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(hub_.records().holdings().empty()) << "nothing deviates any more";
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, AmongEqualsTheOrderDecidesEachTime) {
  ApplyAndSettle(ListSet("b", {"both one", "b1 one"}) + "---" +
                 ListSet("a", {"both two", "a1 one"}) + "---" +
                 ListSet("c", {"both one", "c1 one"}));
  ASSERT_EQ(hub_.store().Application("leidang/both")->set, "leidang/a");
  EXPECT_TRUE(hub_.records().holdings().empty());
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, WhatASetMayNotUpdateStaysAsItWas) {
  const std::string policy = "  syncPolicy: {applicationsSync: create-only}\n";
  ApplyAndSettle(DirectoriesSet("fleet", policy));
  Commit(Apps({"b", "c"}, "2"));
  Poll();
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b", "c"));
  EXPECT_EQ(hub_.records().holdings().size(), 2u) << "a, which is gone, and b, which is old";
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, ASetThatWaitsForRolloutsKeepsItsApplications) {
  ApplyAndSettle(DirectoriesSet("fleet"));
  ApplyAndSettle(DirectoriesSet("fleet", "  strategy: {type: RollingSync}\n"));
  Commit(Apps({"b", "c"}, "2"));
  Poll();
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
  ExpectTheSameWithoutDerivedData();
  ApplyAndSettle(DirectoriesSet("fleet"));
  EXPECT_TRUE(hub_.records().holdings().empty());
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("b", "c"));
}

TEST_F(Rebuild, WhatCannotBeResolvedAnyMoreStaysAssigned) {
  ApplyAndSettle(DirectoriesSet("fleet"));
  ApplyAndSettle(ListSet("list", {"x one", "z two"}));
  // A remote base, a destination that is gone from the set, and a name that nobody may have.
  FakeGitSource::Files files = Apps({"a", "b"});
  files["apps/a/kustomization.yaml"] = {"resources: ['https://github.com/example/base']\n"};
  Commit(files);
  Poll();
  ApplyAndSettle(ListSet("list", {"x nowhere", std::string(254, 'n') + " one"}));
  EXPECT_THAT(hub_.On("one"), ElementsAre("x"));
  EXPECT_THAT(hub_.On("two"), ElementsAre("z"));
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
  ExpectTheSameWithoutDerivedData();
  EXPECT_OK(hub_.store().GetContent(
      hub_.store()
          .Assignment(hub_.IdOf("in-cluster"), {intent::EntryKind::kApplication, "leidang/a"})
          ->assignment.sources[0]
          .tree))
      << "its files come back, too";

  Commit(Apps({"a", "b"}));
  Poll();
  ApplyAndSettle(ListSet("list", {"x one", "z two"}));
  EXPECT_TRUE(hub_.records().holdings().empty());
  ExpectTheSameWithoutDerivedData();
}

TEST_F(Rebuild, AnEmptyListThatIsHeldStaysHeld) {
  ApplyAndSettle(DirectoriesSet("fleet"));
  Commit({{"README.md", {"nothing"}}});
  Poll();
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
  ExpectTheSameWithoutDerivedData();
  EXPECT_THAT(hub_.SetConditions("leidang/fleet"), ElementsAre("DeletionsHeld=DeletionsHeld"));
}

// Random writes and commits, with kills at random steps.
class KillTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  class World : public FleetTest {
   public:
    // Half of them write each Application by itself.
    explicit World(uint64_t seed) : FleetTest(OptionsOf(seed)), random_(seed) {}
    void TestBody() override {}

    void Run() {
      Commit(SomeApps());
      Start();
      for (const char* name : kClusters) {
        ASSERT_OK(hub_.Register(name, "env=dev"));
        ASSERT_OK(hub_.Join(name));
      }
      for (int i = 0; i < 40 && !HasFailure(); ++i) {
        Act();
        const uint64_t steps = random_.Below(60);
        for (uint64_t step = 0; step < steps; ++step) loop_.Step();
        if (random_.Chance(1, 3)) KillAndStart();
        CheckUids();
      }
      ASSERT_TRUE(hub_.Settle());
      CheckAccepted();
      const std::string before = hub_.Picture();
      Restart();
      EXPECT_EQ(hub_.Picture(), before) << "after a restart";
      hub_.Kill();
      hub_.DropDerivedData();
      Start();
      EXPECT_EQ(hub_.Picture(), before) << "without derived data";
      CheckUids();
    }

   private:
    static constexpr const char* kClusters[] = {"in-cluster", "one", "two"};
    static constexpr const char* kApps[] = {"a", "b", "c", "d"};

    static testing::TestHub::Options OptionsOf(uint64_t seed) {
      testing::TestHub::Options options;
      if (seed % 2 == 1) options.part_bytes = 1;
      return options;
    }

    FakeGitSource::Files SomeApps() {
      std::vector<std::string> names;
      for (const char* name : kApps) {
        if (random_.Chance(2, 3)) names.push_back(name);
      }
      return Apps(names, absl::StrCat(random_.Below(2)));
    }

    std::string SomeSet(const std::string& name) {
      if (random_.Chance(1, 4)) {
        return DirectoriesSet(
            name, random_.Chance(1, 4) ? "  syncPolicy: {applicationsSync: create-only}\n" : "");
      }
      std::vector<std::string> elements;
      for (const char* app : kApps) {
        if (!random_.Chance(1, 2)) continue;
        elements.push_back(
            absl::StrCat(app, " ", random_.Chance(1, 8) ? "nowhere" : kClusters[random_.Below(3)]));
      }
      return ListSet(name, elements, random_.Chance(1, 6) ? "apps/none" : "apps/a");
    }

    void Act() {
      if (!hub_.up()) return;
      const std::string name = absl::StrCat("set", random_.Below(3));
      const std::string key = "leidang/" + name;
      switch (random_.Below(6)) {
        case 0:
          Commit(SomeApps());
          hub_.repositories().Refresh(std::nullopt);
          return;
        case 1:
          return Expect(key, std::nullopt, [&](std::function<void(bool)> done) {
            hub_.desk().Delete({WrittenKind::kApplicationSet, key}, Desk::kAnyNumber, std::nullopt,
                               kApiOwner, {"test", ""},
                               [done](const absl::StatusOr<uint64_t>& d) { done(d.ok()); });
          });
        case 2:
          return AgentOf(kClusters[random_.Below(3)]);
        default: {
          const std::string yaml = SomeSet(name);
          const object::Value manifest = yaml::ParseYaml(yaml, "set").value();
          Expect(key, yaml, [&](std::function<void(bool)> done) {
            hub_.desk().Apply({manifest}, kApiOwner, {"test", ""}, Desk::Mode::kApply,
                              [done](const std::vector<Desk::Applied>& applied) {
                                done(applied[0].outcome.ok());
                              });
          });
        }
      }
    }

    // An agent acknowledges and carries out, without waiting for the store.
    void AgentOf(const std::string& name) {
      const intent::ClusterId id = hub_.IdOf(name);
      const auto log = hub_.store().Log(id);
      if (!log.ok()) return;
      WriteBatch batch;
      batch.AckedThrough(id, log->authority, log->head);
      const auto tombstones = hub_.store().Tombstones(id);
      for (const PendingTombstone& pending : *tombstones)
        batch.ReportedGone(id, pending.tombstone.key, pending.tombstone.uid);
      hub_.store().Commit(std::move(batch), &loop_, [](const CommitResult&) {});
    }

    // What the ledger must have of the key once `start` has answered with true; before that it may
    // have either.
    void Expect(const std::string& key, const std::optional<std::string>& yaml,
                const std::function<void(std::function<void(bool)>)>& start) {
      const uint64_t number = ++number_;
      unanswered_[key].insert(number);
      start([this, key, yaml, number](bool accepted) {
        unanswered_[key].erase(number);
        if (!accepted) return;
        accepted_[key] = yaml;
      });
    }

    void KillAndStart() {
      hub_.Kill();
      // What was not answered may have been written or not; nothing is promised about the key.
      for (auto& [key, numbers] : unanswered_) {
        if (!numbers.empty()) accepted_.erase(key);
        numbers.clear();
      }
      if (random_.Chance(1, 4)) hub_.DropDerivedData();
      hub_.Start();
      if (random_.Chance(3, 4)) {
        ASSERT_TRUE(loop_.RunUntil([this] { return hub_.up(); }, absl::Minutes(1)));
      }
    }

    void CheckAccepted() {
      for (const auto& [key, yaml] : accepted_) {
        if (!unanswered_[key].empty()) continue;
        const WrittenObject* set = hub_.records().Object(WrittenKind::kApplicationSet, key);
        if (!yaml) {
          EXPECT_TRUE(set == nullptr) << key << " was deleted";
          continue;
        }
        ASSERT_NE(set, nullptr) << key << " was accepted";
        EXPECT_EQ(SpecOf(yaml::ParseYaml(*yaml, "set").value()),
                  SpecOf(*object::ParseJson(set->manifest)))
            << key;
      }
    }
    static std::string SpecOf(const object::Value& manifest) {
      return object::CanonicalJson(*object::Find(manifest, {"spec"}));
    }

    // A uid whose end was decided never lives again, and what has ended in the store was decided.
    void CheckUids() {
      if (!hub_.up()) return;
      for (const auto& [id, pending] : hub_.records().pending_deletions())
        ended_.insert({pending.cluster, pending.uid});
      for (const char* name : kClusters) {
        const intent::ClusterId cluster = hub_.IdOf(name);
        PageRequest page;
        const auto live = hub_.store().Assignments(cluster, page);
        if (!live.ok()) continue;
        for (const LiveAssignment& entry : live->items) {
          const bool decided = hub_.records().pending_deletions().contains(
              {cluster, entry.assignment.key, entry.assignment.uid});
          // Between ledger and store the old one may still be there.
          if (!decided) {
            EXPECT_THAT(ended_, ::testing::Not(Contains(std::pair(cluster, entry.assignment.uid))));
          }
        }
        const auto tombstones = hub_.store().Tombstones(cluster);
        for (const PendingTombstone& t : *tombstones)
          EXPECT_THAT(ended_, Contains(std::pair(cluster, t.tombstone.uid)));
      }
    }

    SeededRandom random_;
    uint64_t number_ = 0;
    std::map<std::string, std::optional<std::string>> accepted_;
    std::map<std::string, std::set<uint64_t>> unanswered_;
    std::set<std::pair<intent::ClusterId, intent::Uid>> ended_;
  };
};

TEST_P(KillTest, NothingThatWasAcceptedIsLostWheneverTheHubIsKilled) {
  for (uint64_t i = 0; i < 10; ++i) {
    const uint64_t seed = GetParam() * 1000 + i;
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    World(seed).Run();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, KillTest, ::testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace leidang::hub
