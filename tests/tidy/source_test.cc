#include "tests/tidy/source.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/tidy/planted.h"

namespace leidang::tidy {
namespace {

std::string CodeOf(const std::string& text) { return Planted("hub/a.cc", text).lines.at(0).code; }

TEST(Source, CodeHoldsNeitherCommentsNorTheTextOfLiterals) {
  EXPECT_EQ(CodeOf("f(\"a // \\\" b\", 'c');  // d"), "f(\"\", '');  ");
  EXPECT_EQ(CodeOf("a /* b */ c"), "a  c");
  EXPECT_EQ(CodeOf("x = R\"q(text \" )\" here)q\" + y;"), "x = \"\" + y;");
}

TEST(Source, ADigitSeparatorOpensNoLiteral) {
  EXPECT_EQ(CodeOf("n = 1'000'000; f();"), "n = 1'000'000; f();");
}

TEST(Source, LinesStayInStepAcrossCommentsAndRawStrings) {
  const Source source = Planted("hub/a.cc", "/* a\nb */ c\nR\"(d\ne)\" f\ng");
  ASSERT_EQ(source.lines.size(), 5);
  EXPECT_EQ(source.lines[1].code, " c");
  EXPECT_EQ(source.lines[1].comment, "b */");
  EXPECT_EQ(source.lines[3].code, " f");
  EXPECT_EQ(source.lines[4].code, "g");
}

TEST(Source, IncludesHaveTheirLineAndForm) {
  const Source source =
      Planted("hub/a.cc", "\n#include \"hub/b.h\"\n#include <map>\n// #include <set>\n");
  ASSERT_EQ(source.includes.size(), 2);
  EXPECT_EQ(source.includes[0].name, "hub/b.h");
  EXPECT_EQ(source.includes[0].line, 2);
  EXPECT_EQ(source.includes[1].name, "map");
  EXPECT_EQ(source.includes[1].form, Include::Form::kAngled);
}

TEST(Source, WholeNamesAreToldFromPartsOfOthers) {
  EXPECT_TRUE(IsWholeName("sleep(1)", 0));
  EXPECT_TRUE(IsWholeName("::sleep(1)", 2));
  EXPECT_TRUE(IsWholeName("std::rand()", 5));
  EXPECT_FALSE(IsWholeName("usleep(1)", 1));
  EXPECT_FALSE(IsWholeName("x.sleep(1)", 2));
  EXPECT_FALSE(IsWholeName("x->sleep(1)", 3));
  EXPECT_FALSE(IsWholeName("my::sleep(1)", 4));
}

TEST(Source, TestCodeIsKnownByItsName) {
  EXPECT_TRUE(IsTestCode("hub/store/store_test.cc"));
  EXPECT_TRUE(IsTestCode("hub/store/store_contract_test.h"));
  EXPECT_TRUE(IsTestCode("tests/sim/world.cc"));
  EXPECT_FALSE(IsTestCode("hub/store/store.cc"));
}

}  // namespace
}  // namespace leidang::tidy
