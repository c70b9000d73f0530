// What every Ledger must do, whatever it is kept in.

#include "hub/ledger/ledger_contract.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/base/check.h"
#include "common/random/random.h"
#include "hub/ledger/list_all.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::IsOkAndHolds;
using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LedgerContract : public ::testing::TestWithParam<LedgerKind> {
 protected:
  LedgerContract() { Make({}); }

  void Make(const LedgerOptions& options) { harness_ = GetParam().make(options); }
  Ledger& ledger() { return harness_->ledger(); }

  template <typename T>
  T Await(const std::function<void(std::function<void(T)>)>& start) {
    std::optional<T> answer;
    start([&answer](T value) { answer = std::move(value); });
    CHECK(harness_->Wait([&answer] { return answer.has_value(); }));
    return *std::move(answer);
  }

  absl::StatusOr<LedgerRevision> Commit(LedgerTxn txn) {
    return Await<absl::StatusOr<LedgerRevision>>(
        [&](auto done) { ledger().Commit(std::move(txn), harness_->loop(), std::move(done)); });
  }
  LedgerRevision Put(const std::string& key, const std::string& value) {
    LedgerTxn txn;
    txn.Put(key, value);
    const absl::StatusOr<LedgerRevision> revision = Commit(std::move(txn));
    EXPECT_OK(revision);
    return revision.ok() ? *revision : 0;
  }
  LedgerRevision Delete(const std::string& key) {
    LedgerTxn txn;
    txn.Delete(key);
    return *Commit(std::move(txn));
  }
  absl::StatusOr<LedgerEntry> Get(const std::string& key, LedgerRevision at_least = 0) {
    return Await<absl::StatusOr<LedgerEntry>>(
        [&](auto done) { ledger().Get(key, at_least, harness_->loop(), std::move(done)); });
  }
  absl::StatusOr<LedgerPage> List(const LedgerListRequest& request) {
    return Await<absl::StatusOr<LedgerPage>>(
        [&](auto done) { ledger().List(request, harness_->loop(), std::move(done)); });
  }
  std::vector<std::string> Keys(const std::string& prefix, LedgerRevision at = 0) {
    LedgerListRequest request;
    request.prefix = prefix;
    request.at = at;
    const absl::StatusOr<LedgerPage> page = List(request);
    if (!page.ok()) return {page.status().ToString()};
    std::vector<std::string> keys;
    keys.reserve(page->entries.size());
    for (const LedgerEntry& entry : page->entries) {
      keys.push_back(absl::StrCat(entry.key, "=", entry.value));
    }
    return keys;
  }
  LeaseId Grant(absl::Duration life) {
    return *Await<absl::StatusOr<LeaseId>>(
        [&](auto done) { ledger().GrantLease(life, harness_->loop(), std::move(done)); });
  }

  std::unique_ptr<LedgerHarness> harness_;
};

TEST_P(LedgerContract, OneRevisionGrowsWithEachTransaction) {
  const LedgerRevision first = Put("a", "1");
  const LedgerRevision second = Put("a", "2");
  EXPECT_EQ(second, first + 1);
  ASSERT_OK_AND_ASSIGN(const LedgerEntry entry, Get("a"));
  EXPECT_EQ(entry.value, "2");
  EXPECT_EQ(entry.created, first);
  EXPECT_EQ(entry.modified, second);
  Delete("a");
  EXPECT_THAT(Get("a"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"a\"")));
  EXPECT_EQ(Delete("a"), second + 1) << "deleting what is not there changes nothing";
  EXPECT_EQ(Put("a", "3"), second + 2);
  EXPECT_EQ(Get("a")->created, second + 2);
}

TEST_P(LedgerContract, AGuardThatDoesNotHoldStopsTheWholeTransaction) {
  const LedgerRevision at = Put("a", "1");
  LedgerTxn txn;
  txn.GuardAbsent("a");
  txn.Put("b", "1");
  EXPECT_THAT(Commit(txn),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("\"a\" was changed")));
  EXPECT_THAT(Get("b"), StatusIs(absl::StatusCode::kNotFound));
  LedgerTxn good;
  good.GuardModified("a", at);
  good.GuardAbsent("b");
  good.Put("a", "2");
  good.Put("b", "1");
  EXPECT_THAT(Commit(good), IsOkAndHolds(at + 1));
  EXPECT_THAT(Commit(good), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_P(LedgerContract, OfManyThatSpendOneTokenExactlyOneSucceeds) {
  const LedgerRevision at = Put("token", "unspent");
  std::vector<absl::StatusOr<LedgerRevision>> answers;
  for (int i = 0; i < 10; ++i) {
    LedgerTxn txn;
    txn.GuardModified("token", at);
    txn.Put("token", absl::StrCat("spent by ", i));
    ledger().Commit(std::move(txn), harness_->loop(),
                    [&answers](auto answer) { answers.push_back(std::move(answer)); });
  }
  ASSERT_TRUE(harness_->Wait([&answers] { return answers.size() == 10; }));
  int successes = 0;
  for (const auto& answer : answers) successes += answer.ok() ? 1 : 0;
  EXPECT_EQ(successes, 1);
}

TEST_P(LedgerContract, TheLimitsOfATransactionHold) {
  LedgerTxn many;
  for (int i = 0; i < 101; ++i) many.Put(absl::StrCat("k", i), "");
  EXPECT_THAT(Commit(many), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("split it")));
  LedgerTxn big;
  big.Put("k", std::string(kLedgerBytesMax, 'x'));
  EXPECT_THAT(Commit(big), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bytes")));
  LedgerTxn twice;
  twice.Put("k", "1");
  twice.Delete("k");
  EXPECT_THAT(Commit(twice), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("twice")));
  LedgerTxn empty_key;
  empty_key.Put("", "1");
  EXPECT_THAT(Commit(empty_key), StatusIs(absl::StatusCode::kInvalidArgument));
  many.ops.pop_back();
  EXPECT_OK(Commit(many));
}

