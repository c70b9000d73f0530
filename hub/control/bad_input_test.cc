// Bad input: each gives one clear condition with a reason and a time on the right object, keeps the
// last good state, and disturbs nothing else.

#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"

#include "common/conditions/types.h"
#include "hub/control/fleet_fixture_test.h"
#include "hub/control/generator_kinds.h"
#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A good set and a good Application besides, which nothing may disturb.
class BadInput : public FleetTest {
 protected:
  void StartGood() {
    Commit(Good());
    Start();
    ASSERT_OK(hub_.Register("in-cluster"));
    ASSERT_OK(hub_.Register("one"));
    ApplyAndSettle(ListSet("good", {"good one"}, "good"));
    ApplyAndSettle(Application("direct", "one", "good"));
  }
  static FakeGitSource::Files Good() {
    FakeGitSource::Files files = Apps({"a", "b"});
    files["good/cm.yaml"] = {ConfigMap("good")};
    return files;
  }

  // Nothing else is disturbed, now and later.
  void ExpectUndisturbed() {
    EXPECT_THAT(hub_.On("one"), ::testing::IsSupersetOf({"direct", "good"}));
    EXPECT_THAT(hub_.SetConditions("leidang/good"), IsEmpty());
    EXPECT_THAT(hub_.AppConditions("leidang/good"), IsEmpty());
    EXPECT_THAT(hub_.AppConditions("leidang/direct"), IsEmpty());
    EXPECT_TRUE(hub_.records().pending_deletions().empty());
  }

  // The same of an Application.
  void ExpectAppCondition(const std::string& application, const std::string& condition,
                          const std::string& message) {
    EXPECT_THAT(hub_.AppConditions(application), ElementsAre(condition));
    const auto before = hub_.store().Application(application);
    ASSERT_FALSE(before->conditions.empty());
    EXPECT_THAT(before->conditions[0].message, HasSubstr(message));
    loop_.RunFor(absl::Hours(1));
    ASSERT_TRUE(hub_.Settle());
    EXPECT_EQ(hub_.store().Application(application)->conditions, before->conditions);
  }

  // One condition, with a message that says this and a time that stays.
  void ExpectCondition(const std::string& set, const std::string& reason,
                       const std::string& message) {
    EXPECT_THAT(hub_.SetConditions(set), ElementsAre("ErrorOccurred=" + reason));
    const Condition* condition = hub_.SetCondition(set, conditions::kErrorOccurred);
    ASSERT_NE(condition, nullptr);
    EXPECT_THAT(condition->message, HasSubstr(message));
    const absl::Time since = condition->since;
    EXPECT_LE(since, loop_.clock().Now());
    loop_.RunFor(absl::Hours(1));
    ASSERT_TRUE(hub_.Settle());
    EXPECT_EQ(hub_.SetCondition(set, conditions::kErrorOccurred)->since, since);
    EXPECT_THAT(hub_.SetConditions(set), ElementsAre("ErrorOccurred=" + reason));
  }
};

constexpr char kFilesSet[] = R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: files}
spec:
  generators:
  - git:
      repoURL: https://git.example/fleet.git
      revision: main
      files: [{path: 'conf/*.yaml'}]
  template:
    metadata: {name: 'f-{{app}}'}
    spec:
      project: default
      source: {repoURL: 'https://git.example/fleet.git', targetRevision: main, path: good}
      destination: {name: one, namespace: default}
)";

TEST_F(BadInput, BrokenYamlInAFileOfTheGitGenerator) {
  StartGood();
  FakeGitSource::Files files = Good();
  files["conf/x.yaml"] = {"app: x\n"};
  files["conf/z.yaml"] = {"app: z\n"};
  Commit(files);
  Poll();
  ApplyAndSettle(kFilesSet);
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "f-x", "f-z", "good"));
  files["conf/z.yaml"] = {"app: [z\n"};
  Commit(files);
  Poll();
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "f-x", "f-z", "good"));
  ExpectCondition("leidang/files", "GenerationFailed", "conf/z.yaml");
  ExpectUndisturbed();
  files["conf/z.yaml"] = {"app: z\n"};
  Commit(files);
  Poll();
  EXPECT_THAT(hub_.SetConditions("leidang/files"), IsEmpty());
}

