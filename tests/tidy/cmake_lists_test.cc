#include "tests/tidy/cmake_lists.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/tidy/planted.h"

namespace leidang::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Findings Check(const std::string& lists, Repository others = {}) {
  others.push_back({"hub/source/CMakeLists.txt", lists});
  return CheckCMake(others);
}

TEST(CMake, CallsHaveTheirArgumentsByKeyword) {
  const auto calls = ParseCMake(
      "# app_x(no)\napp_module(hub/source\n  HEADERS a.h b.h  # why\n  DEPS dep::absl)\n");
  ASSERT_EQ(calls.size(), 1);
  EXPECT_EQ(calls[0].line, 2);
  EXPECT_EQ(calls[0].name, "hub/source");
  EXPECT_THAT(calls[0].arguments.at("HEADERS"), ElementsAre("a.h", "b.h"));
  EXPECT_THAT(calls[0].arguments.at("DEPS"), ElementsAre("dep::absl"));
}

TEST(CMake, LinksObeyTheRoomTable) {
  EXPECT_THAT(Found(Check("app_module(hub/source DEPS app::hub_store)\n")),
              ElementsAre("1: links"));
  EXPECT_THAT(Found(Check("app_module(hub/source PRIVATE_DEPS app::agent_state)\n")),
              ElementsAre("1: links"));
  EXPECT_THAT(Found(Check("app_module(hub/source DEPS app::proto_leidang_v1_grpc)\n")),
              ElementsAre("1: links"));
  EXPECT_THAT(Found(Check("app_module(hub/source DEPS app::tests_support)\n")),
              ElementsAre("1: links"));
  EXPECT_THAT(Check("app_module(hub/source DEPS app::hub_model app::common_base)\n"), IsEmpty());
}

TEST(CMake, LinksObeyTheFences) {
  EXPECT_THAT(Found(Check("app_module(hub/source\n  DEPS dep::rocksdb)\n")),
              ElementsAre("1: links"));
  EXPECT_THAT(Check("app_module(hub/source DEPS dep::libgit2 dep::absl)\n"), IsEmpty());
}

TEST(CMake, ATestMaySeeTestSupport) {
  EXPECT_THAT(Check("app_test(a_test LABEL unit SOURCES a_test.cc DEPS app::hub_source "
                    "app::tests_support dep::gtest)\n"),
              IsEmpty());
}

TEST(CMake, EachFuzzerHasACorpus) {
  const std::string fuzz = "app_fuzz(a_fuzz SOURCES a_fuzz.cc CORPUS a_corpus)\n";
  EXPECT_THAT(Found(Check(fuzz)), ElementsAre("1: corpus"));
  EXPECT_THAT(Found(Check(fuzz, {{"hub/source/a_corpus/x", ""}})), ElementsAre("1: corpus"));
  EXPECT_THAT(Check(fuzz, {{"hub/source/a_corpus/x", "{}"}}), IsEmpty());
  EXPECT_THAT(Found(Check("app_fuzz(a_fuzz SOURCES a_fuzz.cc)\n")), ElementsAre("1: corpus"));
}

TEST(CMake, EachSourceIsInATarget) {
  const Findings findings =
      Check("app_module(hub/source SOURCES a.cc)\n", {{"hub/source/a.cc", ""},
                                                      {"hub/source/b.cc", ""},
                                                      {"hub/source/private.h", ""},
                                                      {"hub/source/deep/c.cc", ""}});
  EXPECT_THAT(Found(findings), ElementsAre("0: unbuilt"));
  EXPECT_THAT(findings[0].advice, HasSubstr("hub/source/b.cc"));
}

TEST(CMake, AModuleIsCalledAfterItsFolder) {
  EXPECT_THAT(Found(Check("app_module(hub/sources)\n")), ElementsAre("1: modules"));
  EXPECT_THAT(Check("app_module(hub/source/fake)\n"), IsEmpty());
}

}  // namespace
}  // namespace leidang::tidy
