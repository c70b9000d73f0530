#include "hub/control/desk.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "hub/control/fleet_fixture_test.h"
#include "hub/control/manifest_rules.h"
#include "hub/ledger/list_all.h"
#include "hub/ledger/records.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::IsOkAndHolds;
using ::leidang::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kConfig[] = "config fleet/a.yaml@0123456789ab";

std::string Cluster(const std::string& name, const std::string& extra = "") {
  return "apiVersion: leidang.dev/v1alpha1\nkind: Cluster\nmetadata: {name: " + name +
         ", labels: {env: dev}}\nspec: {" + extra + "}\n";
}

class DeskTest : public FleetTest {
 protected:
  DeskTest() {
    Commit(Apps({"a", "b"}));
    Start();
  }

  Desk::Outcome Outcome(const std::string& yaml, const std::string& owner = kApiOwner) {
    const auto applied = hub_.ApplyAll(yaml, owner);
    EXPECT_OK(applied.at(0).outcome);
    return applied.at(0).outcome.value_or(Desk::Outcome::kUnchanged);
  }

  std::vector<AuditEntry> AuditLog() {
    std::vector<AuditEntry> entries;
    loop_.RunFor(absl::Seconds(1));
    ListAll(&hub_.ledger(), kAuditEntriesPrefix, &loop_,
            [&entries](const absl::StatusOr<LedgerSnapshot>& list) {
              ASSERT_OK(list);
              for (const LedgerEntry& entry : list->entries)
                entries.push_back(*Decode<AuditEntry>(entry));
            });
    loop_.RunFor(absl::Seconds(1));
    return entries;
  }
};

TEST_F(DeskTest, SaysWhatBecameOfEachObject) {
  EXPECT_EQ(Outcome(DirectoriesSet("fleet")), Desk::Outcome::kCreated);
  const absl::Time changed_at =
      hub_.records().Object(WrittenKind::kApplicationSet, "leidang/fleet")->changed_at;
  loop_.RunFor(absl::Seconds(5));
  EXPECT_EQ(Outcome(DirectoriesSet("fleet")), Desk::Outcome::kUnchanged);
  EXPECT_EQ(hub_.records().Object(WrittenKind::kApplicationSet, "leidang/fleet")->changed_at,
            changed_at);
  EXPECT_EQ(Outcome(DirectoriesSet("fleet", "", "{note: x}")), Desk::Outcome::kConfigured);
  EXPECT_EQ(Outcome(Cluster("one")), Desk::Outcome::kCreated);
  EXPECT_EQ(Outcome(Cluster("one")), Desk::Outcome::kUnchanged);
}

TEST_F(DeskTest, RegistrationsThatComeAtOnceSeeEachOther) {
  Desk::Registration one;
  one.name = "one";
  Desk::Registration two = one;
  two.name = "two";
  two.server = "https://one.leidang.invalid";
  one.server = two.server;
  std::vector<absl::StatusOr<Desk::Registered>> answers;
  for (const Desk::Registration& registration : {one, one, two}) {
    hub_.desk().Register(registration, {"test", ""},
                         [&](const absl::StatusOr<Desk::Registered>& r) { answers.push_back(r); });
  }
  ASSERT_TRUE(loop_.RunUntil([&] { return answers.size() == 3; }, absl::Minutes(1)));
  ASSERT_OK(answers[0]);
  ASSERT_OK(answers[1]);
  EXPECT_EQ(answers[0]->id, answers[1]->id) << "it was there already";
  EXPECT_NE(answers[0]->token, answers[1]->token);
  EXPECT_THAT(answers[2], StatusIs(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr("belongs to the cluster one")));
  EXPECT_EQ(hub_.records().ClusterNamed("two"), nullptr);
}

TEST_F(DeskTest, StatusesAreNotWrittenAndNamespacesAreFilledIn) {
  ASSERT_OK(hub_.Apply(DirectoriesSet("fleet") + "status: {conditions: []}\n"));
  const WrittenObject* set = hub_.records().Object(WrittenKind::kApplicationSet, "leidang/fleet");
  ASSERT_NE(set, nullptr);
  EXPECT_THAT(set->manifest, ::testing::Not(HasSubstr("status")));
  EXPECT_THAT(set->manifest, HasSubstr("\"namespace\":\"leidang\""));
}

