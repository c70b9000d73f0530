#include "tests/tidy/layout.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/tidy/planted.h"

namespace leidang::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Check(const std::string& path, const std::string& text) {
  return Found(CheckLayout(Planted(path, text), {{"hub/store/store.h", ""}}));
}

TEST(Layout, AHeaderStartsWithPragmaOnce) {
  EXPECT_THAT(Check("hub/a.h", "int a;\n"), ElementsAre("1: pragma-once"));
  EXPECT_THAT(Check("hub/a.h", "// #pragma once\n"), ElementsAre("1: pragma-once"));
  EXPECT_THAT(Check("hub/a.h", "#pragma once\n"), IsEmpty());
  EXPECT_THAT(Check("hub/a.cc", "int a;\n"), IsEmpty());
}

TEST(Layout, IncludesAreSpelledFromTheRootAndExist) {
  EXPECT_THAT(Check("hub/store/a.cc", "#include \"store.h\"\n"), ElementsAre("1: includes"));
  EXPECT_THAT(Check("hub/store/a.cc", "#include \"../store/store.h\"\n"),
              ElementsAre("1: includes"));
  EXPECT_THAT(Check("hub/store/a.cc", "#include \"hub/store/shop.h\"\n"),
              ElementsAre("1: includes"));
  EXPECT_THAT(Check("hub/store/a.cc", "#include \"hub/store/store.h\"\n"), IsEmpty());
}

TEST(Layout, TypesSayWhatTheyAreResponsibleFor) {
  EXPECT_THAT(Check("hub/a.cc", "class LeaseManager {\n"), ElementsAre("1: names"));
  EXPECT_THAT(Check("hub/a.cc", "struct EventHandler;\n"), ElementsAre("1: names"));
  EXPECT_THAT(Check("hub/a.cc", "class LeaseTable {\n"), IsEmpty());
}

TEST(Text, FilesAreNotCalledAfterNothing) {
  EXPECT_THAT(Found(CheckText({"hub/util/a.cc", ""})), ElementsAre("0: names"));
  EXPECT_THAT(Found(CheckText({"hub/store/helpers.h", ""})), ElementsAre("0: names"));
  EXPECT_THAT(CheckText({"hub/store/utility_curve.h", ""}), IsEmpty());
}

TEST(Text, PlacesOfOneMachineAndRegistryHostsAreFoundInAnyFile) {
  EXPECT_THAT(Found(CheckText({"README.md", std::string("a\ncd /wor") + "k/leidang\n"})),
              ElementsAre("2: places"));
  EXPECT_THAT(Found(CheckText({"a.sh", std::string("curl https://proxy.") + "golang.org\n"})),
              ElementsAre("1: places"));
  EXPECT_THAT(Found(CheckText({"a.txt", std::string("-i https://py") + "pi.org/simple"})),
              ElementsAre("1: places"));
  EXPECT_THAT(Found(CheckText({"a.txt", std::string("\"/wor") + "k/x\""})),
              ElementsAre("1: places"));
  EXPECT_THAT(CheckText({"a.sh", std::string("cd $state/wor") + "k/x ${state}/wor" + "k/x\n"}),
              IsEmpty());
  EXPECT_THAT(CheckText({"a.md", "see docs/work.md and image: registry.example.com/app\n"}),
              IsEmpty());
}

}  // namespace
}  // namespace leidang::tidy