TEST_F(BadInput, AnUnknownGenerator) {
  StartGood();
  ApplyAndSettle(DirectoriesSet("fleet"));
  const std::string wrong = absl::StrReplaceAll(DirectoriesSet("fleet"), {{"- git:", "- gitt:"}});
  ApplyAndSettle(wrong);
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
  ExpectCondition("leidang/fleet", "UnknownGenerator", "spec.generators[0]: \"gitt\"");
  ExpectUndisturbed();
}

TEST_F(BadInput, ARepositoryThatIsNotThere) {
  StartGood();
  ApplyAndSettle(DirectoriesSet("fleet"));
  ApplyAndSettle(absl::StrReplaceAll(DirectoriesSet("fleet"), {{"fleet.git", "none.git"}}));
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b")) << "the last good state stays";
  ExpectCondition("leidang/fleet", "RepositoryUnreachable", "https://git.example/none.git");
  ExpectUndisturbed();
}

TEST_F(BadInput, ARepositoryThatGoesAwayIsToldAndEverythingStays) {
  StartGood();
  ApplyAndSettle(DirectoriesSet("fleet"));
  const std::string before = hub_.Picture();
  const std::string without_reasons = hub_.Picture(testing::TestHub::Reasons::kLeftOut);
  git_.SetFetchError(
      kUrl, SourceError(SourceReason::kRepositoryUnreachable, "https://git.example: no route"));
  Poll();
  EXPECT_EQ(hub_.Picture(testing::TestHub::Reasons::kLeftOut), without_reasons);
  ExpectCondition("leidang/fleet", "RepositoryUnreachable", "no route");
  git_.SetFetchError(kUrl, absl::OkStatus());
  Poll();
  EXPECT_THAT(hub_.SetConditions("leidang/fleet"), IsEmpty());
  EXPECT_EQ(hub_.Picture(), before);
}

TEST_F(BadInput, ABranchThatIsNotThere) {
  StartGood();
  ApplyAndSettle(DirectoriesSet("fleet"));
  ApplyAndSettle(
      absl::StrReplaceAll(DirectoriesSet("fleet"), {{"revision: main", "revision: mian"}}));
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
  ExpectCondition("leidang/fleet", "RevisionNotFound", "mian");
  ExpectUndisturbed();
}

TEST_F(BadInput, BadCredentials) {
  StartGood();
  git_.SetFetchError("https://git.example/private.git",
                     SourceError(SourceReason::kAuthenticationFailed,
                                 "https://git.example/private.git: the password is refused"));
  ApplyAndSettle(absl::StrReplaceAll(DirectoriesSet("fleet"), {{"fleet.git", "private.git"}}));
  ExpectCondition("leidang/fleet", "AuthenticationFailed", "the password is refused");
  ExpectUndisturbed();
  // Corrected credentials are tried at once.
  git_.SetFetchError("https://git.example/private.git", absl::OkStatus());
  git_.Commit("https://git.example/private.git", "main", Apps({"secret"}));
  ASSERT_OK(hub_.Apply(R"(
apiVersion: v1
kind: Secret
metadata:
  name: private
  labels: {argocd.argoproj.io/secret-type: repository}
stringData: {url: 'https://git.example/private.git', password: right}
)"));
  ASSERT_TRUE(hub_.Settle(absl::Seconds(5)));
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("secret"));
  EXPECT_THAT(hub_.SetConditions("leidang/fleet"), IsEmpty());
}

TEST_F(BadInput, ADirectoryPatternThatMatchesNothingAnyMore) {
  StartGood();
  ApplyAndSettle(DirectoriesSet("fleet"));
  FakeGitSource::Files files = Good();
  std::erase_if(files, [](const auto& file) { return file.first.starts_with("apps/"); });
  Commit(files);
  Poll();
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
  EXPECT_THAT(hub_.SetConditions("leidang/fleet"), ElementsAre("DeletionsHeld=DeletionsHeld"));
  ExpectUndisturbed();
  ApplyAndSettle(DirectoriesSet("fleet", "", "{leidang.dev/max-deletions: unlimited}"));
  EXPECT_THAT(hub_.On("in-cluster"), IsEmpty()) << "now it is meant";
}

