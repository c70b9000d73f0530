#include "generators/expand.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/random/random.h"
#include "generators/testing_world.h"

namespace leidang::generators {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kTemplate[] =
    "\ntemplate: {metadata: {name: '{{.name}}'}, spec: {project: default, destination: {server: "
    "s}}}";

std::string List(const std::string& elements, const std::string& more = "") {
  return "goTemplate: true\ngoTemplateOptions: ['missingkey=error']\ngenerators: [{list: "
         "{elements: " +
         elements + "}}]" + more + kTemplate;
}

TEST(ExpandTest, OneBadParameterSetLeavesTheOthers) {
  FakeWorld fake;
  KeepingSink sink;
  const ExpansionResult result =
      Expand(SetOf(List("[{name: a}, {title: b}, {name: c}]")), fake.world, sink);
  EXPECT_THAT(sink.names, ElementsAre("a", "c"));
  ASSERT_THAT(sink.errors, SizeIs(1));
  EXPECT_EQ(sink.errors[0].field, "spec.template.metadata.name");
  EXPECT_EQ(sink.errors[0].provenance.generator, "spec.generators[0].list");
  EXPECT_EQ(sink.errors[0].provenance.parameter_set, 1u);
  EXPECT_EQ(sink.errors[0].parameters, R"({"title":"b"})");
  EXPECT_EQ(sink.errors[0].stage, Stage::kRender);
  EXPECT_FALSE(result.MayDelete());
}

TEST(ExpandTest, AStrictSetIsAllOrNothing) {
  FakeWorld fake;
  KeepingSink sink;
  const ExpansionResult result =
      Expand(SetOf(List("[{name: a}, {title: b}]"), true), fake.world, sink);
  EXPECT_THAT(sink.names, IsEmpty());
  EXPECT_THAT(sink.errors, SizeIs(1));
  EXPECT_TRUE(result.withheld);
  KeepingSink again;
  EXPECT_FALSE(Expand(SetOf(List("[{name: a}]"), true), fake.world, again).withheld);
  EXPECT_THAT(again.names, ElementsAre("a"));
}

TEST(ExpandTest, AFailedGeneratorLeavesTheOthersAndForbidsDeletions) {
  FakeWorld fake;
  fake.git.status = absl::NotFoundError("no such repository");
  KeepingSink sink;
  const ExpansionResult result = Expand(
      SetOf(std::string(
                "goTemplate: true\ngenerators: [{git: {repoURL: u, directories: [{path: '*'}]}}, "
                "{list: {elements: [{name: a}]}}]") +
            kTemplate),
      fake.world, sink);
  EXPECT_THAT(sink.names, ElementsAre("a"));
  EXPECT_EQ(result.failed, 1u);
  EXPECT_FALSE(result.MayDelete());
  EXPECT_EQ(sink.errors[0].ToString(),
            "spec.generators[0].git: error generating params from git: error getting directories "
            "from repo: error retrieving Git Directories: "
            "no such repository");
}

TEST(ExpandTest, AFailureDeepInsideNamesTheGeneratorsAroundIt) {
  FakeWorld fake;
  KeepingSink sink;
  const ExpansionResult result = Expand(
      SetOf(std::string("generators: [{matrix: {generators: [{list: {elements: [{name: a}, {name: "
                        "5}]}}, {list: {elements: [{k: v}]}}]}}]") +
            kTemplate),
      fake.world, sink);
  EXPECT_EQ(result.applications, 1u);
  EXPECT_FALSE(result.MayDelete());
  ASSERT_THAT(sink.errors, SizeIs(1));
  EXPECT_EQ(sink.errors[0].field, "spec.generators[0].matrix.generators[0].list.elements[1].name");
  EXPECT_EQ(sink.errors[0].message,
            "error failed to get params for first generator in matrix generator: child generator "
            "returned an error on parameter generation: error parsing value as string %!w(<nil>)");
}

TEST(ExpandTest, AFileThatCannotBeReadSaysWhereAndWhatToDo) {
  FakeWorld fake;
  fake.git.tree = std::make_shared<FakeTree>(
      std::map<std::string, std::string>{{"a.yaml", "a:\n\tb: 1\n"}, {"b.yaml", "name: b\n"}});
  KeepingSink sink;
  const ExpansionResult result =
      Expand(SetOf(std::string("goTemplate: true\ngenerators: [{git: {repoURL: u, files: [{path: "
                               "'*.yaml'}]}}]") +
                   kTemplate),
             fake.world, sink);
  EXPECT_THAT(sink.names, ElementsAre("b"));
  EXPECT_FALSE(result.MayDelete());
  ASSERT_THAT(sink.errors, SizeIs(1));
  EXPECT_THAT(sink.errors[0].field, HasSubstr("spec.generators[0].git, a.yaml:2:1: "));
  EXPECT_THAT(sink.errors[0].field, HasSubstr("use spaces"));
  EXPECT_THAT(sink.errors[0].message,
              HasSubstr("unable to parse file: error converting YAML to JSON: yaml: line 2: found "
                        "character that cannot start any token"));
}

TEST(ExpandTest, WhatATextChangesIsSeenByThoseBehindItInTheOrderOfTheGoTypes) {
  FakeWorld fake;
  KeepingSink sink;
  const ExpansionResult result = Expand(
      SetOf("goTemplate: true\ngenerators: [{list: {elements: [{name: a}, {name: b}]}}]\n"
            "template: {metadata: {name: '{{.name}}{{$_ := set . \"seen\" \"x\"}}', annotations: "
            "{a: '{{.seen}}'}}, spec: {project: '{{.seen}}', destination: {server: '{{.late}}'}, "
            "source: {repoURL: r, path: '{{$_ := set . \"late\" \"y\"}}p'}}}"),
      fake.world, sink);
  EXPECT_TRUE(result.MayDelete());
  ASSERT_THAT(sink.jsons, SizeIs(2));
  for (const std::string& json : sink.jsons) {
    EXPECT_THAT(json, HasSubstr(R"("annotations":{"a":"x"})"));
    EXPECT_THAT(json, HasSubstr(R"("server":"y")"));
    EXPECT_THAT(json, HasSubstr(R"("project":"x")"));
  }
}

TEST(ExpandTest, OfSeveralTextsThatFailTheFirstOfTheGoTypesIsToldOf) {
  FakeWorld fake;
  KeepingSink sink;
  (void)Expand(SetOf("goTemplate: true\ngoTemplateOptions: ['missingkey=error']\n"
                     "generators: [{list: {elements: [{name: a}]}}]\n"
                     "template: {metadata: {name: a}, spec: {project: '{{.third}}', destination: "
                     "{server: '{{.second}}'}, source: {repoURL: '{{.first}}'}}}"),
               fake.world, sink);
  ASSERT_THAT(sink.errors, SizeIs(1));
  EXPECT_EQ(sink.errors[0].field, "spec.template.spec.source.repoURL");
}

TEST(ExpandTest, APatchOfTheWrongTypeIsRefusedInTheWordsOfGo) {
  FakeWorld fake;
  KeepingSink sink;
  (void)Expand(SetOf(List("[{name: a}]",
                          "\ntemplatePatch: 'spec: {source: {helm: {parameters: "
                          "[{name: 1}]}}}'")),
               fake.world, sink);
  ASSERT_THAT(sink.errors, SizeIs(1));
  EXPECT_EQ(sink.errors[0].message,
            R"(invalid templatePatch "{\"spec\":{\"source\":{\"helm\":{\"parameters\":)"
            R"([{\"name\":1}]}}}}": json: cannot unmarshal number into Go struct field )"
            "HelmParameter.spec.source.helm.parameters.name of type string");
}

TEST(ExpandTest, AnInputThatIsNotFetchedYetIsNoFailure) {
  FakeWorld fake;
  fake.git.status = absl::UnavailableError("not fetched");
  KeepingSink sink;
  const ExpansionResult result = Expand(
      SetOf(std::string(
                "goTemplate: true\ngenerators: [{git: {repoURL: u, directories: [{path: '*'}]}}, "
                "{git: {repoURL: v, files: [{path: '*'}]}}]") +
            kTemplate),
      fake.world, sink);
  EXPECT_EQ(result.missing_inputs, 2u);
  EXPECT_EQ(result.failed, 0u);
  EXPECT_FALSE(result.MayDelete());
  EXPECT_THAT(sink.errors, IsEmpty());
  EXPECT_THAT(fake.git.asked, ElementsAre("u", "v"));
}

TEST(ExpandTest, OneEntryCanBeExpandedAlone) {
  FakeWorld fake;
  const ApplicationSet set =
      SetOf(std::string("goTemplate: true\ngenerators: [{list: {elements: [{name: a}]}}, "
                        "{list: {elements: [{name: b}]}}]") +
            kTemplate);
  EXPECT_EQ(set.generator_count(), 2u);
  KeepingSink sink;
  ExpandOptions options;
  options.only_generator = 1;
  Expand(set, fake.world, sink, options);
  EXPECT_THAT(sink.names, ElementsAre("b"));
}

TEST(ExpandTest, TheOrderOfClustersDoesNotShow) {
  FakeWorld one;
  FakeWorld two;
  const std::vector<std::string> names = {"c", "a", "b"};
  for (const std::string& n : names) one.AddCluster(n);
  for (auto it = names.rbegin(); it != names.rend(); ++it) two.AddCluster(*it);
  const ApplicationSet set =
      SetOf(std::string("goTemplate: true\ngenerators: [{clusters: {}}]") + kTemplate);
  KeepingSink first;
  KeepingSink second;
  Expand(set, one.world, first);
  Expand(set, two.world, second);
  EXPECT_THAT(first.names, ElementsAre("a", "b", "c"));
  EXPECT_EQ(first.jsons, second.jsons);
}

TEST(ExpandTest, TheLocalClusterComesOnlyWhereTheWorldHasIt) {
  FakeWorld fake;
  fake.AddCluster("z");
  const ApplicationSet set =
      SetOf(std::string("goTemplate: true\ngenerators: [{clusters: {}}]") + kTemplate);
  KeepingSink without;
  Expand(set, fake.world, without);
  EXPECT_THAT(without.names, ElementsAre("z"));
  fake.world.implicit_local_cluster = true;
  KeepingSink with;
  Expand(set, fake.world, with);
  EXPECT_THAT(with.names, ElementsAre("z", "in-cluster"));
}

TEST(ExpandTest, AMatrixMayHaveThreeChildrenUnlessItIsStrict) {
  const std::string spec =
      "goTemplate: true\ngenerators: [{matrix: {generators: [{list: {elements: [{a: x}, {a: z}]}}, "
      "{list: {elements: [{b: '{{.a}}1'}]}}, {list: {elements: [{name: '{{.a}}-{{.b}}'}]}}]}}]" +
      std::string(kTemplate);
  FakeWorld fake;
  KeepingSink sink;
  Expand(SetOf(spec), fake.world, sink);
  EXPECT_THAT(sink.names, ElementsAre("x-x1", "z-z1"));
  KeepingSink strict;
  EXPECT_TRUE(Expand(SetOf(spec, true), fake.world, strict).withheld);
  EXPECT_THAT(strict.errors[0].message, HasSubstr("more than two generators"));
}

TEST(ExpandTest, GeneratorsNestAsDeepAsWantedUnlessTheSetIsStrict) {
  const std::string inner =
      "{matrix: {generators: [{list: {elements: [{name: a}]}}, {list: {elements: [{x: '1'}]}}]}}";
  const std::string two = "{matrix: {generators: [" + inner + ", {list: {elements: [{y: '1'}]}}]}}";
  const std::string three = "{matrix: {generators: [" + two + ", {list: {elements: [{z: '1'}]}}]}}";
  FakeWorld fake;
  KeepingSink sink;
  Expand(SetOf("goTemplate: true\ngenerators: [" + three + "]" + kTemplate), fake.world, sink);
  EXPECT_THAT(sink.names, ElementsAre("a"));
  KeepingSink strict;
  EXPECT_TRUE(Expand(SetOf("goTemplate: true\ngenerators: [" + three + "]" + kTemplate, true),
                     fake.world, strict)
                  .withheld);
}

TEST(ExpandTest, MergeKeysReachIntoMapsUnlessTheSetIsStrict) {
  const std::string spec =
      "goTemplate: true\ngenerators: [{merge: {mergeKeys: ['k.id'], generators: ["
      "{list: {elements: [{name: a, k: {id: '1'}}, {name: b, k: {id: '2'}}]}}, "
      "{list: {elements: [{name: B, k: {id: '2'}}]}}]}}]" +
      std::string(kTemplate);
  FakeWorld fake;
  KeepingSink sink;
  Expand(SetOf(spec), fake.world, sink);
  EXPECT_THAT(sink.names, ElementsAre("a", "B"));
  KeepingSink strict;
  EXPECT_TRUE(Expand(SetOf(spec, true), fake.world, strict).withheld);
}

TEST(ExpandTest, AMergeWithABrokenFileFailsAsAWhole) {
  // The others would come out without what the broken file overrides.
  FakeWorld fake;
  fake.AddCluster("a");
  fake.AddCluster("b");
  fake.git.tree = std::make_shared<FakeTree>(
      std::map<std::string, std::string>{{"a.yaml", "name: a\nx: 1\n"}, {"b.yaml", "name: [\n"}});
  KeepingSink sink;
  Expand(SetOf(std::string("goTemplate: true\ngenerators: [{merge: {mergeKeys: [name], generators: "
                           "[{clusters: {}}, "
                           "{git: {repoURL: u, files: [{path: '*.yaml'}]}}]}}]") +
               kTemplate),
         fake.world, sink);
  EXPECT_THAT(sink.names, IsEmpty());
  EXPECT_THAT(sink.errors, SizeIs(2));
}

TEST(ExpandTest, ABrokenFileLeavesTheOtherFiles) {
  FakeWorld fake;
  fake.git.tree = std::make_shared<FakeTree>(
      std::map<std::string, std::string>{{"a.yaml", "name: a\n"}, {"b.yaml", "name: [\n"}});
  KeepingSink sink;
  Expand(
      SetOf(std::string(
                "goTemplate: true\ngenerators: [{git: {repoURL: u, files: [{path: '*.yaml'}]}}]") +
            kTemplate),
      fake.world, sink);
  EXPECT_THAT(sink.names, ElementsAre("a"));
  EXPECT_THAT(sink.errors[0].message,
              HasSubstr("unable to process file 'b.yaml' from repository 'u'"));
}

TEST(ExpandTest, ASymbolicLinkNeverLeadsOutOfTheRepository) {
  for (const char* target : {"->/etc/hostname", "->../../x", "->sub/../../x"}) {
    FakeWorld fake;
    fake.git.tree = std::make_shared<FakeTree>(
        std::map<std::string, std::string>{{"a.yaml", target}, {"sub/y", ""}});
    KeepingSink sink;
    const ExpansionResult result = Expand(
        SetOf(
            std::string(
                "goTemplate: true\ngenerators: [{git: {repoURL: u, files: [{path: 'a.yaml'}]}}]") +
            kTemplate),
        fake.world, sink);
    EXPECT_EQ(result.failed, 1u) << target;
    EXPECT_THAT(sink.errors[0].message,
                HasSubstr("symbolic link a.yaml leads out of the repository"));
  }
}

TEST(ExpandTest, ASymbolicLinkInsideIsFollowed) {
  FakeWorld fake;
  fake.git.tree = std::make_shared<FakeTree>(std::map<std::string, std::string>{
      {"l/a.yaml", "->../real/b.yaml"}, {"real/b.yaml", "name: b\n"}});
  KeepingSink sink;
  Expand(SetOf(std::string(
                   "goTemplate: true\ngenerators: [{git: {repoURL: u, files: [{path: 'l/*'}]}}]") +
               kTemplate),
         fake.world, sink);
  EXPECT_THAT(sink.names, ElementsAre("b"));
}

TEST(ExpandTest, RandomFunctionsDependOnInputsOnlyAndWarn) {
  const std::string spec = List("[{name: a}, {name: b}]");
  std::string random_spec = spec;
  random_spec.replace(random_spec.find("{{.name}}"), 9, "{{.name}}-{{randAlpha 8}}");
  FakeWorld fake;
  KeepingSink one;
  KeepingSink two;
  const ExpansionResult result = Expand(SetOf(random_spec), fake.world, one);
  Expand(SetOf(random_spec), fake.world, two);
  EXPECT_EQ(one.names, two.names);
  EXPECT_NE(one.names[0].substr(2), one.names[1].substr(2));
  EXPECT_THAT(result.warnings, SizeIs(1));
  // Another set's arrival changes none of the others.
  std::string grown = random_spec;
  grown.replace(grown.find("[{name: a}"), 10, "[{name: z}, {name: a}");
  KeepingSink three;
  Expand(SetOf(grown), fake.world, three);
  EXPECT_EQ(three.names[1], one.names[0]);
  fake.world.seed.bytes[0] = 1;
  KeepingSink four;
  Expand(SetOf(random_spec), fake.world, four);
  EXPECT_NE(four.names, one.names);
}

TEST(ExpandTest, AnEntryWithoutAKnownKindWarns) {
  const ApplicationSet set = SetOf(std::string("generators: [{listt: {}}]\nextra: 1") + kTemplate);
  EXPECT_THAT(set.warnings(),
              ElementsAre("spec.extra: unknown field, ignored",
                          "spec.generators[0]: no known generator, gives nothing: listt"));
}

TEST(ExpandTest, LimitsAreErrorsOfTheParameterSet) {
  FakeWorld fake;
  KeepingSink sink;
  ExpandOptions options;
  options.limits.parameter_sets_max = 2;
  const ExpansionResult result = Expand(SetOf(List("[{name: a}, {name: b}, {name: c}, {name: d}]")),
                                        fake.world, sink, options);
  EXPECT_THAT(sink.names, ElementsAre("a", "b"));
  EXPECT_EQ(result.failed, 1u);
  EXPECT_THAT(sink.errors[0].message, HasSubstr("more than 2 parameter sets"));
  KeepingSink small;
  options.limits.application_bytes_max = 10;
  Expand(SetOf(List("[{name: a}]")), fake.world, small, options);
  EXPECT_THAT(small.errors[0].message, HasSubstr("at most 10 are allowed"));
}

TEST(ExpandTest, APatchCannotChangeProjectOrNamespace) {
  FakeWorld fake;
  KeepingSink sink;
  Expand(SetOf(List(
             "[{name: a}]",
             "\ntemplatePatch: |\n  metadata: {namespace: elsewhere, labels: {x: '{{.name}}'}}\n"
             "  spec: {project: admin}")),
         fake.world, sink);
  ASSERT_THAT(sink.jsons, SizeIs(1)) << sink.errors[0].ToString();
  EXPECT_THAT(sink.jsons[0], HasSubstr(R"("labels":{"x":"a"})"));
  EXPECT_THAT(sink.jsons[0], HasSubstr(R"("namespace":"argocd")"));
  EXPECT_THAT(sink.jsons[0], HasSubstr(R"("project":"default")"));
}

struct BadSet {
  std::string name;
  std::string spec;
  std::string message;
};

TEST(ParseTest, ErrorsNameTheField) {
  const std::vector<BadSet> rows = {
      {"no spec", "", "spec: expected an object, found nothing"},
      {"type of generators", "{generators: 1}", "spec.generators: expected a list, found a number"},
      {"type of a field", "{generators: [{git: {files: [{path: 1}]}}]}",
       "spec.generators[0].git.files[0].path: expected text, found a number"},
      {"type in a child", "{generators: [{matrix: {generators: [{list: []}]}}]}",
       "spec.generators[0].matrix.generators[0].list: expected an object, found a list"},
      {"type in the template", "{template: {spec: {project: [a]}}}",
       "spec.template.spec.project: expected text, found a list"},
      {"type in a generator's template",
       "{generators: [{list: {template: {spec: {syncPolicy: {automated: {prune: 'x'}}}}}}]}",
       "spec.generators[0].list.template.spec.syncPolicy.automated.prune: expected true or false, "
       "found text"},
      {"policy", "{syncPolicy: {applicationsSync: never}}",
       "spec.syncPolicy.applicationsSync: expected create-only, create-update, create-delete or "
       "sync, found never"},
  };
  for (const BadSet& row : rows) {
    const absl::StatusOr<object::Value> spec = yaml::ParseYaml(row.spec, "spec");
    object::Object root;
    root["kind"] = "ApplicationSet";
    root["spec"] = *spec;
    EXPECT_EQ(ApplicationSet::Parse(root).status().message(), row.message) << row.name;
  }
  EXPECT_EQ(ApplicationSet::Parse(object::Object{{"kind", "Application"}}).status().message(),
            "kind: expected ApplicationSet, found Application");
  EXPECT_EQ(ApplicationSet::Parse("x").status().message(),
            "expected an ApplicationSet, found text");
}

TEST(ParseTest, TheShortestIntervalCounts) {
  EXPECT_EQ(
      SetOf(std::string("generators: [{list: {}}, {clusters: {}}]") + kTemplate).requeue_after(),
      std::nullopt);
  EXPECT_EQ(
      SetOf(std::string("generators: [{scmProvider: {}}, {matrix: {generators: [{git: {}}]}}]") +
            kTemplate)
          .requeue_after(),
      absl::Minutes(3));
  EXPECT_EQ(SetOf(std::string("generators: [{git: {requeueAfterSeconds: 0}}]") + kTemplate)
                .requeue_after(),
            std::nullopt);
}

// A property: what is streamed as bytes is what typed reading of it gives back, whatever the
// parameters hold.
TEST(ExpandPropertyTest, HostileTextStaysText) {
  SeededRandom random(7);
  FakeWorld fake;
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (uint64_t n = random.Below(20); n > 0; --n) {
      static constexpr const char* kParts[] = {"\"",       "\\",   "{",  "}", ",",    "\n",
                                               "\xC3\xA9", "\xFF", "{{", "a", "\x01", "]"};
      text += kParts[random.Below(12)];
    }
    object::Object element;
    element["name"] = "n";
    element["text"] = text;
    object::Object list;
    list["elements"] = object::Array{element};
    object::Object metadata;
    metadata["name"] = "n";
    metadata["labels"] = object::Object{{"k{{.text}}", "{{.text}}"}};
    object::Object spec;
    spec["goTemplate"] = true;
    spec["generators"] = object::Array{object::Object{{"list", list}}};
    spec["template"] = object::Object{{"metadata", metadata}, {"spec", object::Object()}};
    object::Object root;
    root["kind"] = "ApplicationSet";
    root["metadata"] = object::Object{{"name", "s"}};
    root["spec"] = spec;
    const absl::StatusOr<ApplicationSet> set = ApplicationSet::Parse(root);
    ASSERT_TRUE(set.ok());
    KeepingSink sink;
    EXPECT_TRUE(Expand(*set, fake.world, sink).MayDelete());
    EXPECT_THAT(sink.names, SizeIs(1));
  }
}

}  // namespace
}  // namespace leidang::generators
