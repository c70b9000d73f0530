// A hub that lost its disk, or went back to an older one, with agents that hold what it once said:
// nothing is added and nothing deleted before what differs is nothing, or was accepted.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"

#include "hub/ledger/identity_bundle.h"
#include "hub/source/source_error.h"
#include "tests/integration/fleet/fleet_world.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RecoveryFlow : public FleetWorld {
 protected:
  static constexpr const char* kNames[] = {"in-cluster", "one", "two"};

  void ApplyAll() {
    ApplyAndSettle(DirectoriesSet("fleet"));
    ApplyAndSettle(ListSet("list", {"x one", "w one", "z two"}));
    ApplyAndSettle(Application("direct", "two"));
  }
  void StartFleet() {
    Commit(Apps({"a", "b"}));
    Start();
    for (const char* name : kNames) AddCluster(name, "env=dev");
    ApplyAll();
    ASSERT_TRUE(InSync());
  }

  IdentityBundle Export() { return *GatherIdentity(*hub_.ledger_disk().Reveal(nullptr)); }
  // The machine of the hub burns; another one begins with the bundle.
  void BeginAnewWith(const IdentityBundle& bundle) {
    hub_.Kill();
    hub_.Restore({});
    ASSERT_OK(ImportIdentity(bundle, hub_random_, hub_.ledger_disk()));
    Start();
  }
  void GoBackTo(testing::TestHub::Disks disks) {
    hub_.Kill();
    hub_.Restore(std::move(disks));
  }

  // Waits until every agent has been asked, and its answer stands.
  std::map<std::string, Difference> Differences() {
    std::map<std::string, Difference> found;
    loop_.RunFor(absl::Minutes(2));
    for (const Recovery::State& state : hub_.recovery().States()) {
      if (state.difference) found[state.name] = *state.difference;
    }
    return found;
  }
  absl::StatusOr<size_t> Accept(const std::map<std::string, Difference>& differences,
                                Recovery::Unsettled unsettled = Recovery::Unsettled::kRefused) {
    std::vector<Recovery::Accepted> accepted;
    for (const auto& [name, difference] : differences)
      accepted.push_back({name, difference.Digest()});
    std::optional<absl::StatusOr<size_t>> result;
    hub_.recovery().Accept(accepted, unsettled, {"test", ""},
                           [&result](const absl::StatusOr<size_t>& done) { result = done; });
    loop_.RunUntil([&result] { return result.has_value(); }, absl::Minutes(1));
    return result.value_or(absl::DeadlineExceededError("no answer"));
  }

  std::map<std::string, std::vector<std::string>> AllStanding() {
    std::map<std::string, std::vector<std::string>> all;
    for (const char* name : kNames) all[name] = Standing(name);
    return all;
  }
  void ExpectNothingWasSent(const std::map<std::string, testing::Traffic>& before) {
    for (const char* name : kNames) EXPECT_EQ(SentSince(before, name), 0u) << name;
    ExpectNothingWasDeleted();
  }
  void ExpectNothingWasDeleted() {
    for (const char* name : kNames) EXPECT_EQ(Agent(name).deleted(), 0u) << name;
  }

  SeededRandom hub_random_{11};
};

TEST_F(RecoveryFlow, AnImportedHubSendsNothingToAgentsThatHoldWhatGitSays) {
  StartFleet();
  const auto before = AllTraffic();
  const std::string picture = hub_.Picture();
  BeginAnewWith(Export());
  // It does not know a single set yet.
  std::map<std::string, Difference> differences = Differences();
  ASSERT_THAT(differences, SizeIs(3));
  EXPECT_THAT(differences["in-cluster"].keep, SizeIs(3)) << "two Applications and a project";
  EXPECT_EQ(ViewOf("one").session_epoch, 0u) << "nobody is let in";
  ExpectNothingWasSent(before);

  ApplyAll();
  ASSERT_TRUE(InSync());
  EXPECT_THAT(hub_.recovery().States(), IsEmpty()) << "nothing differs, so nobody is asked";
  EXPECT_EQ(hub_.Picture(), picture);
  ExpectNothingWasSent(before);
  // And the fleet goes on.
  ApplyAndSettle(ListSet("list", {"x one", "z two"}));
  ASSERT_TRUE(InSync());
  EXPECT_THAT(Standing("one"), ElementsAre("x"));
}

