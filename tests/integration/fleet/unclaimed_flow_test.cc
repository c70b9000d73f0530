// What an agent holds and the hub does not account for: kept, shown, and ended or made the hub's
// own by a person alone.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "hub/ledger/identity_bundle.h"
#include "tests/integration/fleet/fleet_world.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using State = UnclaimedDesk::Entry::State;
using Written = UnclaimedDesk::Decided::Written;

// A hub that began anew with its identity, and was told of x but not of w, which its agent has.
class UnclaimedFlow : public FleetWorld {
 protected:
  static constexpr auto kForeground = intent::DeletionPolicy::kForeground;

  void SetUp() override {
    Commit(Apps({"a"}));
    Start();
    AddCluster("one", "env=dev");
    AddCluster("two", "env=dev");
    ApplyAndSettle(ListSet("list", {"x one", "w one", "z two"}));
    ASSERT_TRUE(InSync());
    uid_ = hub_.store().Application("leidang/w")->uid;
  }
  void BeginAnew() {
    const IdentityBundle bundle = *GatherIdentity(*hub_.ledger_disk().Reveal(nullptr));
    hub_.Kill();
    hub_.Restore({});
    ASSERT_OK(ImportIdentity(bundle, hub_random_, hub_.ledger_disk()));
    Start();
  }
  // What w is not part of any more, without that anybody decided its end.
  void LoseW() {
    BeginAnew();
    ApplyAndSettle(ListSet("list", {"x one", "z two"}));
    AcceptAll();
    ASSERT_THAT(Standing("one"), ElementsAre("w", "x"));
  }
  void AcceptAll() {
    loop_.RunFor(absl::Minutes(2));
    std::vector<Recovery::Accepted> accepted;
    for (const Recovery::State& state : hub_.recovery().States())
      accepted.push_back({state.name, state.difference->Digest()});
    bool done = accepted.empty();
    hub_.recovery().Accept(accepted, Recovery::Unsettled::kRefused, {"test", ""},
                           [&done](const absl::StatusOr<size_t>& count) { done = count.ok(); });
    ASSERT_TRUE(loop_.RunUntil([&done] { return done; }, absl::Minutes(1)));
    ASSERT_TRUE(InSync());
    loop_.RunFor(absl::Minutes(1));
  }

  std::vector<UnclaimedDesk::Entry> Listed(const std::string& cluster = "") {
    const auto listed = hub_.unclaimed().List(cluster, "");
    EXPECT_OK(listed.status());
    return listed.ok() ? listed->entries : std::vector<UnclaimedDesk::Entry>();
  }
  using Answer = absl::StatusOr<UnclaimedDesk::Decided>;
  Answer Release(const std::string& cluster, const std::string& name,
                 std::optional<intent::DeletionPolicy> policy = kForeground) {
    std::optional<Answer> answer;
    hub_.unclaimed().Release({cluster, "", name}, policy, {"test", "here"},
                             [&answer](const Answer& done) { answer = done; });
    loop_.RunUntil([&answer] { return answer.has_value(); }, absl::Minutes(1));
    return answer.value_or(absl::DeadlineExceededError("no answer"));
  }
  Answer Adopt(const std::string& cluster, const std::string& name) {
    std::optional<Answer> answer;
    hub_.unclaimed().Adopt({cluster, "", name}, {"test", "here"},
                           [&answer](const Answer& done) { answer = done; });
    loop_.RunUntil([&answer] { return answer.has_value(); }, absl::Minutes(1));
    return answer.value_or(absl::DeadlineExceededError("no answer"));
  }
  void Calm() {
    ASSERT_TRUE(hub_.Settle());
    ASSERT_TRUE(InSync());
    loop_.RunFor(absl::Minutes(1));
  }

  SeededRandom hub_random_{11};
  intent::Uid uid_;
};

TEST_F(UnclaimedFlow, ItIsKeptAndShownWithWhatItIs) {
  EXPECT_THAT(Listed(), IsEmpty());
  LoseW();
  for (const std::string cluster : {"", "one"}) {
    const auto listed = Listed(cluster);
    ASSERT_THAT(listed, SizeIs(1));
    EXPECT_EQ(listed[0].cluster_name, "one");
    EXPECT_EQ(listed[0].status.key.name, "leidang/w");
    EXPECT_EQ(listed[0].status.uid, uid_);
    EXPECT_EQ(listed[0].state, State::kKept);
    EXPECT_THAT(listed[0].why, HasSubstr("no set and no Application"));
    EXPECT_THAT(listed[0].source, HasSubstr("https://git.example/fleet.git"));
  }
  EXPECT_THAT(Listed("two"), IsEmpty());
  EXPECT_THAT(hub_.unclaimed().List("nowhere", ""), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(hub_.unclaimed().List("", "x"), StatusIs(absl::StatusCode::kInvalidArgument));
  // Nor does a restart, or a lost disk of derived data, make anything of it.
  Restart();
  LoseDerivedData();
  Calm();
  EXPECT_THAT(Listed(), SizeIs(1));
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));
}

