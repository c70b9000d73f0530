#include "hub/control/assigner.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/conditions/types.h"
#include "common/proof/bucketed_digest.h"
#include "hub/control/plan_writer.h"

namespace leidang::hub {
namespace {

using conditions::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
const absl::Time kEarlier = kNow - absl::Hours(3);

intent::HubId Hub() { return *intent::HubId::FromRaw("hub-hub-hub-hub-"); }
intent::ClusterId Cluster(char c) { return *intent::ClusterId::FromRaw(std::string(16, c)); }
intent::EntryKey Entry(const std::string& key) { return {intent::EntryKind::kApplication, key}; }
intent::Uid UidAfter(const std::string& key, uint64_t deletions) {
  return intent::ComputeUid(Hub(), Entry(key), deletions);
}

constexpr char kForegroundManifest[] =
    R"({"metadata":{"finalizers":["resources-finalizer.argocd.argoproj.io"]}})";

DesiredApplication Desired(const std::string& name, char cluster, const std::string& body = "{}") {
  DesiredApplication desired;
  desired.key = absl::StrCat("leidang/", name);
  desired.project = "default";
  desired.manifest = kForegroundManifest;
  desired.cluster = Cluster(cluster);
  desired.body = body;
  desired.content = proof::ElementOf({{}, {}, desired.body, desired.sources});
  return desired;
}

DesiredApplication WithProblem(DesiredApplication desired) {
  desired.problem = Problem{conditions::kComparisonError, Reason::kPathNotFound, "no such path"};
  return desired;
}

// The record that a plan makes for `desired` at the start.
DerivedApplication Record(const DesiredApplication& desired, uint64_t deletions = 0) {
  DerivedApplication record;
  record.key = desired.key;
  record.set = "leidang/shop";
  record.uid = UidAfter(desired.key, deletions);
  record.cluster = desired.cluster;
  record.project = desired.project;
  record.manifest = desired.manifest;
  record.content = desired.content;
  return record;
}

// A plan, and what it writes.
struct Planned : AssignPlan {
  WriteBatch batch;
  std::set<intent::ClusterId> placed;
};

// The ledger's side and what the owner wants; Plan() is one look.
struct Situation {
  Expansion expansion;
  std::vector<DerivedApplication> current;
  AssignRules rules;
  std::optional<intent::DeletionPolicy> ending;
  std::map<std::string, uint64_t> deletions;
  std::map<std::string, Standing> standing;
  std::map<std::string, std::string> held;
  std::set<std::string> braked;

  explicit Situation(std::vector<DesiredApplication> desired,
                     std::vector<DerivedApplication> has = {})
      : current(std::move(has)) {
    expansion.applications = std::move(desired);
    expansion.may_delete = true;
  }