TEST_P(LedgerContract, AListIsInTheOrderOfKeysAndOfItsPrefixOnly) {
  Put("b/2", "x");
  Put("b/1", "y");
  Put("a/1", "z");
  Put(std::string("b/\0\xff", 4), "w");
  Put("c", "v");
  EXPECT_THAT(Keys("b/"), ElementsAre(std::string("b/\0\xff=w", 6), "b/1=y", "b/2=x"));
  EXPECT_EQ(Keys("").size(), 5u);
  EXPECT_TRUE(Keys("none/").empty());
}

TEST_P(LedgerContract, PagesAreReadAtOneRevisionWhateverIsWrittenMeanwhile) {
  for (int i = 10; i < 20; ++i) Put(absl::StrCat("k/", i), "old");
  LedgerListRequest request;
  request.prefix = "k/";
  request.limit = 4;
  ASSERT_OK_AND_ASSIGN(LedgerPage page, List(request));
  std::vector<std::string> seen;
  seen.reserve(10);
  for (const LedgerEntry& entry : page.entries) seen.push_back(entry.key + entry.value);
  Put("k/15", "new");
  Delete("k/16");
  Put("k/165", "new");
  Put("k/99", "new");
  Delete("k/19");
  while (!page.next.empty()) {
    request.token = page.next;
    request.at = page.revision;
    ASSERT_OK_AND_ASSIGN(page, List(request));
    for (const LedgerEntry& entry : page.entries) seen.push_back(entry.key + entry.value);
  }
  ASSERT_EQ(seen.size(), 10u);
  for (int i = 10; i < 20; ++i) EXPECT_EQ(seen[i - 10], absl::StrCat("k/", i, "old"));
  request.token = "elsewhere";
  EXPECT_THAT(List(request), StatusIs(absl::StatusCode::kInvalidArgument));
  request.token = "";
  request.at = 1'000'000;
  EXPECT_THAT(List(request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("future")));
}

TEST_P(LedgerContract, EveryPastStateReadsAsItWas) {
  SeededRandom random(5);
  std::map<std::string, std::string> model;
  std::map<LedgerRevision, std::vector<std::string>> states;
  for (int i = 0; i < 60; ++i) {
    LedgerTxn txn;
    for (const char* key : {"s/a", "s/b", "s/c", "s/d", "s/e"}) {
      if (!random.Chance(1, 3)) continue;
      if (random.Chance(1, 3)) {
        txn.Delete(key);
        model.erase(key);
      } else {
        const std::string value = absl::StrCat(random.Below(100));
        txn.Put(key, value);
        model[key] = value;
      }
    }
    ASSERT_OK_AND_ASSIGN(const LedgerRevision revision, Commit(txn));
    if (revision == 0) continue;  // Nothing was there to delete yet.
    std::vector<std::string>& state = states[revision];
    state.clear();
    for (const auto& [key, value] : model) state.push_back(absl::StrCat(key, "=", value));
  }
  for (const auto& [revision, state] : states) EXPECT_EQ(Keys("s/", revision), state) << revision;
}

TEST_P(LedgerContract, WhatIsTooOldIsCompacted) {
  LedgerOptions options;
  options.history_events_max = 5;
  Make(options);
  const LedgerRevision first = Put("a", "0");
  for (int i = 1; i < 20; ++i) Put("a", absl::StrCat(i));
  LedgerListRequest request;
  request.at = first;
  EXPECT_THAT(List(request), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("compacted")));
  std::vector<absl::Status> told;
  ledger().Watch("a", first, harness_->loop(),
                 [&told](const auto& changes) { told.push_back(changes.status()); });
  ASSERT_TRUE(harness_->Wait([&told] { return !told.empty(); }));
  EXPECT_THAT(told[0], StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("list again")));
  Put("a", "21");
  harness_->Settle();
  EXPECT_EQ(told.size(), 1u) << "the error ends the watch";
}

