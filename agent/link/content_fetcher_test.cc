#include "agent/link/content_fetcher.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/state/memory_state.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::leidang::testing::IsOk;
using ::leidang::testing::IsOkAndHolds;
using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;

// A source whose fetches a test drives by hand.
class ScriptedSource final : public ContentSource {
 public:
  struct Call {
    object::Sha256 digest;
    uint64_t offset = 0;
    FetchObserver* observer = nullptr;  // nullptr: aborted.
  };

  std::unique_ptr<Fetch> Start(const object::Sha256& digest, uint64_t offset,
                               FetchObserver* observer) override {
    calls.push_back(std::make_shared<Call>(Call{digest, offset, observer}));
    return std::make_unique<Handle>(calls.back());
  }

  std::vector<std::shared_ptr<Call>> calls;

 private:
  class Handle final : public Fetch {
   public:
    explicit Handle(std::shared_ptr<Call> call) : call_(std::move(call)) {}
    ~Handle() override { call_->observer = nullptr; }

   private:
    std::shared_ptr<Call> call_;
  };
};

class ContentFetcherTest : public ::testing::Test {
 protected:
  ContentFetcher::WantId Want(const std::string& content) {
    return fetcher_->Want(object::Sha256::Of(content), [this, content](absl::Status status) {
      done_.emplace_back(content, std::move(status));
    });
  }
  void Serve(size_t call, const std::string& data, uint64_t total) {
    source_.calls[call]->observer->OnChunk(data, total);
  }
  void Finish(size_t call, absl::Status status = absl::OkStatus()) {
    source_.calls[call]->observer->OnFetched(std::move(status));
  }

  SimLoop loop_;
  SeededRandom random_{3};
  MemoryDisk disk_;
  MemoryState state_{loop_, disk_};
  ScriptedSource source_;
  std::vector<std::pair<std::string, absl::Status>> done_;
  std::unique_ptr<ContentFetcher> fetcher_ = std::make_unique<ContentFetcher>(
      loop_, random_, state_, source_,
      ContentFetcherOptions{.concurrent_max = 2, .waiting_max = 5});
};

TEST_F(ContentFetcherTest, BringsContentIntoTheStateBeforeItSaysSo) {
  Want("hello");
  Serve(0, "hel", 5);
  Serve(0, "lo", 0);
  Finish(0);
  EXPECT_TRUE(done_.empty());
  loop_.RunUntilIdle();
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_OK(done_[0].second);
  EXPECT_THAT(state_.GetContent(object::Sha256::Of("hello")), IsOkAndHolds("hello"));
  EXPECT_EQ(fetcher_->wanted(), 0u);
  EXPECT_EQ(fetcher_->running(), 0u);
}

TEST_F(ContentFetcherTest, ManyWantsOfOneContentAreOneFetch) {
  Want("hello");
  Want("hello");
  EXPECT_EQ(source_.calls.size(), 1u);
  Serve(0, "hello", 5);
  Finish(0);
  loop_.RunUntilIdle();
  EXPECT_EQ(done_.size(), 2u);
  Want("hello");
  loop_.RunUntilIdle();
  EXPECT_EQ(done_.size(), 3u);
  EXPECT_EQ(source_.calls.size(), 1u);
}

TEST_F(ContentFetcherTest, ResumesWhereItBroke) {
  Want("0123456789");
  Serve(0, "0123", 10);
  Finish(0, absl::UnavailableError("cut"));
  loop_.RunFor(absl::Minutes(1));
  ASSERT_EQ(source_.calls.size(), 2u);
  EXPECT_EQ(source_.calls[1]->offset, 4u);
  Serve(1, "456789", 10);
  Finish(1);
  loop_.RunUntilIdle();
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_OK(done_[0].second);
}

TEST_F(ContentFetcherTest, AnEndThatComesTooEarlyIsResumedAndAWrongDigestBeginsAnew) {
  Want("0123456789");
  Serve(0, "0123", 10);
  Finish(0);
  loop_.RunFor(absl::Minutes(1));
  ASSERT_EQ(source_.calls.size(), 2u);
  EXPECT_EQ(source_.calls[1]->offset, 4u);
  Serve(1, "xxxxxx", 10);
  Finish(1);
  loop_.RunFor(absl::Minutes(1));
  ASSERT_EQ(source_.calls.size(), 3u);
  EXPECT_EQ(source_.calls[2]->offset, 0u);
  EXPECT_TRUE(done_.empty());
  EXPECT_THAT(state_.HasContent(object::Sha256::Of("0123456789")), IsOkAndHolds(false));
}

TEST_F(ContentFetcherTest, AnAnswerThatIsFinalIsPassedOn) {
  for (const absl::Status& answer : {absl::NotFoundError("a"), absl::PermissionDeniedError("b")}) {
    done_.clear();
    source_.calls.clear();
    Want("hello");
    Finish(0, answer);
    ASSERT_EQ(done_.size(), 1u);
    EXPECT_EQ(done_[0].second, answer);
    loop_.RunUntilIdle();
  }
}

TEST_F(ContentFetcherTest, ContentBeyondTheLimitIsRefused) {
  Want("hello");
  Serve(0, "x", State::kContentBytesMax + 1);
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_THAT(done_[0].second, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(source_.calls[0]->observer, nullptr);
}

TEST_F(ContentFetcherTest, OnlySoManyRunAtATimeInTheOrderOfWanting) {
  for (const char* content : {"a", "b", "c", "d"}) Want(content);
  EXPECT_EQ(source_.calls.size(), 2u);
  Serve(0, "a", 1);
  Finish(0);
  loop_.RunUntilIdle();
  ASSERT_EQ(source_.calls.size(), 3u);
  EXPECT_EQ(source_.calls[2]->digest, object::Sha256::Of("c"));
}

TEST_F(ContentFetcherTest, BeyondTheLimitAWantIsRefused) {
  for (int i = 0; i < 6; ++i) Want(absl::StrCat(i));
  loop_.RunFor(absl::Milliseconds(1));
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_THAT(done_[0].second, StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(ContentFetcherTest, WhatNobodyWantsIsAborted) {
  const auto a = Want("a");
  const auto again = Want("a");
  Want("b");
  Want("c");
  fetcher_->Forget(a);
  EXPECT_NE(source_.calls[0]->observer, nullptr);
  fetcher_->Forget(again);
  EXPECT_EQ(source_.calls[0]->observer, nullptr);
  EXPECT_EQ(source_.calls.size(), 3u);
  fetcher_->Forget(again);
  loop_.RunUntilIdle();
  EXPECT_TRUE(done_.empty());
}

TEST_F(ContentFetcherTest, ACompletionMayWantMoreAndDestroyTheFetcher) {
  fetcher_->Want(object::Sha256::Of("a"), [this](absl::Status) { Want("b"); });
  fetcher_->Want(object::Sha256::Of("a"), [this](absl::Status) { fetcher_.reset(); });
  fetcher_->Want(object::Sha256::Of("a"), [](absl::Status) { FAIL() << "the fetcher is gone"; });
  Serve(0, "a", 1);
  Finish(0);
  loop_.RunUntilIdle();
  EXPECT_TRUE(done_.empty());
}

}  // namespace
}  // namespace leidang::agent
