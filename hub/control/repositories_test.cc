#include "hub/control/repositories.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/sim_loop.h"
#include "hub/source/fake_git_source.h"
#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kUrl[] = "https://git.example/shop.git";
constexpr char kOther[] = "https://git.example/other.git";

class RepositoriesTest : public ::testing::Test {
 protected:
  RepositoriesTest() {
    options_.poll_interval = absl::Seconds(100);
    options_.poll_jitter = absl::ZeroDuration();
    Open();
  }

  void Open() {
    repositories_ = std::make_unique<Repositories>(
        loop_, workers_, git_, random_, options_,
        [](const std::string& url) { return Repository{.url = url}; },
        [this](const std::set<std::string>& consumers) { told_.push_back(consumers); });
  }

  absl::StatusOr<PinnedCommit> Answer(const std::string& revision,
                                      const std::string& url = kUrl) const {
    const auto found = repositories_->view()->inputs.find({url, revision});
    if (found == repositories_->view()->inputs.end())
      return absl::UnavailableError("no answer yet");
    return found->second;
  }
  void Settle() { loop_.RunFor(absl::Milliseconds(1)); }
  GitId Commit(const std::string& text, const std::string& branch = "main") {
    return git_.Commit(kUrl, branch, {{"file", {text}}});
  }

  SimLoop loop_;
  LoopWorkers workers_{loop_};
  SeededRandom random_{1};
  FakeGitSource git_;
  Repositories::Options options_;
  std::vector<std::set<std::string>> told_;
  std::unique_ptr<Repositories> repositories_;
};

TEST_F(RepositoriesTest, FetchesAtOnceAndTellsWhoAsked) {
  const GitId commit = Commit("1");
  repositories_->SetWanted("shop", {{kUrl, "main"}});
  Settle();
  EXPECT_EQ(Answer("main")->commit, commit);
  EXPECT_THAT(told_, ElementsAre(std::set<std::string>{"shop"}));
  EXPECT_EQ(repositories_->List()[0].fetched_at, loop_.clock().Now() - absl::Milliseconds(1));
}

TEST_F(RepositoriesTest, OneFetchServesAllThatWantTheRepository) {
  Commit("1");
  git_.SetRef(kUrl, "refs/heads/dev", Commit("2", "dev"));
  repositories_->SetWanted("a", {{kUrl, "main"}, {kUrl, "dev"}});
  repositories_->SetWanted("b", {{kUrl, "main"}});
  Settle();
  EXPECT_LE(git_.FetchCount(kUrl), 2u);
  EXPECT_OK(Answer("main"));
  EXPECT_OK(Answer("dev"));
  const uint64_t fetches = git_.FetchCount(kUrl);
  repositories_->SetWanted("c", {{kUrl, "main"}});
  repositories_->SetWanted("a", {{kUrl, "main"}, {kUrl, "dev"}});
  Settle();
  EXPECT_EQ(git_.FetchCount(kUrl), fetches) << "it is known already";
}

TEST_F(RepositoriesTest, PollsAndTellsOnlyThoseWhoseInputChanged) {
  Commit("1");
  Commit("1", "dev");
  repositories_->SetWanted("main", {{kUrl, "main"}});
  repositories_->SetWanted("dev", {{kUrl, "dev"}});
  Settle();
  told_.clear();
  loop_.RunFor(absl::Seconds(150));
  EXPECT_THAT(told_, IsEmpty());
  const GitId second = Commit("2", "dev");
  loop_.RunFor(absl::Seconds(100));
  EXPECT_THAT(told_, ElementsAre(std::set<std::string>{"dev"}));
  EXPECT_EQ(Answer("dev")->commit, second);
}

