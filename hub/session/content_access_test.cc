#include "hub/session/content_access.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/tree/tree_manifest.h"
#include "hub/session/session_fixture_test.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

class ContentAccessTest : public SessionFixture {
 protected:
  // An Application of that cluster with one file; its tree's digest.
  object::Sha256 Assign(const intent::ClusterId& cluster, const std::string& name,
                        const std::string& file) {
    const std::string manifest = *tree::Encode(
        {.files = {{.path = "a.yaml", .size = file.size(), .digest = object::Sha256::Of(file)}}});
    intent::Assignment assignment = App(name, file);
    intent::Source source;
    source.tree = object::Sha256::Of(manifest);
    assignment.sources.push_back(source);
    WriteBatch batch;
    batch.PutContent(object::Sha256::Of(file), file);
    batch.PutContent(source.tree, manifest);
    batch.Put(cluster, assignment);
    Commit(std::move(batch));
    return source.tree;
  }

  SessionOptions options_{.fetches_per_cluster_max = 2, .fetches_max = 3, .trees_cached_max = 2};
  std::unique_ptr<ContentAccess> access_ = std::make_unique<ContentAccess>(*store_, options_);
};

TEST_F(ContentAccessTest, ServesTreesAndFilesOfTheClustersOwnAssignmentsFromAnyOffset) {
  const object::Sha256 tree = Assign(kOne, "cart", "0123456789");
  ASSERT_OK_AND_ASSIGN(auto whole, access_->Open(kOne, tree, 0));
  EXPECT_EQ(object::Sha256::Of(whole->Next(1'000)), tree);
  EXPECT_EQ(whole->Next(1'000), "");
  ASSERT_OK_AND_ASSIGN(auto rest, access_->Open(kOne, object::Sha256::Of("0123456789"), 4));
  EXPECT_EQ(rest->total(), 10u);
  EXPECT_EQ(rest->Next(4), "4567");
  EXPECT_EQ(rest->Next(4), "89");
  EXPECT_EQ(rest->Next(4), "");
}

TEST_F(ContentAccessTest, RefusesWhatOtherClustersHaveAndWhatNobodyHasInTheSameWords) {
  const object::Sha256 theirs = Assign(kTwo, "desk", "secret");
  Assign(kOne, "cart", "mine");
  for (const object::Sha256& digest :
       {theirs, object::Sha256::Of("secret"), object::Sha256::Of("nobody's")}) {
    EXPECT_THAT(access_->Open(kOne, digest, 0), StatusIs(absl::StatusCode::kPermissionDenied,
                                                         HasSubstr("belongs to no assignment")));
  }
}

TEST_F(ContentAccessTest, TheRightEndsWithTheAssignment) {
  const object::Sha256 before = Assign(kOne, "cart", "before");
  EXPECT_OK(access_->Open(kOne, before, 0).status());
  const object::Sha256 after = Assign(kOne, "cart", "after");
  EXPECT_THAT(access_->Open(kOne, before, 0), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_OK(access_->Open(kOne, after, 0).status());
  Delete(kOne, App("cart", ""));
  EXPECT_THAT(access_->Open(kOne, after, 0), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ContentAccessTest, AnOffsetBeyondTheEndIsAnError) {
  const object::Sha256 tree = Assign(kOne, "cart", "x");
  EXPECT_THAT(access_->Open(kOne, tree, 1'000'000),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("1000000")));
}

TEST_F(ContentAccessTest, ReadersAreBoundedForEachClusterAndInAll) {
  const object::Sha256 one = Assign(kOne, "cart", "x");
  const object::Sha256 two = Assign(kTwo, "desk", "y");
  std::vector<std::unique_ptr<ContentSender>> readers;
  for (const auto& [cluster, tree] :
       {std::pair(kOne, one), std::pair(kOne, one), std::pair(kTwo, two)}) {
    ASSERT_OK_AND_ASSIGN(auto reader, access_->Open(cluster, tree, 0));
    readers.push_back(std::move(reader));
  }
  EXPECT_THAT(access_->Open(kOne, one, 0), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(access_->Open(kTwo, two, 0), StatusIs(absl::StatusCode::kResourceExhausted));
  readers.clear();
  EXPECT_EQ(access_->readers(), 0u);
  EXPECT_OK(access_->Open(kOne, one, 0).status());
}

TEST_F(ContentAccessTest, ManyTreesAreReadThroughASmallMemory) {
  std::vector<object::Sha256> files;
  for (int i = 0; i < 6; ++i) {
    const std::string file = absl::StrCat("file ", i);
    Assign(kOne, absl::StrCat("app-", i), file);
    files.push_back(object::Sha256::Of(file));
  }
  for (int round = 0; round < 2; ++round) {
    for (const object::Sha256& file : files) EXPECT_OK(access_->Open(kOne, file, 0).status());
  }
}

TEST_F(ContentAccessTest, AnAgentBeyondItsShareWaitsAndOthersDoNot) {
  options_.fetches_per_second = 10;
  options_.fetches_burst = 2;
  options_.fetched_bytes_per_second = 100;
  options_.fetched_bytes_burst = 50;
  access_ = std::make_unique<ContentAccess>(*store_, options_);
  const absl::Duration now = absl::Seconds(5);
  EXPECT_EQ(access_->TakeFetch(kOne, now), absl::ZeroDuration());
  EXPECT_EQ(access_->TakeFetch(kOne, now), absl::ZeroDuration());
  EXPECT_EQ(access_->TakeFetch(kOne, now), absl::Milliseconds(100));
  EXPECT_EQ(access_->TakeFetch(kTwo, now), absl::ZeroDuration());
  EXPECT_EQ(access_->TakeFetch(kOne, now + absl::Seconds(1)), absl::ZeroDuration());

  const object::Sha256 tree = Assign(kOne, "cart", "0123456789");
  const object::Sha256 other = Assign(kTwo, "cart", "0123456789");
  ASSERT_OK_AND_ASSIGN(auto sender, access_->Open(kOne, tree, 0));
  EXPECT_EQ(sender->Take(50, now), absl::ZeroDuration());
  EXPECT_EQ(sender->Take(25, now), absl::Milliseconds(250));
  ASSERT_OK_AND_ASSIGN(auto theirs, access_->Open(kTwo, other, 0));
  EXPECT_EQ(theirs->Take(50, now), absl::ZeroDuration());
}

TEST_F(ContentAccessTest, AllAgentsTogetherHaveAShare) {
  options_.content_bytes_per_second = 100;
  options_.content_bytes_burst = 100;
  access_ = std::make_unique<ContentAccess>(*store_, options_);
  const object::Sha256 tree = Assign(kOne, "cart", "0123456789");
  const object::Sha256 other = Assign(kTwo, "cart", "0123456789");
  ASSERT_OK_AND_ASSIGN(auto sender, access_->Open(kOne, tree, 0));
  ASSERT_OK_AND_ASSIGN(auto theirs, access_->Open(kTwo, other, 0));
  EXPECT_EQ(sender->Take(100, absl::Seconds(5)), absl::ZeroDuration());
  EXPECT_EQ(theirs->Take(50, absl::Seconds(5)), absl::Milliseconds(500));
}

}  // namespace
}  // namespace leidang::hub