TEST_F(BadInput, ASourcePathThatIsNotThere) {
  StartGood();
  ApplyAndSettle(ListSet("set", {"x one", "z one"}, "apps/a"));
  const std::string root = hub_.store().Root(hub_.IdOf("one"))->Hex();
  ApplyAndSettle(ListSet("set", {"x one", "z one"}, "apps/none"));
  EXPECT_EQ(hub_.store().Root(hub_.IdOf("one"))->Hex(), root);
  EXPECT_THAT(hub_.AppConditions("leidang/x"), ElementsAre("ComparisonError=PathNotFound"));
  EXPECT_THAT(hub_.SetConditions("leidang/set"), IsEmpty()) << "each Application says it";
  ExpectUndisturbed();
}

TEST_F(BadInput, ARemoteKustomizeBase) {
  StartGood();
  ApplyAndSettle(Application("k", "one", "apps/a"));
  FakeGitSource::Files files = Good();
  files["apps/a/kustomization.yaml"] = {
      "resources:\n- cm.yaml\n- https://github.com/example/base?ref=v1\n"};
  Commit(files);
  Poll();
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "k"));
  EXPECT_THAT(hub_.AppConditions("leidang/k"), ElementsAre("ComparisonError=RemoteBase"));
  const std::string message = hub_.store().Application("leidang/k")->conditions[0].message;
  EXPECT_THAT(message, HasSubstr("apps/a/kustomization.yaml"));
  EXPECT_THAT(message, HasSubstr("github.com/example/base"));
  ExpectUndisturbed();
}

TEST_F(BadInput, AKustomizationThatCannotBeRead) {
  StartGood();
  ApplyAndSettle(Application("k", "one", "apps/a"));
  FakeGitSource::Files files = Good();
  files["apps/a/kustomization.yaml"] = {"resources: [cm.yaml\n"};
  Commit(files);
  Poll();
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "k"));
  ExpectAppCondition("leidang/k", "ComparisonError=InvalidYaml", "apps/a/kustomization.yaml");
  ExpectUndisturbed();
  files["apps/a/kustomization.yaml"] = {"resources: [cm.yaml]\n"};
  Commit(files);
  Poll();
  EXPECT_THAT(hub_.AppConditions("leidang/k"), IsEmpty());
}

TEST_F(BadInput, AKustomizationThatNamesAFileThatIsNotThere) {
  StartGood();
  ApplyAndSettle(Application("k", "one", "apps/a"));
  FakeGitSource::Files files = Good();
  files["apps/a/kustomization.yaml"] = {"resources: [cm.yaml, missing.yaml]\n"};
  Commit(files);
  Poll();
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "k"));
  ExpectAppCondition("leidang/k", "ComparisonError=PathNotFound", "missing.yaml");
  ExpectUndisturbed();
}

TEST_F(BadInput, AnApplicationsBranchThatIsNotThere) {
  StartGood();
  ApplyAndSettle(ListSet("set", {"x one", "z one"}, "apps/a"));
  const std::string root = hub_.store().Root(hub_.IdOf("one"))->Hex();
  ApplyAndSettle(ListSet("set", {"x one", "z one"}, "apps/a", "mian"));
  EXPECT_EQ(hub_.store().Root(hub_.IdOf("one"))->Hex(), root);
  ExpectAppCondition("leidang/x", "ComparisonError=RevisionNotFound", "mian");
  EXPECT_THAT(hub_.SetConditions("leidang/set"), IsEmpty()) << "each Application says it";
  ExpectUndisturbed();
}

TEST_F(BadInput, AnApplicationsRepositoryThatIsNotThere) {
  StartGood();
  ApplyAndSettle(Application("k", "one", "apps/a"));
  const std::string root = hub_.store().Root(hub_.IdOf("one"))->Hex();
  ApplyAndSettle(Application("k", "one", "apps/a", "main", "https://git.example/none.git"));
  EXPECT_EQ(hub_.store().Root(hub_.IdOf("one"))->Hex(), root);
  ExpectAppCondition("leidang/k", "ComparisonError=RepositoryUnreachable", "none.git");
  ExpectUndisturbed();
}