TEST_F(RepositoriesTest, TheMostEagerSaysHowOftenARepositoryIsPolled) {
  Commit("1");
  repositories_->SetWanted("patient", {{kUrl, "main"}}, absl::Seconds(1'000));
  Settle();
  const auto fetches_in = [this](absl::Duration time) {
    const uint64_t before = git_.FetchCount(kUrl);
    loop_.RunFor(time);
    return git_.FetchCount(kUrl) - before;
  };
  EXPECT_EQ(fetches_in(absl::Seconds(950)), 0u);
  EXPECT_EQ(fetches_in(absl::Seconds(100)), 1u);
  repositories_->SetWanted("eager", {{kUrl, "main"}}, absl::Seconds(1));
  repositories_->SetWanted("eager", {{kUrl, "main"}}, absl::Seconds(1));
  loop_.RunFor(absl::Seconds(15));
  EXPECT_EQ(fetches_in(absl::Seconds(100)), 10u) << "never faster than every 10 s";
  repositories_->SetWanted("ordinary", {{kUrl, "main"}});
  repositories_->SetWanted("eager", {});
  loop_.RunFor(absl::Seconds(15));
  EXPECT_EQ(fetches_in(absl::Seconds(1'000)), 10u);
}

TEST_F(RepositoriesTest, PollsAreSpreadByJitter) {
  options_.poll_jitter = absl::Seconds(60);
  Open();
  for (int i = 0; i < 40; ++i) {
    const std::string url = absl::StrCat("https://git.example/", i);
    git_.Commit(url, "main", {});
    repositories_->SetWanted(url, {{url, "main"}});
  }
  Settle();
  loop_.RunFor(absl::Seconds(99));
  const auto polled = [this] {
    int count = 0;
    for (int i = 0; i < 40; ++i)
      count += git_.FetchCount(absl::StrCat("https://git.example/", i)) > 1 ? 1 : 0;
    return count;
  };
  EXPECT_EQ(polled(), 0) << "never before the interval";
  loop_.RunFor(absl::Seconds(31));
  EXPECT_GT(polled(), 5);
  EXPECT_LT(polled(), 35);
  loop_.RunFor(absl::Seconds(31));
  EXPECT_EQ(polled(), 40) << "at the latest after interval and jitter";
}

TEST_F(RepositoriesTest, AFailedFetchKeepsWhatIsPinned) {
  const GitId commit = Commit("1");
  repositories_->SetWanted("shop", {{kUrl, "main"}});
  Settle();
  const absl::Time since = Answer("main")->since;
  told_.clear();
  git_.SetFetchError(kUrl, SourceError(SourceReason::kRepositoryUnreachable, "no route"));
  loop_.RunFor(absl::Seconds(101));
  EXPECT_EQ(Answer("main")->commit, commit);
  EXPECT_EQ(Answer("main")->since, since);
  EXPECT_EQ(repositories_->view()->failing.count(kUrl), 1u);
  EXPECT_THAT(told_, ElementsAre(std::set<std::string>{"shop"})) << "its health changed, once";
  const absl::Time failing_since = repositories_->List()[0].failing_since;
  loop_.RunFor(absl::Seconds(300));
  EXPECT_EQ(told_.size(), 1u);
  EXPECT_EQ(repositories_->List()[0].failing_since, failing_since);

  git_.SetFetchError(kUrl, absl::OkStatus());
  loop_.RunFor(absl::Seconds(200));
  EXPECT_TRUE(repositories_->view()->failing.empty());
  EXPECT_EQ(told_.size(), 2u);
}

TEST_F(RepositoriesTest, RepeatsAFailedFetchFromTenSecondsOnDoublingUpToThePoll) {
  Commit("1");
  git_.SetFetchError(kUrl, SourceError(SourceReason::kRepositoryUnreachable, "no route"));
  repositories_->SetWanted("shop", {{kUrl, "main"}});
  std::vector<int> at;
  uint64_t seen = 0;
  for (int second = 0; second < 400; ++second) {
    loop_.RunFor(absl::Seconds(1));
    if (git_.FetchCount(kUrl) != seen) at.push_back(second);
    seen = git_.FetchCount(kUrl);
  }
  EXPECT_THAT(at, ElementsAre(0, 9, 29, 69, 149, 249, 349));
}

TEST_F(RepositoriesTest, ARepositoryThatWasNeverReachedAnswersWithItsError) {
  git_.SetFetchError(kUrl, SourceError(SourceReason::kAuthenticationFailed, "bad password"));
  repositories_->SetWanted("shop", {{kUrl, "main"}});
  Settle();
  EXPECT_EQ(SourceReasonOf(Answer("main").status()), SourceReason::kAuthenticationFailed);
  git_.SetFetchError(kUrl, absl::OkStatus());
  const GitId commit = Commit("1");
  loop_.RunFor(absl::Seconds(11));
  EXPECT_EQ(Answer("main")->commit, commit);
}

TEST_F(RepositoriesTest, ARevisionThatIsNotThereIsAnAnswerOfItsOwn) {
  Commit("1");
  repositories_->SetWanted("good", {{kUrl, "main"}});
  repositories_->SetWanted("wrong", {{kUrl, "mian"}});
  Settle();
  EXPECT_OK(Answer("main"));
  EXPECT_EQ(SourceReasonOf(Answer("mian").status()), SourceReason::kRevisionNotFound);
  EXPECT_TRUE(repositories_->view()->failing.empty());

  told_.clear();
  git_.SetRef(kUrl, "refs/heads/main", {});
  loop_.RunFor(absl::Seconds(101));
  EXPECT_EQ(SourceReasonOf(Answer("main").status()), SourceReason::kRevisionNotFound)
      << "the branch was deleted";
  EXPECT_THAT(told_, ElementsAre(std::set<std::string>{"good"}));
}

TEST_F(RepositoriesTest, RestoredPinsCountUntilAFetchSaysOtherwise) {
  const GitId old = Commit("1");
  const GitId now = Commit("2");
  repositories_->Restore(
      {{{kUrl, "main"}, {old, absl::UnixEpoch()}}, {{kOther, "main"}, {old, absl::UnixEpoch()}}});
  EXPECT_EQ(Answer("main")->commit, old);
  EXPECT_EQ(git_.FetchCount(kUrl), 0u);
  repositories_->SetWanted("shop", {{kUrl, "main"}});
  EXPECT_EQ(Answer("main")->commit, old);
  EXPECT_EQ(Answer("main", kOther)->commit, old) << "somebody else may still come for it";
  Settle();
  EXPECT_EQ(Answer("main")->commit, now);
}

TEST_F(RepositoriesTest, RestoredPinsSurviveARepositoryThatIsAway) {
  const GitId old = Commit("1");
  git_.SetFetchError(kUrl, SourceError(SourceReason::kRepositoryUnreachable, "no route"));
  repositories_->Restore({{{kUrl, "main"}, {old, absl::UnixEpoch()}}});
  repositories_->SetWanted("shop", {{kUrl, "main"}});
  loop_.RunFor(absl::Seconds(500));
  EXPECT_EQ(Answer("main")->commit, old);
}

TEST_F(RepositoriesTest, RestoredPinsThatNobodyCameForAreDropped) {
  const GitId old = Commit("1");
  repositories_->Restore({{{kUrl, "main"}, {old, absl::UnixEpoch()}},
                          {{kUrl, "gone"}, {old, absl::UnixEpoch()}},
                          {{kOther, "main"}, {old, absl::UnixEpoch()}}});
  repositories_->SetWanted("shop", {{kUrl, "main"}});
  repositories_->DropUnwanted();
  EXPECT_EQ(repositories_->view()->inputs.size(), 1u);
  EXPECT_EQ(repositories_->List().size(), 1u);
  EXPECT_TRUE(repositories_->IsWanted({kUrl, "main"}));
  EXPECT_FALSE(repositories_->IsWanted({kUrl, "gone"}));
}

TEST_F(RepositoriesTest, WhatNobodyWantsAnyMoreIsNotPolled) {
  Commit("1");
  repositories_->SetWanted("a", {{kUrl, "main"}});
  repositories_->SetWanted("b", {{kUrl, "main"}});
  Settle();
  repositories_->SetWanted("a", {});
  EXPECT_OK(Answer("main"));
  repositories_->SetWanted("b", {});
  EXPECT_TRUE(repositories_->view()->inputs.empty());
  const uint64_t fetches = git_.FetchCount(kUrl);
  loop_.RunFor(absl::Hours(1));
  EXPECT_EQ(git_.FetchCount(kUrl), fetches);
}

TEST_F(RepositoriesTest, WhatIsDroppedDuringItsFetchIsNotPolledEither) {
  Commit("1");
  repositories_->SetWanted("a", {{kUrl, "main"}});
  repositories_->SetWanted("a", {});
  loop_.RunFor(absl::Hours(1));
  EXPECT_EQ(git_.FetchCount(kUrl), 1u);
  EXPECT_THAT(repositories_->List(), IsEmpty());
}

TEST_F(RepositoriesTest, WhatIsWantedDuringAFetchIsFetchedAfterIt) {
  Commit("1");
  const GitId dev = Commit("2", "dev");
  repositories_->SetWanted("a", {{kUrl, "main"}});
  repositories_->SetWanted("b", {{kUrl, "dev"}});
  Settle();
  EXPECT_EQ(Answer("dev")->commit, dev);
}

TEST_F(RepositoriesTest, ARefreshFetchesTheRepositoryHoweverItsUrlIsSpelt) {
  Commit("1");
  git_.Commit(kOther, "main", {});
  repositories_->SetWanted("a", {{kUrl, "main"}, {kOther, "main"}});
  Settle();
  EXPECT_EQ(repositories_->Refresh("https://git.example/shop"), 1u);
  Settle();
  EXPECT_EQ(git_.FetchCount(kUrl), 2u);
  EXPECT_EQ(git_.FetchCount(kOther), 1u);
  EXPECT_EQ(repositories_->Refresh(std::nullopt), 2u);
  EXPECT_EQ(repositories_->Refresh("https://git.example/unknown"), 0u);
}

TEST_F(RepositoriesTest, AnAnswerThatComesAfterTheEndTouchesNothing) {
  Commit("1");
  repositories_->SetWanted("a", {{kUrl, "main"}});
  repositories_.reset();
  loop_.RunFor(absl::Hours(1));
  EXPECT_THAT(told_, IsEmpty());
}

}  // namespace
}  // namespace leidang::hub
