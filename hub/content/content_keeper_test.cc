#include "hub/content/content_keeper.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/sim_loop.h"
#include "hub/content/content_reader.h"
#include "hub/store/memory_rows.h"
#include "hub/store/memory_store.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

using Files = std::map<std::string, std::string>;

tree::TreeManifest ManifestOf(const Files& files) {
  tree::TreeManifest manifest;
  for (const auto& [path, content] : files) {
    manifest.files.push_back({.path = path,
                              .mode = tree::FileMode::kRegular,
                              .size = content.size(),
                              .digest = object::Sha256::Of(content)});
  }
  return manifest;
}

class ContentKeeperTest : public ::testing::Test {
 protected:
  ContentKeeperTest()
      : store_(*OpenMemoryStore(&disk_, &loop_)), keeper_(*store_), reader_(*store_) {}

  // Adds a tree to a batch without committing it.
  object::Sha256 Stage(const Files& files, WriteBatch* batch) {
    const auto digest = keeper_.AddTree(
        ManifestOf(files), [&](const tree::TreeFile& file) { return files.at(file.path); }, batch);
    EXPECT_OK(digest);
    return digest.value_or(object::Sha256());
  }

  void Commit(WriteBatch batch) {
    absl::Status status = absl::UnknownError("not committed");
    store_->Commit(std::move(batch), &loop_,
                   [&](const CommitResult& result) { status = result.status; });
    loop_.RunUntilIdle();
    EXPECT_OK(status);
  }

  object::Sha256 Add(const Files& files) {
    WriteBatch batch;
    const object::Sha256 digest = Stage(files, &batch);
    Commit(std::move(batch));
    return digest;
  }

  ContentKeeper::SweepResult SweepKeeping(const std::vector<object::Sha256>& trees) {
    std::optional<ContentKeeper::SweepResult> result;
    auto sweep = keeper_.BeginSweep();
    EXPECT_OK(sweep);
    for (const object::Sha256& tree : trees) EXPECT_OK((*sweep)->Keep(tree));
    EXPECT_OK((*sweep)->Finish(&loop_, [&](const auto& done) { result = done; }));
    loop_.RunUntilIdle();
    EXPECT_TRUE(result.has_value());
    return result.value_or(ContentKeeper::SweepResult());
  }

  bool Has(absl::string_view content) { return *store_->HasContent(object::Sha256::Of(content)); }

  SimLoop loop_;
  MemoryRows disk_;
  std::unique_ptr<Store> store_;
  ContentKeeper keeper_;
  StoreContent reader_;
};

TEST_F(ContentKeeperTest, ATreeCanBeReadBackFileByFile) {
  const object::Sha256 digest = Add({{"a", "one"}, {"b/c", "two"}});
  ASSERT_OK_AND_ASSIGN(const auto bytes, reader_.Get(digest));
  ASSERT_OK_AND_ASSIGN(const tree::TreeManifest manifest, tree::Parse(*bytes));
  ASSERT_EQ(manifest.files.size(), 2u);
  EXPECT_EQ(**reader_.Get(manifest.files[0].digest), "one");
  EXPECT_EQ(**reader_.Get(manifest.files[1].digest), "two");
}

TEST_F(ContentKeeperTest, OnlyWhatIsMissingIsReadAndWritten) {
  Add({{"a", "one"}, {"b", "two"}});
  WriteBatch batch;
  const Files changed = {{"a", "one"}, {"b", "new"}, {"copy", "new"}};
  int reads = 0;
  ASSERT_OK(keeper_.AddTree(
      ManifestOf(changed),
      [&](const tree::TreeFile& file) -> absl::StatusOr<std::string> {
        ++reads;
        return changed.at(file.path);
      },
      &batch));
  EXPECT_EQ(reads, 1);
  EXPECT_EQ(batch.ops().size(), 2u) << "the new file and the new manifest";
  WriteBatch same;
  Stage({{"a", "one"}, {"b", "two"}}, &same);
  EXPECT_TRUE(same.empty());
}

TEST_F(ContentKeeperTest, AFileThatIsNotWhatTheManifestSaysIsRefused) {
  WriteBatch batch;
  const auto result = keeper_.AddTree(
      ManifestOf({{"a", "one"}}), [](const tree::TreeFile&) { return std::string("other"); },
      &batch);
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a is not what")));
}

