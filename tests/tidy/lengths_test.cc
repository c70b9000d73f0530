#include "tests/tidy/lengths.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/tidy/planted.h"

namespace leidang::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Repeated(const std::string& line, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += line;
  return text;
}

std::vector<std::string> Check(const std::string& path, const std::string& text) {
  return Found(CheckLengths(Planted(path, text)));
}

TEST(Lengths, AFileMayHave800LinesAndATest1000) {
  EXPECT_THAT(Check("hub/a.cc", Repeated("int a;\n", 800)), IsEmpty());
  EXPECT_THAT(Check("hub/a.cc", Repeated("int a;\n", 801)), ElementsAre("0: length"));
  EXPECT_THAT(Check("hub/a_test.cc", Repeated("int a;\n", 1000)), IsEmpty());
  EXPECT_THAT(Check("hub/a_test.cc", Repeated("int a;\n", 1001)), ElementsAre("0: length"));
}

TEST(Lengths, AFunctionMayHave80Lines) {
  const std::string body = Repeated("  f();\n", 78);
  EXPECT_THAT(Check("hub/a.cc", "void F() {\n" + body + "}\n"), IsEmpty());
  EXPECT_THAT(Check("hub/a.cc", "\nvoid F() {\n" + body + "  f();\n}\n"), ElementsAre("2: length"));
}

TEST(Lengths, FunctionsAreFoundWhereverTheyStand) {
  const std::string body = Repeated("  f();\n", 79);
  for (const char* head :
       {"namespace a {\nint F() {\n", "class A {\n  int F() const override {\n",
        "template <class T>\nint F(T t) {\n", "struct A : B {\n  A() : B(1), c_{2} {\n",
        "extern \"C\" {\nint F() {\n", "class ABSL_LOCKABLE A {\n void F() {\n", "TEST(A, B) {\n\n",
        "auto A::F(int a) -> int {\n\n"}) {
    EXPECT_EQ(Check("hub/a.cc", absl::StrCat(head, body, "}\n}\n")).size(), 1) << head;
  }
}

TEST(Lengths, TablesAndMacrosAreNoFunctions) {
  const std::string rows = Repeated("  {f(1), {2}},\n", 90);
  EXPECT_THAT(Check("hub/a.cc", "const Row kRows[] = {\n" + rows + "};\n"), IsEmpty());
  EXPECT_THAT(Check("hub/a.cc", "const auto kRows = Make({\n" + rows + "});\n"), IsEmpty());
  EXPECT_THAT(Check("hub/a.cc", "#define A(x) \\\n" + Repeated("  { x(); \\\n", 90) + "\nint a;\n"),
              IsEmpty());
}

}  // namespace
}  // namespace leidang::tidy
