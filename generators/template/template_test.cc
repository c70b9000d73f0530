#include "generators/template/template.h"

#include <string>

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