TEST_F(ContentKeeperTest, ASweepRemovesWhatNoKeptTreeHas) {
  const object::Sha256 kept = Add({{"a", "one"}, {"b", "two"}});
  Add({{"a", "one"}, {"b", "three"}});
  SweepKeeping({kept});
  EXPECT_TRUE(Has("three")) << "it was named since the sweep before";
  const auto result = SweepKeeping({kept});
  EXPECT_OK(result.status);
  EXPECT_EQ(result.deleted, 2u);
  EXPECT_EQ(result.kept, 3u);
  EXPECT_TRUE(Has("one"));
  EXPECT_TRUE(Has("two"));
  EXPECT_FALSE(Has("three"));
}

TEST_F(ContentKeeperTest, WhatIsStagedButNotYetAssignedSurvives) {
  Add({{"a", "old"}});
  SweepKeeping({});
  WriteBatch batch;
  Stage({{"a", "old"}}, &batch);  // Everything is there, so the batch relies on it.
  SweepKeeping({});
  EXPECT_TRUE(Has("old"));
}

TEST_F(ContentKeeperTest, WhatIsBeingDeletedIsPutAgainAndStays) {
  Add({{"a", "old"}});
  SweepKeeping({});
  auto sweep = keeper_.BeginSweep();
  ASSERT_OK(sweep);
  bool done = false;
  ASSERT_OK((*sweep)->Finish(&loop_, [&](const auto&) { done = true; }));
  ASSERT_FALSE(done) << "the deletion is not committed yet";
  WriteBatch batch;
  Stage({{"a", "old"}}, &batch);
  EXPECT_EQ(batch.ops().size(), 2u);
  Commit(std::move(batch));
  EXPECT_TRUE(done);
  EXPECT_TRUE(Has("old"));
}

TEST_F(ContentKeeperTest, ATreeThatCannotBeReadSpoilsTheSweep) {
  Add({{"a", "one"}});
  SweepKeeping({});
  {
    auto sweep = keeper_.BeginSweep();
    ASSERT_OK(sweep);
    EXPECT_THAT((*sweep)->Keep(object::Sha256::Of("nothing")),
                StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT((*sweep)->Finish(&loop_, [](const auto&) { FAIL(); }),
                StatusIs(absl::StatusCode::kFailedPrecondition));
  }
  loop_.RunUntilIdle();
  EXPECT_TRUE(Has("one"));
  EXPECT_OK(keeper_.BeginSweep()) << "the spoilt one has ended";
}

TEST_F(ContentKeeperTest, OneSweepRunsAtATime) {
  auto first = keeper_.BeginSweep();
  EXPECT_THAT(keeper_.BeginSweep(), StatusIs(absl::StatusCode::kFailedPrecondition));
  first->reset();
  EXPECT_OK(keeper_.BeginSweep());
}

TEST_F(ContentKeeperTest, AFailedCommitIsReported) {
  Add({{"a", "one"}});
  SweepKeeping({});
  disk_.FailNextPersist(absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(SweepKeeping({}).status, StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(ContentKeeperTest, RangesCoverTheWholeAndEndAtItsEnd) {
  MemoryContent content;
  const object::Sha256 digest = content.Put("0123456789");
  EXPECT_EQ(content.GetRange(digest, 0, 4)->bytes, "0123");
  EXPECT_EQ(content.GetRange(digest, 8, 4)->bytes, "89");
  EXPECT_EQ(content.GetRange(digest, 10, 4)->bytes, "");
  EXPECT_EQ(content.GetRange(digest, 3, 4)->total, 10u);
  EXPECT_THAT(content.GetRange(digest, 11, 4), StatusIs(absl::StatusCode::kOutOfRange));
  content.Remove(digest);
  EXPECT_THAT(content.GetRange(digest, 0, 4), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ContentKeeperTest, TheReaderKeepsWhatWasReadLastWithinItsLimit) {
  Add({{"a", std::string(40, 'a')}, {"b", std::string(40, 'b')}, {"c", std::string(60, 'c')}});
  const StoreContent cached(*store_, 200);
  const auto digest = [](char c, size_t n) { return object::Sha256::Of(std::string(n, c)); };
  const auto a = *cached.Get(digest('a', 40));
  EXPECT_EQ(cached.Get(digest('a', 40))->get(), a.get()) << "shared, not read again";
  const auto c = *cached.Get(digest('c', 60));
  EXPECT_NE(cached.Get(digest('c', 60))->get(), c.get()) << "too large to keep";
  for (char other = 'd'; other < 'k'; ++other) Add({{"x", std::string(40, other)}});
  for (char other = 'd'; other < 'k'; ++other) ASSERT_OK(cached.Get(digest(other, 40)));
  EXPECT_NE(cached.Get(digest('a', 40))->get(), a.get()) << "driven out";
}

}  // namespace
}  // namespace leidang::hub