TEST_P(LedgerContract, AWatchTellsEveryChangeInOrderAndOnce) {
  Put("w/a", "0");
  const LedgerRevision from = Put("w/a", "1");
  std::vector<std::string> told;
  const Ledger::WatchId id =
      ledger().Watch("w/", from, harness_->loop(), [&told](const auto& changes) {
        ASSERT_OK(changes);
        for (const LedgerChange& change : *changes) {
          told.push_back(absl::StrCat(change.revision, " ", change.key, " ",
                                      change.value.value_or("deleted")));
        }
      });
  Put("w/b", "1");
  Put("x", "1");
  Delete("w/a");
  ASSERT_TRUE(harness_->Wait([&told] { return told.size() == 2; }));
  EXPECT_THAT(
      told, ElementsAre(absl::StrCat(from + 1, " w/b 1"), absl::StrCat(from + 3, " w/a deleted")));
  ledger().CancelWatch(id);
  Put("w/c", "1");
  harness_->Settle();
  EXPECT_EQ(told.size(), 2u);
}

TEST_P(LedgerContract, AReadWaitsForTheLeastRevisionAskedFor) {
  const LedgerRevision at = Put("a", "1");
  std::optional<absl::StatusOr<LedgerEntry>> answer;
  ledger().Get("a", at + 1, harness_->loop(), [&answer](const auto& entry) { answer = entry; });
  harness_->Settle();
  EXPECT_FALSE(answer.has_value());
  Put("a", "2");
  ASSERT_TRUE(harness_->Wait([&answer] { return answer.has_value(); }));
  EXPECT_EQ((*answer)->value, "2");
}

TEST_P(LedgerContract, WhatWasAnsweredSurvivesAKill) {
  Put("a", "1");
  const LedgerRevision last = Put("audit/1", "entry");
  harness_->KillAndReopen();
  EXPECT_EQ(Get("a")->value, "1");
  EXPECT_EQ(Get("audit/1")->modified, last);
  EXPECT_EQ(Put("b", "1"), last + 1);
  std::vector<absl::Status> told;
  ledger().Watch("a", 0, harness_->loop(),
                 [&told](const auto& changes) { told.push_back(changes.status()); });
  ASSERT_TRUE(harness_->Wait([&told] { return !told.empty(); }));
  EXPECT_THAT(told[0], StatusIs(absl::StatusCode::kOutOfRange)) << "history ends with the process";
}

TEST_P(LedgerContract, TheKeysOfAuditAreAListOfTheirOwn) {
  Put("audit/1", "x");
  Put("a", "y");
  EXPECT_THAT(Keys(""), ElementsAre("a=y"));
  EXPECT_THAT(Keys("audit/"), ElementsAre("audit/1=x"));
}

TEST_P(LedgerContract, TheKeysOfALeaseGoWithIt) {
  const LeaseId lease = Grant(absl::Milliseconds(300));
  LedgerTxn txn;
  txn.ops.push_back({"held/a", "1", lease});
  txn.ops.push_back({"held/b", "1", lease});
  ASSERT_OK(Commit(txn));
  Put("held/b", "mine now");  // Without the lease any more.
  ASSERT_TRUE(harness_->Wait([&] { return Keys("held/").size() == 1; }));
  EXPECT_THAT(Keys("held/"), ElementsAre("held/b=mine now"));
  const absl::Status late = Await<absl::Status>(
      [&](auto done) { ledger().KeepAlive(lease, harness_->loop(), std::move(done)); });
  EXPECT_THAT(late, StatusIs(absl::StatusCode::kNotFound, HasSubstr("has ended")));
  txn.ops.pop_back();
  EXPECT_THAT(Commit(txn), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("lease")));
}

TEST_P(LedgerContract, ALeaseSurvivesARestartAndEndsAfterwards) {
  const LeaseId lease = Grant(absl::Milliseconds(300));
  LedgerTxn txn;
  txn.ops.push_back({"held", "1", lease});
  ASSERT_OK(Commit(txn));
  harness_->KillAndReopen();
  EXPECT_OK(Get("held"));
  EXPECT_TRUE(harness_->Wait([&] { return !Get("held").ok(); }));
}

TEST_P(LedgerContract, ARevokedLeaseEndsAtOnce) {
  const LeaseId lease = Grant(absl::Hours(1));
  LedgerTxn txn;
  txn.ops.push_back({"held", "1", lease});
  ASSERT_OK(Commit(txn));
  EXPECT_OK(Await<absl::Status>(
      [&](auto done) { ledger().RevokeLease(lease, harness_->loop(), std::move(done)); }));
  EXPECT_THAT(Get("held"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(LedgerContract, ListAllReadsEveryPage) {
  constexpr int kEntries = 2500;
  for (int i = 0; i < kEntries; i += 100) {
    LedgerTxn txn;
    for (int k = 0; k < 100; ++k) txn.Put(absl::StrCat("n/", 10'000 + i + k), "v");
    ASSERT_OK(Commit(txn));
  }
  const auto all = Await<absl::StatusOr<LedgerSnapshot>>(
      [&](auto done) { ListAll(&ledger(), "n/", harness_->loop(), std::move(done)); });
  ASSERT_OK(all);
  EXPECT_EQ(all->entries.size(), static_cast<size_t>(kEntries));
}

INSTANTIATE_TEST_SUITE_P(All, LedgerContract, ::testing::ValuesIn(LedgerKinds()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace leidang::hub
