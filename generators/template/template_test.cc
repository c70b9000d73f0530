#include "generators/template/template.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "generators/template/testing.h"

namespace leidang::generators {
namespace {

TValue Params(const std::string& json) { return TypedFromJson(object::ParseJson(json).value()); }

std::string Render(const std::string& text, const TValue& root, RenderContext* context) {
  absl::StatusOr<Template> compiled = Template::Compile(text);
  if (!compiled.ok()) return std::string(compiled.status().message());
  std::string out;
  const absl::Status status = compiled->Execute(root, context, &out);
  return status.ok() ? out : std::string(status.message());
}

std::string Render(const std::string& text, const TValue& root = TValue()) {
  RenderContext context;
  return Render(text, root, &context);
}

TEST(Template, RendersFieldsOfLayeredParameters) {
  const TValue cluster =
      Params(R"({"name": "prod", "metadata": {"labels": {"$stringmap": {"env": "live"}}}})");
  const TValue directory = Params(R"({"path": {"basename": "web"}, "name": "hidden"})");
  const TValue layers[] = {cluster, directory};
  EXPECT_EQ(
      Render("{{.name}}-{{.path.basename}}-{{.metadata.labels.env}}", TValue::Layered(layers)),
      "prod-web-live");
  EXPECT_EQ(Render("{{range $k, $v := .}}{{$k}} {{end}}{{len .}}", TValue::Layered(layers)),
            "metadata name path 3");
}

TEST(Template, LiteralTextIsKnownAtCompileTime) {
  const Template literal = Template::Compile("no actions {{/* but a comment */}}here").value();
  EXPECT_TRUE(literal.is_literal());
  EXPECT_EQ(literal.literal(), "no actions here");
  EXPECT_FALSE(Template::Compile("{{.x}}").value().is_literal());
}

TEST(Template, NothingIsAppendedWithAnError) {
  RenderContext context;
  std::string out = "before";
  EXPECT_FALSE(Template::Compile("text {{.a.b}}")
                   .value()
                   .Execute(Params(R"({"a": 1})"), &context, &out)
                   .ok());
  EXPECT_EQ(out, "before");
}

TEST(Template, AnEndlessRecursionIsAnError) {
  EXPECT_EQ(Render("{{define \"r\"}}x{{template \"r\"}}{{end}}{{template \"r\"}}"),
            "failed to execute go template {{define \"r\"}}x{{template \"r\"}}{{end}}{{template "
            "\"r\"}}: template: "
            "base:1:26: executing \"r\" at <{{template \"r\"}}>: exceeded maximum template depth "
            "(100000)");
}

TEST(Template, StepsAndOutputAreLimited) {
  RenderContext context;
  context.limits.steps_max = 1000;
  context.limits.output_bytes_max = 50;
  EXPECT_NE(
      Render("{{range 1000000}}{{end}}", TValue(), &context).find("takes more than 1000 steps"),
      std::string::npos);
  EXPECT_NE(Render("{{range 100}}x{{end}}", TValue(), &context).find("the output exceeds 50 bytes"),
            std::string::npos);
}

// Each of these would take hours or all memory if nothing counted its work.
TEST(Template, HostileTemplatesRunOutOfTheirBudget) {
  const TValue root = Params(absl::StrCat(R"({"s": ")", std::string(100'000, 'x'), R"("})"));
  for (const char* text : {
           "{{range 1000000000}}{{range 1000000000}}{{end}}{{end}}",
           "{{define \"a\"}}{{range 2}}{{template \"a\"}}{{end}}{{end}}{{template \"a\"}}",
           "{{repeat 1000000000 \"x\"}}",
           "{{indent 1000000000 \"x\"}}",
           "{{$x := \"aaaa\"}}{{range 100}}{{$x = print $x $x}}{{end}}",
           "{{$x := list 1}}{{range 100}}{{$x = concat $x $x}}{{end}}",
           "{{seq 1 1000000000}}",
           "{{until 1000000000}}",
           "{{range 1000000000}}{{$x := bcrypt \"x\"}}{{end}}",
           "{{range 1000000000}}{{$x := derivePassword 1 \"long\" \"a\" \"b\" \"c\"}}{{end}}",
           "{{range $i, $_ := until 10000}}{{$x := regexMatch (printf \"a{1,999}%d\" $i) "
           "\"a\"}}{{end}}",
           "{{range 1000000000}}{{$x := sha512sum $.s}}{{end}}",
           "{{range 1000000000}}{{$x := eq $.s $.s}}{{end}}",
           "{{range 1000000000}}{{$x := contains \"y\" $.s}}{{end}}",
           "{{range 1000000000}}{{$x := toYaml $.s}}{{end}}",
           "{{range 1000000000}}{{$x := fromYaml $.s}}{{end}}",
           "{{$d := dict}}{{range $i, $_ := until 50000}}{{$_ := set $d (print (sub 90000 $i)) "
           "1}}{{end}}",
           "{{$x := list 1}}{{range 20000}}{{$x = list $x}}{{end}}{{toJson $x}}",
       }) {
    RenderContext context;
    context.limits.steps_max = 200'000;
    std::string out;
    const absl::Status status = Template::Compile(text).value().Execute(root, &context, &out);
    EXPECT_FALSE(status.ok()) << text;
    EXPECT_TRUE(out.empty()) << text;
  }
}

TEST(Template, WhatNestsTooDeeplyIsAnErrorAndNoStackOverflow) {
  const std::string nested = "{{$x := dict \"a\" 1}}{{range 20000}}{{$x = dict \"a\" $x}}{{end}}";
  for (const char* use : {"{{$x}}", "{{toYaml $x}}", "{{toJson $x}}", "{{deepCopy $x}}",
                          "{{merge (dict \"a\" (dict)) $x}}"}) {
    EXPECT_TRUE(absl::StartsWith(Render(nested + use), "failed to execute")) << use;
  }
}

TEST(Template, DeepNestingIsAnErrorOfParsing) {
  EXPECT_NE(Render("{{" + std::string(100000, '(') + "1" + std::string(100000, ')') + "}}")
                .find("max expression depth exceeded"),
            std::string::npos);
  std::string ifs;
  for (int i = 0; i < 10000; ++i) ifs += "{{if 1}}";
  EXPECT_NE(Render(ifs).find("max expression depth exceeded"), std::string::npos);
}

TEST(Template, BreakInTheElseOfAnInnerRangeEndsTheInnerOne) {
  EXPECT_EQ(Render("{{range 2}}a{{range 0}}{{else}}{{break}}{{end}}b{{end}}"), "abab");
  EXPECT_EQ(Render("{{range 2}}a{{range 0}}{{else}}{{continue}}{{end}}b{{end}}"), "aa");
}

}  // namespace
}  // namespace leidang::generators