TEST_F(UnclaimedFlow, ItEndsOnlyWhenItIsReleasedAndItsUidDoesNotComeBack) {
  LoseW();
  EXPECT_THAT(Release("one", "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("leidang unclaimed list")));
  EXPECT_THAT(Release("two", "w"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Release("nowhere", "w"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no cluster nowhere")));
  EXPECT_THAT(Release("one", "w", std::nullopt),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("--cascade orphan")));
  loop_.RunFor(absl::Minutes(1));
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));

  // The agent is away, and the hub is killed before it has heard.
  Agent("one").Kill();
  EXPECT_EQ(Release("one", "w")->ending, 1u);
  EXPECT_EQ(Release("one", "w")->ending, 0u) << "the same decision again";
  EXPECT_EQ(Listed("one")[0].state, State::kEnding);
  EXPECT_THAT(Adopt("one", "w"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("was released")));
  LoseDerivedData();
  Agent("one").Start();
  Calm();
  EXPECT_THAT(Standing("one"), ElementsAre("x"));
  EXPECT_EQ(Agent("one").deleted(), 1u);
  EXPECT_THAT(Listed(), IsEmpty());
  EXPECT_THAT(hub_.records().pending_deletions(), IsEmpty());

  ApplyAndSettle(ListSet("list", {"x one", "w one", "z two"}));
  Calm();
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));
  EXPECT_NE(hub_.store().Application("leidang/w")->uid, uid_);
}

TEST_F(UnclaimedFlow, AReleasedOneMayKeepItsObjects) {
  LoseW();
  EXPECT_EQ(Release("one", "w", intent::DeletionPolicy::kOrphan)->ending, 1u);
  Calm();
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));
  EXPECT_THAT(Agent("one").Unclaimed(), IsEmpty());
  EXPECT_THAT(Listed(), IsEmpty());
}

TEST_F(UnclaimedFlow, AdoptedItIsTheHubsUnderItsUidAndItsObjectsAreNotTouched) {
  LoseW();
  const auto before = AllTraffic();
  const auto adopted = Adopt("one", "w");
  ASSERT_OK(adopted);
  EXPECT_EQ(adopted->written, Written::kAsHeld);
  EXPECT_EQ(adopted->ending, 0u);
  Calm();
  EXPECT_THAT(Listed(), IsEmpty());
  EXPECT_THAT(Agent("one").Unclaimed(), IsEmpty());
  EXPECT_EQ(Agent("one").deleted(), 0u);
  const auto application = hub_.store().Application("leidang/w");
  ASSERT_OK(application);
  EXPECT_EQ(application->uid, uid_);
  EXPECT_EQ(application->set, "");
  EXPECT_EQ(SentSince(before, "one"), 1u) << "the agent has its content";
  // It is an Application like any other: it can be deleted.
  ASSERT_OK(hub_.Delete(WrittenKind::kApplication, "leidang/w", std::nullopt, kForeground));
  Calm();
  EXPECT_THAT(Standing("one"), ElementsAre("x"));
}