TEST_F(DeskTest, OneObjectThatIsWrongDoesNotKeepTheOthersOut) {
  const auto applied =
      hub_.ApplyAll(Cluster("one") + "---\nkind: Nonsense\n---\n" + DirectoriesSet("fleet"));
  ASSERT_THAT(applied, SizeIs(3));
  EXPECT_OK(applied[0].outcome);
  EXPECT_THAT(applied[1].outcome, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(applied[2].outcome);
}

TEST_F(DeskTest, RulesOfAProjectThatAreNotEnforcedAreSaid) {
  const auto project = [](absl::string_view name, absl::string_view spec) {
    return absl::StrCat("apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: ",
                        name, "}\nspec: {", spec, "}\n");
  };
  const auto tight = hub_.ApplyAll(
      project("tight",
              "sourceRepos: [\"https://example.com/none.git\"], destinations: [{server: \"*\", "
              "namespace: shop}], clusterResourceWhitelist: [{group: \"*\", kind: \"*\"}], "
              "syncWindows: [{kind: deny, schedule: \"* * * * *\", duration: 1h}]"));
  ASSERT_OK(tight.at(0).outcome);
  ASSERT_THAT(tight[0].warnings, SizeIs(1));
  EXPECT_THAT(tight[0].warnings[0],
              AllOf(HasSubstr("enforces no rules of AppProjects: spec.sourceRepos, "
                              "spec.destinations, spec.syncWindows restrict nothing"),
                    ::testing::Not(HasSubstr("Whitelist"))));
  const auto open = hub_.ApplyAll(
      project("open", "sourceRepos: [\"*\"], destinations: [{server: \"*\", namespace: \"*\"}]"));
  ASSERT_OK(open.at(0).outcome);
  EXPECT_THAT(open[0].warnings, IsEmpty());
}

TEST_F(DeskTest, ADryRunSaysTheSameAndWritesNothing) {
  const auto applied = hub_.ApplyAll(DirectoriesSet("fleet"), kApiOwner, Desk::Mode::kDryRun);
  EXPECT_THAT(applied.at(0).outcome, IsOkAndHolds(Desk::Outcome::kCreated));
  EXPECT_EQ(hub_.records().Object(WrittenKind::kApplicationSet, "leidang/fleet"), nullptr);
  EXPECT_THAT(AuditLog(), IsEmpty());
}

TEST_F(DeskTest, AnObjectOfTheConfigRepositoryIsNotChangedThroughTheApi) {
  ASSERT_OK(hub_.Apply(DirectoriesSet("fleet"), kConfig));
  EXPECT_THAT(hub_.Apply(DirectoriesSet("fleet", "", "{note: x}")),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("fleet/a.yaml@0123456789ab): change it there")));
  EXPECT_THAT(hub_.Delete(WrittenKind::kApplicationSet, "leidang/fleet", 2),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("fleet/a.yaml")));
  ASSERT_OK(hub_.Apply(Cluster("one"), kConfig));
  EXPECT_THAT(hub_.Register("one", "env=prod"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("fleet/a.yaml")));
  EXPECT_OK(hub_.Register("one")) << "a token changes nothing of it";
  EXPECT_THAT(hub_.DeleteCluster("one"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(DeskTest, AnObjectOfTheApiIsNotChangedByTheConfigRepository) {
  ASSERT_OK(hub_.Apply(DirectoriesSet("fleet")));
  EXPECT_THAT(hub_.Apply(DirectoriesSet("fleet", "", "{note: x}"), kConfig),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("through the API")));
  ASSERT_OK(hub_.Register("one"));
  EXPECT_THAT(hub_.Apply(Cluster("one"), kConfig),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cluster one")));
}

TEST_F(DeskTest, TheBuiltInProjectBelongsToWhoeverWritesItFirst) {
  const std::string project =
      "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: default}\n"
      "spec: {sourceRepos: ['https://git.example/*']}\n";
  ASSERT_OK(hub_.Apply(project, kConfig));
  EXPECT_THAT(hub_.Apply(project), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(DeskTest, TwoRegistrationsOfOneNameAtOnceAreOneCluster) {
  int registered = 0;
  std::set<intent::ClusterId> ids;
  for (int i = 0; i < 3; ++i) {
    Desk::Registration registration;
    registration.name = "one";
    hub_.desk().Register(registration, {"test", ""},
                         [&](const absl::StatusOr<Desk::Registered>& answer) {
                           ASSERT_OK(answer);
                           ++registered;
                           ids.insert(answer->id);
                         });
  }
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(registered, 3);
  EXPECT_THAT(ids, SizeIs(1));
  EXPECT_THAT(hub_.records().clusters(), SizeIs(1));
}

TEST_F(DeskTest, TheSameClusterTwiceInOneCallIsOneCluster) {
  const auto applied = hub_.ApplyAll(Cluster("one") + "---\n" + Cluster("one"));
  EXPECT_THAT(applied[0].outcome, IsOkAndHolds(Desk::Outcome::kCreated));
  EXPECT_THAT(applied[1].outcome, IsOkAndHolds(Desk::Outcome::kUnchanged));
}

TEST_F(DeskTest, WhatNeverChangesOfAClusterIsRefused) {
  ASSERT_OK(hub_.Apply(Cluster("one", "server: 'https://one.example'")));
  EXPECT_THAT(hub_.Apply(Cluster("one", "server: 'https://other.example'")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("never changes")));
  EXPECT_THAT(hub_.Apply(Cluster("two", "server: 'https://one.example'")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cluster one")));
  EXPECT_THAT(
      hub_.Apply(Cluster("one", "server: 'https://one.example', id: " + std::string(32, 'a'))),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("which never changes")));
  const std::string id = hub_.IdOf("one").Hex();
  EXPECT_THAT(hub_.Apply(Cluster("two", "id: " + id)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("leave the id out")));
}

TEST_F(DeskTest, BadNamesAndLabelsOfClustersSayWhatIsAllowed) {
  EXPECT_THAT(hub_.Register("Not_A_Name"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 63")));
  EXPECT_THAT(hub_.Register("one", "env=not allowed!"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("label env")));
  EXPECT_THAT(hub_.Apply(Cluster("one", "id: short")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("32")));
}

TEST_F(DeskTest, AClusterSecretIsARegistrationWhoseCredentialsAreIgnored) {
  const auto applied = hub_.ApplyAll(R"(
apiVersion: v1
kind: Secret
metadata:
  name: cluster-one
  labels: {argocd.argoproj.io/secret-type: cluster, env: dev}
  annotations: {leidang.dev/cluster-id: 0123456789abcdef0123456789abcdef}
stringData:
  name: one
  server: https://one.example
  config: '{"bearerToken": "secret"}'
)");
  ASSERT_OK(applied[0].outcome);
  ASSERT_THAT(applied[0].warnings, SizeIs(1));
  EXPECT_THAT(applied[0].warnings[0], HasSubstr("ignored"));
  const ClusterRegistration* cluster = hub_.records().ClusterNamed("one");
  ASSERT_NE(cluster, nullptr);
  EXPECT_EQ(cluster->id.Hex(), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(cluster->server, "https://one.example");
  EXPECT_EQ(cluster->labels, (std::map<std::string, std::string>{{"env", "dev"}}));
}

TEST_F(DeskTest, WhatIsBeingDeletedIsNotChanged) {
  ASSERT_OK(hub_.Register("in-cluster"));
  ApplyAndSettle(DirectoriesSet("fleet"));
  // Deletion and edit at once: they take their turns.
  std::optional<absl::StatusOr<uint64_t>> deleted;
  hub_.desk().Delete({WrittenKind::kApplicationSet, "leidang/fleet"}, 2, std::nullopt, kApiOwner,
                     {"test", ""}, [&](absl::StatusOr<uint64_t> d) { deleted = std::move(d); });
  EXPECT_THAT(hub_.Apply(DirectoriesSet("fleet", "", "{note: x}")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("being deleted")));
  ASSERT_OK(*deleted);
  ASSERT_TRUE(hub_.Settle());
  EXPECT_OK(hub_.Apply(DirectoriesSet("fleet")));
}

TEST_F(DeskTest, EveryChangeAndEveryRefusalIsAudited) {
  ASSERT_OK(hub_.Register("one"));
  ASSERT_OK(hub_.Apply(DirectoriesSet("fleet")));
  EXPECT_FALSE(hub_.Apply(DirectoriesSet("fleet", "", "{x: y}"), kConfig).ok());
  EXPECT_FALSE(hub_.Delete(WrittenKind::kAppProject, "none").ok());
  const std::vector<AuditEntry> log = AuditLog();
  ASSERT_THAT(log, SizeIs(4));
  EXPECT_EQ(log[0].what, "register cluster one");
  EXPECT_EQ(log[0].who, "test");
  EXPECT_EQ(log[1].outcome, "created");
  EXPECT_THAT(log[2].outcome, HasSubstr("refused"));
  EXPECT_EQ(log[3].what, "delete AppProject none");
  EXPECT_OK(VerifyAudit(log));
}

TEST(ManifestRules, OwnersAreComparedByFileNotByCommit) {
  EXPECT_TRUE(SameSource("config a.yaml@1", "config a.yaml@2"));
  EXPECT_FALSE(SameSource("config a.yaml@1", "config b.yaml@1"));
  EXPECT_FALSE(SameSource("released a.yaml@1", "config a.yaml@1"));
  EXPECT_EQ(ReleasedBy("config a.yaml@1"), "released a.yaml@1");
  EXPECT_OK(CheckOwner(ReleasedBy("config a.yaml@1"), kApiOwner, "x"));
  EXPECT_OK(CheckOwner("config a.yaml@1", "config b.yaml@2", "x"));
}

TEST(ManifestRules, AClusterHasAServerOfItsOwn) {
  EXPECT_EQ(DefaultServer("one"), "https://one.leidang.invalid");
  EXPECT_EQ(DefaultServer("in-cluster"), "https://kubernetes.default.svc");
}

}  // namespace
}  // namespace leidang::hub