TEST_F(BadInput, ADirectApplicationSaysThatItsRepositoryWentAway) {
  StartGood();
  const std::string before = hub_.Picture();
  git_.SetFetchError(
      kUrl, SourceError(SourceReason::kRepositoryUnreachable, "https://git.example: no route"));
  Poll();
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good"));
  ExpectAppCondition("leidang/direct", "ComparisonError=RepositoryUnreachable", "no route");
  git_.SetFetchError(kUrl, absl::OkStatus());
  Poll();
  EXPECT_EQ(hub_.Picture(), before);
}

TEST_F(BadInput, ANameThatIsTooLong) {
  StartGood();
  ApplyAndSettle(ListSet("set", {"x one", std::string(254, 'n') + " one"}));
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "x"));
  ExpectCondition("leidang/set", "NameInvalid", "at most 253");
  // While a name is unknown, nothing is deleted.
  ApplyAndSettle(ListSet("set", {"z one", std::string(254, 'n') + " one"}));
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "x", "z"));
  ExpectUndisturbed();
}

TEST_F(BadInput, TwoParameterSetsOfOneName) {
  StartGood();
  ApplyAndSettle(ListSet("set", {"x one", "z one"}));
  ApplyAndSettle(ListSet("set", {"x one", "z one", "z in-cluster"}));
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "x", "z"));
  EXPECT_THAT(hub_.On("in-cluster"), IsEmpty());
  EXPECT_THAT(hub_.AppConditions("leidang/z"), ElementsAre("InvalidSpecError=NameConflict"));
  EXPECT_THAT(hub_.AppConditions("leidang/x"), IsEmpty());
  ExpectUndisturbed();
}

TEST_F(BadInput, TwoSetsThatProduceOneName) {
  StartGood();
  ApplyAndSettle(ListSet("late", {"good in-cluster", "own in-cluster"}));
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("own"));
  ExpectCondition("leidang/late", "NameConflict", "leidang/good belongs to the set leidang/good");
  ExpectUndisturbed();
}

TEST_F(BadInput, ADestinationWithoutACluster) {
  StartGood();
  ApplyAndSettle(ListSet("set", {"x one", "z nowhere"}));
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "x"));
  EXPECT_THAT(hub_.AppConditions("leidang/z"), ElementsAre("InvalidSpecError=NoSuchCluster"));
  EXPECT_THAT(hub_.store().Application("leidang/z")->conditions[0].message,
              HasSubstr("leidang cluster register nowhere"));
  ExpectUndisturbed();
  ASSERT_OK(hub_.Register("nowhere"));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(hub_.On("nowhere"), ElementsAre("z"));
  EXPECT_THAT(hub_.AppConditions("leidang/z"), IsEmpty());
}

TEST_F(BadInput, ADestinationThatIsWrongKeepsTheApplicationWhereItIs) {
  StartGood();
  ApplyAndSettle(ListSet("set", {"x one"}));
  ApplyAndSettle(ListSet("set", {"x nowhere"}));
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "x"));
  EXPECT_THAT(hub_.AppConditions("leidang/x"), ElementsAre("InvalidSpecError=NoSuchCluster"));
  ExpectUndisturbed();
}

TEST_F(BadInput, AProjectThatIsNotThere) {
  StartGood();
  ApplyAndSettle(Application("p", "one", "good", "main", kUrl, "team"));
  EXPECT_THAT(hub_.AppConditions("leidang/p"), ElementsAre("InvalidSpecError=NoSuchProject"));
  ExpectUndisturbed();
}

