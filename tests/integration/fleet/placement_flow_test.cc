// A matrix of directories and clusters with a label selector: where each app comes to stand, and
// that a label moves only what it should.

#include <map>
#include <string>

#include "gmock/gmock.h"

#include "tests/integration/fleet/fleet_world.h"

namespace leidang::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kMatrix[] = R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: matrix}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
  - matrix:
      generators:
      - git:
          repoURL: https://git.example/fleet.git
          revision: main
          directories: [{path: apps/*}]
      - clusters:
          selector: {matchLabels: {env: dev}}
  template:
    metadata: {name: '{{.path.basename}}-{{.name}}'}
    spec:
      project: default
      source: {repoURL: 'https://git.example/fleet.git', targetRevision: main, path: '{{.path.path}}'}
      destination: {server: '{{.server}}', namespace: default}
)";

class PlacementFlow : public FleetWorld {
 protected:
  void StartFleet() {
    Commit(Apps({"a", "b"}));
    Start();
    AddCluster("dev-1", "env=dev,zone=eu");
    AddCluster("dev-2", "env=dev");
    AddCluster("live", "env=production");
    ApplyAndSettle(kMatrix);
    ASSERT_TRUE(InSync());
  }
  // Revision and digest of each cluster's intent.
  std::map<std::string, std::string> Intents() {
    std::map<std::string, std::string> all;
    for (const char* name : {"dev-1", "dev-2", "live"}) {
      const intent::ClusterId id = hub_.IdOf(name);
      all[name] = absl::StrCat(hub_.store().Log(id)->head, " ", hub_.store().Root(id)->Hex());
    }
    return all;
  }
};

TEST_F(PlacementFlow, EachAppStandsWhereTheSelectorSays) {
  StartFleet();
  EXPECT_THAT(Standing("dev-1"), ElementsAre("a-dev-1", "b-dev-1"));
  EXPECT_THAT(Standing("dev-2"), ElementsAre("a-dev-2", "b-dev-2"));
  EXPECT_THAT(Standing("live"), IsEmpty());
}

TEST_F(PlacementFlow, ALabelThatBringsAClusterInMovesNothingElse) {
  StartFleet();
  const auto intents = Intents();
  const auto before = AllTraffic();
  ASSERT_OK(hub_.Register("live", "env=dev"));
  ASSERT_TRUE(InSync());
  EXPECT_THAT(Standing("live"), ElementsAre("a-live", "b-live"));
  for (const char* name : {"dev-1", "dev-2"}) {
    EXPECT_EQ(Intents().at(name), intents.at(name)) << name;
    EXPECT_EQ(SentSince(before, name), 0u) << name;
  }
}

TEST_F(PlacementFlow, ALabelThatTakesAClusterOutMovesNothingElse) {
  StartFleet();
  const auto intents = Intents();
  const auto before = AllTraffic();
  ASSERT_OK(hub_.Register("dev-2", "env=production"));
  ASSERT_TRUE(InSync());
  EXPECT_THAT(Standing("dev-2"), IsEmpty());
  EXPECT_EQ(Agent("dev-2").deleted(), 2u);
  for (const char* name : {"dev-1", "live"}) {
    EXPECT_EQ(Intents().at(name), intents.at(name)) << name;
    EXPECT_EQ(SentSince(before, name), 0u) << name;
  }
}

TEST_F(PlacementFlow, ALabelThatNoSelectorNamesMovesNothingAtAll) {
  StartFleet();
  const auto intents = Intents();
  const auto before = AllTraffic();
  ASSERT_OK(hub_.Register("dev-1", "env=dev,zone=us,team=red"));
  ASSERT_TRUE(InSync());
  EXPECT_EQ(Intents(), intents);
  for (const char* name : {"dev-1", "dev-2", "live"}) EXPECT_EQ(SentSince(before, name), 0u);
}

TEST_F(PlacementFlow, AClusterThatJoinsGetsItsAppsAndTheOthersHearNothing) {
  StartFleet();
  const auto intents = Intents();
  const auto before = AllTraffic();
  AddCluster("dev-3", "env=dev");
  ASSERT_TRUE(InSync());
  EXPECT_THAT(Standing("dev-3"), ElementsAre("a-dev-3", "b-dev-3"));
  EXPECT_EQ(Intents(), intents);
  for (const auto& [name, traffic] : before) EXPECT_EQ(SentSince(before, name), 0u) << name;
}

TEST_F(PlacementFlow, ADirectoryThatComesIsOnePutForEachClusterThatIsSelected) {
  StartFleet();
  const auto before = AllTraffic();
  Commit(Apps({"a", "b", "c"}));
  Poll();
  ASSERT_TRUE(InSync());
  EXPECT_EQ(TrafficOf("dev-1").puts, before.at("dev-1").puts + 1);
  EXPECT_EQ(TrafficOf("dev-2").puts, before.at("dev-2").puts + 1);
  EXPECT_EQ(SentSince(before, "live"), 0u);
  EXPECT_THAT(Standing("dev-1"), ElementsAre("a-dev-1", "b-dev-1", "c-dev-1"));
}

TEST_F(PlacementFlow, ADirectoryThatGoesIsOneTombstoneForEachClusterThatIsSelected) {
  StartFleet();
  const auto before = AllTraffic();
  Commit(Apps({"a"}));
  Poll();
  ASSERT_TRUE(InSync());
  for (const char* name : {"dev-1", "dev-2"}) {
    EXPECT_EQ(TrafficOf(name).puts, before.at(name).puts) << name;
    EXPECT_EQ(TrafficOf(name).tombstones, before.at(name).tombstones + 1) << name;
  }
  EXPECT_THAT(Standing("dev-1"), ElementsAre("a-dev-1"));
}

}  // namespace
}  // namespace leidang::hub