  Planned Plan() const {
    AssignInput input{.expansion = expansion, .current = current};
    input.owner = "leidang/shop";
    input.rules = rules;
    input.ending = ending;
    input.hub = Hub();
    input.now = kNow;
    input.deletions = [this](const std::string& key) {
      const auto found = deletions.find(key);
      return found == deletions.end() ? 0 : found->second;
    };
    input.standing = [this](const DerivedApplication& application) {
      const auto found = standing.find(application.key);
      return found == standing.end() ? Standing{} : found->second;
    };
    input.held_by = [this](const std::string& key) -> std::optional<std::string> {
      const auto found = held.find(key);
      return found == held.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
    input.braked = braked;
    Planned plan;
    static_cast<AssignPlan&>(plan) = PlanAssignments(input);
    Expansion expanded = expansion;
    std::vector<DerivedApplication> before = current;
    PlanWriter writer(
        input.owner, plan.steps, expanded, before,
        [](const intent::ClusterId&, const std::set<std::string>&, WriteBatch*) {}, 1 << 20);
    while (!writer.done()) {
      PlanWriter::Part part = writer.Next();
      plan.batch.Append(std::move(part.batch));
      plan.placed.merge(part.placed);
    }
    return plan;
  }
};

// What a batch does, as words.
std::vector<std::string> Words(const WriteBatch& batch) {
  std::vector<std::string> words;
  for (const op::Any& any : batch.ops()) {
    if (const auto* put = std::get_if<op::Put>(&any)) {
      words.push_back(
          absl::StrCat("put ", put->assignment.key.name, " on ", put->cluster.Raw().substr(0, 1)));
    } else if (const auto* end = std::get_if<op::Delete>(&any)) {
      words.push_back(
          absl::StrCat("end ", end->tombstone.key.name, " on ", end->cluster.Raw().substr(0, 1)));
    } else if (const auto* record = std::get_if<op::PutApplication>(&any)) {
      words.push_back(absl::StrCat("record ", record->application.key));
    } else if (const auto* gone = std::get_if<op::DeleteApplication>(&any)) {
      words.push_back(absl::StrCat("drop ", gone->key));
    } else {
      words.push_back("something else");
    }
  }
  return words;
}

template <typename Op>
const Op& Only(const WriteBatch& batch) {
  for (const op::Any& any : batch.ops()) {
    if (const auto* found = std::get_if<Op>(&any)) return *found;
  }
  ADD_FAILURE() << "no such operation";
  static const Op kNone{};
  return kNone;
}

TEST(Assigner, CreatesWhatIsNewUnderTheUidThatItsDeletionsGive) {
  Situation s({Desired("a", '1')});
  s.deletions["leidang/a"] = 2;
  const Planned plan = s.Plan();
  EXPECT_THAT(Words(plan.batch), ElementsAre("put leidang/a on 1", "record leidang/a"));
  EXPECT_EQ(Only<op::Put>(plan.batch).assignment.uid, UidAfter("leidang/a", 2));
  EXPECT_EQ(Only<op::PutApplication>(plan.batch).application.uid, UidAfter("leidang/a", 2));
  EXPECT_THAT(plan.taken, ElementsAre("leidang/a"));
  EXPECT_EQ(plan.created, 1u);
  EXPECT_THAT(plan.placed, ElementsAre(Cluster('1')));
}

TEST(Assigner, WritesNothingWhereNothingChanged) {
  const DesiredApplication a = Desired("a", '1');
  const Planned plan = Situation({a}, {Record(a)}).Plan();
  EXPECT_TRUE(plan.empty());
  EXPECT_EQ(plan.kept, 1u);
}

TEST(Assigner, KeepsTheUidOfAnUpdate) {
  const DesiredApplication before = Desired("a", '1', "{\"spec\":1}");
  const Planned plan = Situation({Desired("a", '1', "{\"spec\":2}")}, {Record(before, 4)}).Plan();
  EXPECT_THAT(Words(plan.batch), ElementsAre("put leidang/a on 1", "record leidang/a"));
  EXPECT_EQ(Only<op::Put>(plan.batch).assignment.uid, UidAfter("leidang/a", 4));
  EXPECT_EQ(plan.updated, 1u);
}

TEST(Assigner, DeletesWhatIsNoLongerWanted) {
  const DesiredApplication a = Desired("a", '1');
  const DesiredApplication b = Desired("b", '1');
  const Planned plan = Situation({a}, {Record(a), Record(b)}).Plan();
  EXPECT_THAT(Words(plan.batch), ElementsAre("end leidang/b on 1", "drop leidang/b"));
  ASSERT_EQ(plan.deletions.size(), 1u);
  EXPECT_EQ(plan.deletions[0],
            (Deletion{"leidang/b", Cluster('1'), UidAfter("leidang/b", 0),
                      intent::DeletionPolicy::kForeground, Deletion::Why::kNotWanted}));
  EXPECT_THAT(plan.released, ElementsAre("leidang/b"));
}

TEST(Assigner, DeletesNothingUnlessTheExpansionSaysAll) {
  const DesiredApplication a = Desired("a", '1');
  Situation s({a}, {Record(a), Record(Desired("b", '1'))});
  s.expansion.may_delete = false;
  const Planned plan = s.Plan();
  EXPECT_TRUE(plan.empty());
  EXPECT_THAT(plan.released, IsEmpty());
  EXPECT_THAT(plan.held_back, ElementsAre("leidang/b"));
}

TEST(Assigner, DeletesNothingWhereThePolicyForbidsIt) {
  Situation s({}, {Record(Desired("b", '1'))});
  s.rules.remove = false;
  EXPECT_TRUE(s.Plan().empty());
  EXPECT_THAT(s.Plan().held_back, ElementsAre("leidang/b"));
}

TEST(Assigner, WhatABrakeHoldsStaysAsItIs) {
  const std::vector<DerivedApplication> two = {Record(Desired("a", '1')),
                                               Record(Desired("b", '1'))};
  Situation s({}, two);
  EXPECT_EQ(s.Plan().removed, 2u) << "whether that is too many is for the brakes to say";
  s.braked = {"leidang/a", "leidang/b"};
  const Planned held = s.Plan();
  EXPECT_THAT(held.deletions, IsEmpty());
  EXPECT_THAT(Words(held.batch), ElementsAre("record leidang/a", "record leidang/b"));
  EXPECT_EQ(Only<op::PutApplication>(held.batch).application.conditions[0].reason, "DeletionsHeld");
  EXPECT_THAT(held.held_back, ElementsAre("leidang/a", "leidang/b"));
}

TEST(Assigner, AProblemKeepsTheAssignmentAndShowsACondition) {
  const DesiredApplication a = Desired("a", '1');
  const Planned plan =
      Situation({WithProblem(Desired("a", '2', "{\"other\":1}"))}, {Record(a)}).Plan();
  EXPECT_THAT(Words(plan.batch), ElementsAre("record leidang/a"));
  const DerivedApplication& record = Only<op::PutApplication>(plan.batch).application;
  EXPECT_EQ(record.cluster, Cluster('1'));
  EXPECT_EQ(record.content, a.content);
  ASSERT_EQ(record.conditions.size(), 1u);
  EXPECT_EQ(record.conditions[0].reason, "PathNotFound");
  EXPECT_EQ(record.conditions[0].since, kNow);
  EXPECT_THAT(plan.held_back, ElementsAre("leidang/a"));
}

TEST(Assigner, AConditionThatStaysKeepsItsTimeAndIsNotWrittenAgain) {
  DerivedApplication before = Record(Desired("a", '1'));
  before.conditions = {{conditions::kComparisonError, ConditionStatus::kTrue, "PathNotFound",
                        "no such path", kEarlier}};
  EXPECT_TRUE(Situation({WithProblem(Desired("a", '1'))}, {before}).Plan().batch.empty());

  before.conditions[0].message = "told otherwise";
  const Planned plan = Situation({WithProblem(Desired("a", '1'))}, {before}).Plan();
  EXPECT_EQ(Only<op::PutApplication>(plan.batch).application.conditions[0].since, kEarlier);
}

TEST(Assigner, AConditionGoesWithItsProblemAndThePutIsNotRepeated) {
  const DesiredApplication a = Desired("a", '1');
  DerivedApplication before = Record(a);
  before.conditions = {{conditions::kComparisonError, ConditionStatus::kTrue, "PathNotFound",
                        "no such path", kEarlier}};
  const Planned plan = Situation({a}, {before}).Plan();
  EXPECT_THAT(Words(plan.batch), ElementsAre("record leidang/a"));
  EXPECT_THAT(Only<op::PutApplication>(plan.batch).application.conditions, IsEmpty());
}

TEST(Assigner, WhatCannotBeResolvedAtFirstIsShownAndAssignedLater) {
  const Planned first = Situation({WithProblem(Desired("a", '1'))}).Plan();
  EXPECT_THAT(Words(first.batch), ElementsAre("record leidang/a"));
  const DerivedApplication record = Only<op::PutApplication>(first.batch).application;
  EXPECT_TRUE(record.cluster.IsNone());
  const Planned second = Situation({Desired("a", '1')}, {record}).Plan();
  EXPECT_THAT(Words(second.batch), ElementsAre("put leidang/a on 1", "record leidang/a"));
  EXPECT_EQ(Only<op::Put>(second.batch).assignment.uid, UidAfter("leidang/a", 0));
}

TEST(Assigner, AMoveIsATombstoneInOneLogAndAPutUnderANewUidInTheOther) {
  const DesiredApplication before = Desired("a", '1');
  Situation s({Desired("a", '2')}, {Record(before)});
  const Planned plan = s.Plan();
  EXPECT_THAT(Words(plan.batch),
              ElementsAre("end leidang/a on 1", "put leidang/a on 2", "record leidang/a"));
  EXPECT_EQ(Only<op::Put>(plan.batch).assignment.uid, UidAfter("leidang/a", 1));
  ASSERT_EQ(plan.deletions.size(), 1u);
  EXPECT_EQ(plan.deletions[0].uid, UidAfter("leidang/a", 0));
  EXPECT_EQ(plan.deletions[0].why, Deletion::Why::kMoved);
  EXPECT_EQ(plan.moved, 1u);
}

TEST(Assigner, AMoveThatWasDecidedButNotCommittedComesToTheSameUid) {
  Situation s({Desired("a", '2')}, {Record(Desired("a", '1'))});
  const intent::Uid first = Only<op::Put>(s.Plan().batch).assignment.uid;
  // The ledger has it, the store does not.
  s.deletions["leidang/a"] = 1;
  s.standing["leidang/a"] = {Standing::Kind::kEnded, intent::DeletionPolicy::kForeground};
  const Planned again = s.Plan();
  EXPECT_THAT(again.deletions, IsEmpty());
  EXPECT_THAT(Words(again.batch),
              ElementsAre("end leidang/a on 1", "put leidang/a on 2", "record leidang/a"));
  EXPECT_EQ(Only<op::Put>(again.batch).assignment.uid, first);
}

TEST(Assigner, ADeletionThatWasDecidedButNotCommittedIsNotDecidedTwice) {
  Situation s({}, {Record(Desired("a", '1'))});
  s.deletions["leidang/a"] = 1;
  s.standing["leidang/a"] = {Standing::Kind::kEnded, intent::DeletionPolicy::kBackground};
  const Planned plan = s.Plan();
  EXPECT_THAT(plan.deletions, IsEmpty());
  EXPECT_THAT(Words(plan.batch), ElementsAre("end leidang/a on 1", "drop leidang/a"));
  EXPECT_EQ(Only<op::Delete>(plan.batch).tombstone.policy, intent::DeletionPolicy::kBackground);
}

TEST(Assigner, NothingIsTakenFromAClusterThatIsGone) {
  Situation s({WithProblem(Desired("a", '1'))},
              {Record(Desired("a", '1')), Record(Desired("b", '1'))});
  s.deletions = {{"leidang/a", 1}, {"leidang/b", 1}};
  s.standing["leidang/a"] = {Standing::Kind::kClusterGone};
  s.standing["leidang/b"] = {Standing::Kind::kClusterGone};
  const Planned plan = s.Plan();
  EXPECT_THAT(Words(plan.batch), ElementsAre("record leidang/a", "drop leidang/b"));
  EXPECT_TRUE(Only<op::PutApplication>(plan.batch).application.cluster.IsNone());
  EXPECT_THAT(plan.deletions, IsEmpty());
  EXPECT_THAT(plan.held_back, IsEmpty());
}

TEST(Assigner, ANameThatAnotherHasIsAConditionAndNothingElse) {
  Situation s({Desired("a", '1'), Desired("b", '1')});
  s.held["leidang/a"] = "set leidang/older";
  const Planned plan = s.Plan();
  EXPECT_THAT(Words(plan.batch), ElementsAre("put leidang/b on 1", "record leidang/b"));
  EXPECT_THAT(plan.refused, ElementsAre("leidang/a"));
  EXPECT_THAT(plan.taken, ElementsAre("leidang/b"));
  ASSERT_EQ(plan.problems.size(), 1u);
  EXPECT_EQ(plan.problems[0].reason, Reason::kNameConflict);
  EXPECT_THAT(plan.problems[0].message, HasSubstr("set leidang/older"));
}

TEST(Assigner, CreateOnlyKeepsWhatExistsAsItIs) {
  const DesiredApplication a = Desired("a", '1');
  Situation s({Desired("a", '2', "{\"new\":1}"), Desired("b", '1')}, {Record(a)});
  s.rules = {.create = true, .update = false, .remove = false};
  const Planned plan = s.Plan();
  EXPECT_THAT(Words(plan.batch), ElementsAre("put leidang/b on 1", "record leidang/b"));
  EXPECT_THAT(plan.held_back, ElementsAre("leidang/a"));

  Situation same({a}, {Record(a)});
  same.rules = s.rules;
  EXPECT_THAT(same.Plan().held_back, IsEmpty()) << "it would come out the same again";
}

TEST(Assigner, ASetThatMayDoNothingKeepsAllAndMakesNone) {
  const DesiredApplication a = Desired("a", '1');
  Situation s({a, Desired("b", '1')}, {Record(a)});
  s.rules = {.create = false, .update = false, .remove = false};
  const Planned plan = s.Plan();
  EXPECT_TRUE(plan.empty());
  EXPECT_THAT(plan.held_back, ElementsAre("leidang/a")) << "a look alone would not make it";
}

TEST(Assigner, EndsAsTheOwnersDeletionSaysElseAsTheFinalizersSay) {
  DerivedApplication orphan = Record(Desired("a", '1'));
  orphan.manifest = "{}";
  Situation s({}, {orphan});
  EXPECT_EQ(s.Plan().deletions[0].policy, intent::DeletionPolicy::kOrphan);
  s.ending = intent::DeletionPolicy::kForeground;
  EXPECT_EQ(s.Plan().deletions[0].policy, intent::DeletionPolicy::kOrphan) << "it is protected";
  s.current[0].manifest =
      R"({"metadata":{"finalizers":["resources-finalizer.argocd.argoproj.io/background"]}})";
  EXPECT_EQ(s.Plan().deletions[0].policy, intent::DeletionPolicy::kForeground);
  s.ending = intent::DeletionPolicy::kOrphan;
  EXPECT_EQ(s.Plan().deletions[0].policy, intent::DeletionPolicy::kOrphan);
  s.ending.reset();
  EXPECT_EQ(s.Plan().deletions[0].policy, intent::DeletionPolicy::kBackground);
}

TEST(Assigner, SeveralProblemsOfOneTypeAreOneCondition) {
  const std::vector<Condition> conditions =
      Renewed({},
              {{conditions::kErrorOccurred, Reason::kRevisionNotFound, "no branch"},
               {conditions::kErrorOccurred, Reason::kNameConflict, "two of a name"}},
              kNow);
  ASSERT_EQ(conditions.size(), 1u);
  EXPECT_EQ(conditions[0].reason, "RevisionNotFound");
  EXPECT_EQ(conditions[0].message, "no branch; two of a name");
}

}  // namespace
}  // namespace leidang::hub