TEST_F(RecoveryFlow, ACountOfDeletionsThatTheBundleLacksIsTakenFromTheAgents) {
  StartFleet();
  const IdentityBundle bundle = Export();
  ApplyAndSettle(ListSet("list", {"x one", "z two"}));
  ASSERT_TRUE(InSync());
  ApplyAndSettle(ListSet("list", {"x one", "w one", "z two"}));
  ASSERT_TRUE(InSync());
  ASSERT_EQ(Agent("one").deleted(), 1u);
  const auto before = AllTraffic();
  const std::string picture = hub_.Picture();

  BeginAnewWith(bundle);
  ApplyAll();
  std::map<std::string, Difference> differences = Differences();
  ASSERT_THAT(differences, SizeIs(1)) << "the others have gone on";
  const Difference& one = differences["one"];
  ASSERT_THAT(one.other_uid, SizeIs(1));
  EXPECT_EQ(one.other_uid[0].key.name, "leidang/w");
  EXPECT_THAT(one.add, IsEmpty());
  EXPECT_THAT(one.keep, IsEmpty());
  ASSERT_EQ(*Accept(differences), 1u);
  ASSERT_TRUE(InSync());
  EXPECT_EQ(hub_.Picture(), picture) << "the same uids";
  for (const char* name : kNames) EXPECT_EQ(SentSince(before, name), 0u) << name;
  EXPECT_EQ(Agent("one").deleted(), 1u);
  EXPECT_THAT(Agent("one").Unclaimed(), IsEmpty());

  // The one that was adopted can end.
  ApplyAndSettle(ListSet("list", {"x one", "z two"}));
  ASSERT_TRUE(InSync());
  EXPECT_THAT(Standing("one"), ElementsAre("x"));
  EXPECT_EQ(Agent("one").deleted(), 2u);
}

TEST_F(RecoveryFlow, ARestoredBackupIsBroughtToCurrentGitBeforeAnyAgentHearsOfIt) {
  StartFleet();
  testing::TestHub::Disks backup = hub_.Backup();
  FakeGitSource::Files files = Apps({"b"});
  files["apps/b/cm.yaml"] = {ConfigMap("b", "2")};
  Commit(files);
  Poll();
  ASSERT_TRUE(InSync());
  EXPECT_THAT(Standing("in-cluster"), ElementsAre("b"));
  const auto before = AllTraffic();
  const uint64_t deleted = Agent("in-cluster").deleted();

  GoBackTo(std::move(backup));
  ASSERT_OK(MarkAllRecovering(hub_.ledger_disk()));
  Start();
  ASSERT_TRUE(InSync());
  EXPECT_THAT(hub_.recovery().States(), IsEmpty());
  for (const char* name : kNames) {
    EXPECT_EQ(TrafficOf(name).puts, before.at(name).puts) << name;
    EXPECT_EQ(TrafficOf(name).contents, before.at(name).contents) << name;
  }
  EXPECT_EQ(Agent("in-cluster").deleted(), deleted);
  EXPECT_THAT(Standing("in-cluster"), ElementsAre("b"));
}

TEST_F(RecoveryFlow, AnOlderHubThatNobodyMarkedIsHeldByWhatItsAgentsSay) {
  StartFleet();
  testing::TestHub::Disks backup = hub_.Backup();
  Commit(Apps({"a", "b", "c"}));
  Poll();
  ASSERT_TRUE(InSync());
  const auto before = AllTraffic();
  GoBackTo(std::move(backup));
  git_.SetFetchError(kUrl, SourceError(SourceReason::kRepositoryUnreachable, "no route"));
  Start();
  std::map<std::string, Difference> differences = Differences();
  ASSERT_THAT(differences, SizeIs(1)) << "only one cluster has more than the hub";
  EXPECT_THAT(differences["in-cluster"].keep, SizeIs(1));
  EXPECT_THAT(Standing("in-cluster"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Accept(differences),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("being expanded")));
  ExpectNothingWasSent(before);
  // It is remembered.
  hub_.Kill();
  Start();
  loop_.RunFor(absl::Seconds(10));
  EXPECT_EQ(hub_.held().count(hub_.IdOf("in-cluster")), 1u);

  git_.SetFetchError(kUrl, absl::OkStatus());
  Poll();
  ASSERT_TRUE(InSync());
  EXPECT_THAT(hub_.held(), IsEmpty());
  ExpectNothingWasSent(before);
  EXPECT_THAT(Standing("in-cluster"), ElementsAre("a", "b", "c"));
}