TEST_F(UnclaimedFlow, AnApplicationThatIsWrittenAgainClaimsIt) {
  LoseW();
  ApplyAndSettle(Application("w", "one"));
  Calm();
  EXPECT_THAT(Adopt("one", "w"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Listed(), IsEmpty());
  EXPECT_EQ(Agent("one").deleted(), 0u);
  EXPECT_EQ(hub_.store().Application("leidang/w")->uid, uid_);
}

TEST_F(UnclaimedFlow, ASetThatGivesItAgainClaimsItByItself) {
  LoseW();
  ApplyAndSettle(ListSet("list", {"x one", "w one", "z two"}));
  Calm();
  EXPECT_THAT(Listed(), IsEmpty());
  EXPECT_EQ(hub_.store().Application("leidang/w")->uid, uid_);
  EXPECT_EQ(Agent("one").deleted(), 0u);
}

TEST_F(UnclaimedFlow, ANamesakeOfTheHubTakesItsObjectsOver) {
  // The bundle is of a time when w had been deleted once more than the agent knows.
  LoseW();
  bool raised = false;
  hub_.records().Write(
      {change::RaiseDeletions{hub_.IdOf("one"), {intent::EntryKind::kApplication, "leidang/w"}, 5}},
      [&raised](const absl::Status& status) { raised = status.ok(); });
  ASSERT_TRUE(loop_.RunUntil([&raised] { return raised; }, absl::Minutes(1)));
  ApplyAndSettle(ListSet("list", {"x one", "w one", "z two"}));
  Calm();
  ASSERT_THAT(Listed(), SizeIs(1));
  EXPECT_THAT(Listed()[0].why, HasSubstr("another uid"));
  EXPECT_EQ(Adopt("one", "w")->ending, 1u);
  EXPECT_EQ(Adopt("one", "w")->ending, 0u) << "once more";
  Calm();
  EXPECT_THAT(Listed(), IsEmpty());
  EXPECT_THAT(Agent("one").Unclaimed(), IsEmpty());
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));
  EXPECT_EQ(Agent("one").deleted(), 0u);
  EXPECT_EQ(hub_.store().Application("leidang/w")->set, "leidang/list");
}

TEST_F(UnclaimedFlow, OneThatIsOfNoUidOfThisHubIsWrittenFirstAndTakenOverThen) {
  LoseW();
  bool raised = false;
  hub_.records().Write(
      {change::RaiseDeletions{hub_.IdOf("one"), {intent::EntryKind::kApplication, "leidang/w"}, 5}},
      [&raised](const absl::Status& status) { raised = status.ok(); });
  ASSERT_TRUE(loop_.RunUntil([&raised] { return raised; }, absl::Minutes(1)));
  EXPECT_EQ(Adopt("one", "w")->written, Written::kAnew);
  Calm();
  EXPECT_EQ(Adopt("one", "w")->ending, 1u);
  Calm();
  EXPECT_THAT(Listed(), IsEmpty());
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));
  EXPECT_EQ(Agent("one").deleted(), 0u);
}

TEST_F(UnclaimedFlow, ANameThatTheHubHasElsewhereIsNotAdopted) {
  LoseW();
  ApplyAndSettle(ListSet("list", {"x one", "w two", "z two"}));
  Calm();
  ASSERT_THAT(Listed(), SizeIs(1));
  EXPECT_THAT(Listed()[0].why, HasSubstr("on cluster two"));
  EXPECT_THAT(Adopt("one", "w"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("on cluster two")));
  EXPECT_EQ(Release("one", "w")->ending, 1u);
  Calm();
  EXPECT_THAT(Standing("one"), ElementsAre("x"));
  EXPECT_THAT(Standing("two"), ElementsAre("w", "z"));
  EXPECT_OK(hub_.store().Application("leidang/w").status());
}

TEST_F(UnclaimedFlow, NothingIsDecidedWhileTheClusterIsRecovering) {
  LoseW();
  BeginAnew();
  EXPECT_THAT(Release("one", "w"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("leidang recover")));
  EXPECT_THAT(Adopt("one", "w"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(UnclaimedFlow, AfterAReleaseAnApplicationThatWaitedForItsPlaceGetsAnotherUid) {
  BeginAnew();
  ApplyAndSettle(ListSet("list", {"x one", "w nowhere", "z two"}));
  AcceptAll();
  ASSERT_EQ(hub_.store().Application("leidang/w")->uid, uid_) << "without a cluster";
  ASSERT_THAT(Listed(), SizeIs(1));
  EXPECT_THAT(Listed()[0].why, HasSubstr("not assigned to a cluster"));
  // Its agent is away: what was decided stands for long.
  Agent("one").Kill();
  EXPECT_EQ(Release("one", "w")->ending, 1u);
  ApplyAndSettle(ListSet("list", {"x one", "w one", "z two", "v two"}));
  EXPECT_THAT(hub_.On("one"), ElementsAre("w", "x"));
  EXPECT_THAT(hub_.On("two"), ElementsAre("v", "z"));
  EXPECT_NE(hub_.store().Application("leidang/w")->uid, uid_);
  LoseDerivedData();
  Agent("one").Start();
  Calm();
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));
  EXPECT_THAT(Listed(), IsEmpty());
}

}  // namespace
}  // namespace leidang::hub
