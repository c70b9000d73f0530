#include "hub/source/revision.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

GitId Id(uint8_t n) {
  GitId id;
  id.bytes[0] = n;
  return id;
}

RefMap Refs() {
  return {{"refs/heads/main", Id(1)},       {"refs/heads/1.x", Id(2)},
          {"refs/heads/deadbee", Id(3)},    {"refs/heads/both", Id(4)},
          {"refs/tags/1.0.0", Id(5)},       {"refs/tags/1.4.2", Id(6)},
          {"refs/tags/2.0.0-rc.1", Id(7)},  {"refs/tags/both", Id(8)},
          {"refs/tags/v1.4.2", Id(9)},      {"refs/tags/nightly", Id(10)},
          {"refs/tags/app/v3.1.0", Id(11)}, {"refs/tags/app/v3.2.0", Id(12)},
          {"refs/heads/feature/x", Id(13)}};
}

std::string Pick(const std::string& text, const std::string& prefix = "") {
  const auto pick = PickRevision(Refs(), {text, prefix}, "repo");
  if (!pick.ok()) return SourceReasonOf(pick.status()) ? "none" : "unexpected";
  switch (pick->kind) {
    case RevisionPick::Kind::kHead:
      return "HEAD";
    case RevisionPick::Kind::kReference:
      return pick->text;
    case RevisionPick::Kind::kCommit:
      return "commit " + pick->text;
    case RevisionPick::Kind::kAbbreviated:
      return "abbreviated " + pick->text;
  }
  return "";
}

TEST(RevisionTest, EmptyAndHeadAreTheRemotesHead) {
  EXPECT_EQ(Pick(""), "HEAD");
  EXPECT_EQ(Pick("HEAD"), "HEAD");
}

TEST(RevisionTest, ABranchOrTagIsFoundByShortAndFullName) {
  EXPECT_EQ(Pick("main"), "refs/heads/main");
  EXPECT_EQ(Pick("heads/main"), "refs/heads/main");
  EXPECT_EQ(Pick("refs/heads/main"), "refs/heads/main");
  EXPECT_EQ(Pick("feature/x"), "refs/heads/feature/x");
  EXPECT_EQ(Pick("nightly"), "refs/tags/nightly");
  EXPECT_EQ(Pick("tags/nightly"), "refs/tags/nightly");
  EXPECT_EQ(Pick("refs/tags/both"), "refs/tags/both");
}

TEST(RevisionTest, OfABranchAndATagWithOneNameTheBranchCounts) {
  EXPECT_EQ(Pick("both"), "refs/heads/both");
}

TEST(RevisionTest, AConstraintPicksTheHighestTagAndNeverABranch) {
  EXPECT_EQ(Pick("1.x"), "refs/tags/1.4.2");
  EXPECT_EQ(Pick(">=1 <2"), "refs/tags/1.4.2");
  EXPECT_EQ(Pick("~1.0"), "refs/tags/1.0.0");
  EXPECT_EQ(Pick("*"), "refs/tags/1.4.2");
  EXPECT_EQ(Pick(">=2.0.0-0"), "refs/tags/2.0.0-rc.1");
}

TEST(RevisionTest, AConstraintThatNothingSatisfiesIsReadAsAName) {
  RefMap refs = Refs();
  refs["refs/heads/9.x"] = Id(20);
  const auto pick = PickRevision(refs, {"9.x", ""}, "repo");
  ASSERT_OK(pick);
  EXPECT_EQ(pick->text, "refs/heads/9.x");
  EXPECT_THAT(PickRevision(refs, {">=7", ""}, "repo"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no tag satisfies \">=7\"")));
}

TEST(RevisionTest, APlainVersionIsAName) {
  EXPECT_EQ(Pick("1.4.2"), "refs/tags/1.4.2");
  EXPECT_EQ(Pick("v1.4.2"), "refs/tags/v1.4.2");
  EXPECT_EQ(Pick("1.4"), "none");
}

TEST(RevisionTest, ATagPrefixIsTakenOffBeforeVersionsAreCompared) {
  EXPECT_EQ(Pick("3.x", "app/"), "refs/tags/app/v3.2.0");
  EXPECT_EQ(Pick("app/3.x", "app/"), "refs/tags/app/v3.2.0");
  EXPECT_EQ(Pick("3.x"), "none");
}

TEST(RevisionTest, HexadecimalDigitsAreCommitsUnlessANameSaysOtherwise) {
  EXPECT_EQ(Pick("DEADBEEFDEADBEEFDEADBEEFDEADBEEFDEADBEEF"),
            "commit deadbeefdeadbeefdeadbeefdeadbeefdeadbeef");
  EXPECT_EQ(Pick("deadbee"), "refs/heads/deadbee");
  EXPECT_EQ(Pick("deadbee1"), "abbreviated deadbee1");
  EXPECT_EQ(Pick("deadb"), "none");
}

TEST(RevisionTest, AnUnknownNameSaysWhatToDo) {
  const auto pick = PickRevision(Refs(), {"mian", ""}, "https://git.example.com/a.git");
  EXPECT_THAT(pick, StatusIs(absl::StatusCode::kNotFound,
                             HasSubstr("https://git.example.com/a.git: there is no branch, tag or "
                                       "commit \"mian\"")));
  EXPECT_EQ(SourceReasonOf(pick.status()), SourceReason::kRevisionNotFound);
}

}  // namespace
}  // namespace leidang::hub