TEST_F(BadInput, RollingSyncKeepsWhatExistsAtItsLastRevision) {
  StartGood();
  ApplyAndSettle(DirectoriesSet("fleet"));
  const std::string root = hub_.store().Root(hub_.IdOf("in-cluster"))->Hex();
  const std::string rolling =
      "  strategy: {type: RollingSync, rollingSync: {steps: [{matchExpressions: []}]}}\n";
  ApplyAndSettle(DirectoriesSet("fleet", rolling));
  FakeGitSource::Files files = Good();
  files["apps/a/cm.yaml"] = {ConfigMap("a", "2")};
  files["apps/c/cm.yaml"] = {ConfigMap("c")};
  files.erase("apps/b/cm.yaml");
  Commit(files);
  Poll();
  EXPECT_EQ(hub_.store().Root(hub_.IdOf("in-cluster"))->Hex(), root);
  EXPECT_THAT(hub_.SetConditions("leidang/fleet"),
              ElementsAre("RolloutNotSupported=RolloutNotSupported"));
  ExpectUndisturbed();
  ApplyAndSettle(DirectoriesSet("fleet", rolling, "{leidang.dev/ignore-strategy: 'true'}"));
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "c"));
  EXPECT_THAT(hub_.SetConditions("leidang/fleet"), IsEmpty());
}

TEST_F(BadInput, AFailingTemplateKeepsTheOthersAndDeletesNothing) {
  StartGood();
  const auto set = [](const std::string& b) {
    return R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: set}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
  - list:
      elements:
      - {app: x, path: good}
      - {app: z)" +
           b + R"(}
  template:
    metadata: {name: '{{.app}}'}
    spec:
      project: default
      source: {repoURL: 'https://git.example/fleet.git', targetRevision: main, path: '{{.path}}'}
      destination: {name: one, namespace: default}
)";
  };
  ApplyAndSettle(set(", path: good"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "x", "z"));
  ApplyAndSettle(set(""));
  EXPECT_THAT(hub_.On("one"), ElementsAre("direct", "good", "x", "z"));
  ExpectCondition("leidang/set", "TemplateFailed", "spec.template.spec.source.path");
  ExpectUndisturbed();
}

TEST_F(BadInput, ChartsAndSeveralSourcesAreSaidToBeUnsupported) {
  StartGood();
  ApplyAndSettle(R"(
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: chart}
spec:
  project: default
  source: {repoURL: 'https://charts.example', chart: nginx, targetRevision: 1.0.0}
  destination: {name: one, namespace: default}
)");
  EXPECT_THAT(hub_.AppConditions("leidang/chart"),
              ElementsAre("UnsupportedSource=UnsupportedSource"));
  ExpectUndisturbed();
}

TEST_F(BadInput, WhatCannotBeReadAtAllIsRefusedAtOnce) {
  StartGood();
  const auto refused = [this](const std::string& yaml, const std::string& message) {
    EXPECT_THAT(hub_.Apply(yaml), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refused("just text", "apiVersion and kind");
  refused("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n", "nothing that a hub takes");
  refused("apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: x}\n",
          "spec is missing");
  refused(absl::StrReplaceAll(DirectoriesSet("fleet"), {{"name: fleet", "name: Fleet"}}),
          "not a valid name");
  refused(
      "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: x}\n"
      "spec: {generators: 7, template: {}}\n",
      "spec.generators");
  refused(
      "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\n"
      "spec: {source: {}}\n",
      "spec.destination is missing");
  ExpectUndisturbed();
}

TEST(GeneratorKinds, NestedEntriesAreLookedAtToo) {
  const auto errors = [](const std::string& json) {
    return UnknownGenerators(*object::ParseJson(json));
  };
  EXPECT_THAT(errors(R"({"spec":{"generators":[{"list":{}},{"clusters":{},"selector":{}}]}})"),
              IsEmpty());
  EXPECT_THAT(errors(R"({"spec":{"generators":[{"selector":{}}]}})"),
              ElementsAre(HasSubstr("spec.generators[0]: nothing is no generator")));
  EXPECT_THAT(
      errors(R"({"spec":{"generators":[{"matrix":{"generators":[{"git":{}},{"lst":{}}]}}]}})"),
      ElementsAre(HasSubstr("spec.generators[0].matrix.generators[1]: \"lst\"")));
}

}  // namespace
}  // namespace leidang::hub