TEST_F(RecoveryFlow, APersonMayGoOnWithoutGitAndWhatTheHubDoesNotKnowIsKept) {
  StartFleet();
  testing::TestHub::Disks backup = hub_.Backup();
  Commit(Apps({"a", "b", "c"}));
  Poll();
  ASSERT_TRUE(InSync());
  GoBackTo(std::move(backup));
  ASSERT_OK(MarkAllRecovering(hub_.ledger_disk()));
  git_.SetFetchError(kUrl, SourceError(SourceReason::kRepositoryUnreachable, "no route"));
  Start();
  const std::map<std::string, Difference> differences = Differences();
  ASSERT_THAT(differences, SizeIs(3)) << "not even equal ones go on: more may differ";
  ASSERT_EQ(*Accept(differences, Recovery::Unsettled::kAccepted), 3u);
  ASSERT_TRUE(InSync());
  EXPECT_THAT(Standing("in-cluster"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Agent("in-cluster").Unclaimed(), ElementsAre("c"));
  ExpectNothingWasDeleted();
}

TEST_F(RecoveryFlow, AHubThatIsKilledAtAnyStepOfARecoveryDeletesNothing) {
  StartFleet();
  const IdentityBundle bundle = Export();
  ApplyAndSettle(ListSet("list", {"x one", "z two"}));
  ASSERT_TRUE(InSync());
  ApplyAndSettle(ListSet("list", {"x one", "w one", "z two"}));
  ASSERT_TRUE(InSync());
  const auto standing = AllStanding();
  const auto before = AllTraffic();
  BeginAnewWith(bundle);
  ApplyAll();
  for (int kills = 0; kills < 40; ++kills) {
    loop_.RunFor(absl::Minutes(2));
    std::map<std::string, Difference> differences;
    for (const Recovery::State& state : hub_.recovery().States()) {
      if (state.difference) differences[state.name] = *state.difference;
    }
    std::vector<Recovery::Accepted> accepted;
    for (const auto& [name, difference] : differences)
      accepted.push_back({name, difference.Digest()});
    if (accepted.empty()) break;
    hub_.recovery().Accept(accepted, Recovery::Unsettled::kRefused, {"test", ""},
                           [](const absl::StatusOr<size_t>&) {});
    loop_.RunFor(absl::Microseconds(250 * kills));
    hub_.Kill();
    Start();
    EXPECT_EQ(AllStanding(), standing) << kills;
  }
  ASSERT_TRUE(InSync());
  EXPECT_THAT(hub_.recovery().States(), IsEmpty());
  EXPECT_EQ(AllStanding(), standing);
  for (const char* name : kNames) EXPECT_EQ(SentSince(before, name), 0u) << name;
  EXPECT_EQ(Agent("one").deleted(), 1u);
}

TEST_F(RecoveryFlow, AForeignHubAddsAndDeletesNothingUntilAPersonAtTheClusterTrustsIt) {
  StartFleet();
  IdentityBundle bundle = Export();
  bundle.hub = *intent::HubId::FromRaw("another, foreign");
  for (ClusterRegistration& cluster : bundle.clusters) cluster.log.hub = bundle.hub;
  const auto standing = AllStanding();
  const auto before = AllTraffic();
  BeginAnewWith(bundle);
  ApplyAll();
  std::map<std::string, Difference> differences = Differences();
  ASSERT_THAT(differences, SizeIs(3));
  // A person at the hub alone cannot decide it.
  ASSERT_EQ(*Accept(differences), 3u);
  loop_.RunFor(absl::Minutes(5));
  ExpectNothingWasSent(before);
  EXPECT_EQ(AllStanding(), standing);
  const std::optional<agent::Refusal> refusal = Agent("one").link().refusal;
  ASSERT_TRUE(refusal.has_value());
  EXPECT_THAT(refusal->message, HasSubstr("leidang-agent trust-hub " + bundle.hub.Hex()));

  Agent("one").Trust(bundle.hub);
  ASSERT_TRUE(loop_.RunUntil([this] { return ViewOf("one").verdict == LinkVerdict::kInSync; },
                             absl::Minutes(5)));
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));
  EXPECT_EQ(Agent("one").deleted(), 0u);
  EXPECT_EQ(SentSince(before, "two"), 0u);
  EXPECT_EQ(AllStanding(), standing);
}

}  // namespace
}  // namespace leidang::hub
