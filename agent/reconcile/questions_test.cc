// What an agent answers and remembers: differences, history.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/reconcile/entry_memory.h"
#include "agent/reconcile/live_diff.h"
#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using object::Value;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCart[] = "leidang/cart";

Value Parsed(absl::string_view text) {
  absl::StatusOr<Value> value = object::ParseJson(text);
  EXPECT_TRUE(value.ok()) << value.status() << text;
  return value.ok() ? *std::move(value) : Value();
}

TEST(MaskSecret, EqualValuesHaveEqualMasksAndNoValueIsLeft) {
  Value live = Parsed(R"({"apiVersion":"v1","kind":"Secret","data":{"a":"b25l","b":"dHdv"}})");
  Value desired =
      Parsed(R"({"apiVersion":"v1","kind":"Secret","data":{"a":"b25l"},"stringData":{"b":"xx"}})");
  MaskSecret(&live, &desired);
  EXPECT_EQ(object::FindString(live, {"data", "a"}), object::FindString(desired, {"data", "a"}));
  EXPECT_NE(object::FindString(live, {"data", "b"}), object::FindString(desired, {"data", "b"}));
  EXPECT_THAT(absl::StrCat(object::ToJson(live), object::ToJson(desired)),
              AllOf(Not(HasSubstr("b25l")), Not(HasSubstr("dHdv")), Not(HasSubstr("xx"))));
}

SyncHistoryItem Synced(const std::string& commit, SyncHistoryItem::Result result) {
  SyncHistoryItem item;
  item.commit = commit;
  item.by = "automated";
  item.started = absl::FromUnixSeconds(5);
  item.ended = absl::FromUnixSeconds(6);
  item.result = result;
  item.message = "done";
  return item;
}

TEST(EntryMemory, IsReadAsItWasWritten) {
  EntryMemory memory;
  memory.prunes = 7;
  AddHistory(memory.history, Synced("abc", SyncHistoryItem::Result::kFailed), 10);
  memory.sync.emplace();
  memory.sync->element = object::Sha256::Of("x");
  memory.sync->started = absl::FromUnixSeconds(9);
  memory.sync->hooks[{{"batch", "Job", "shop", "pre"}, SyncPhase::kPreSync}] = {
      SyncResult::Code::kSynced, SyncResult::Phase::kSucceeded, "completed"};
  memory.last = SyncEnd{object::Sha256::Of("y"), 3,       "ann", SyncHistoryItem::Result::kFailed,
                        SyncEnd::Again::kYes,    "broken"};
  memory.unconfirmed[{"", "ConfigMap", "shop", "a"}] = absl::FromUnixSeconds(11);
  memory.unconfirmed[{"apps", "Deployment", "shop", "web"}] = absl::FromUnixSeconds(12);
  memory.ending = EntryMemory::Ending::kHooksDone;
  memory.hooks_skipped = "they cannot be rendered";
  EXPECT_EQ(DecodeMemory(EncodeMemory(memory)), memory);
  EXPECT_EQ(EncodeMemory(EntryMemory()), "");
  EXPECT_EQ(DecodeMemory(""), EntryMemory());
}

TEST(EntryMemory, ReadsTheCountThatEarlierVersionsWroteAndTakesTheUnreadableForOne) {
  EXPECT_EQ(DecodeMemory("12").prunes, 12u);
  EXPECT_EQ(DecodeMemory("{broken").prunes, 1u);
}

TEST(EntryMemory, CutsMessagesBetweenCharacters) {
  EntryMemory memory;
  SyncHistoryItem item = Synced("abc", SyncHistoryItem::Result::kFailed);
  item.message = std::string(255, 'x') + "\xc3\xbc";
  AddHistory(memory.history, item, 10);
  memory.last.emplace();
  memory.last->result = SyncHistoryItem::Result::kFailed;
  memory.last->failure = std::string(2047, 'x') + "\xc3\xbc";
  const EntryMemory read = DecodeMemory(EncodeMemory(memory));
  ASSERT_EQ(read.history.size(), 1u);
  EXPECT_EQ(read.history[0].message, std::string(255, 'x'));
  ASSERT_TRUE(read.last.has_value());
  EXPECT_EQ(read.last->failure, std::string(2047, 'x'));
}

TEST(EntryMemory, AConfirmationThatEarlierVersionsAskedForIsAskedForAnewByEachDeletion) {
  const EntryMemory memory = DecodeMemory(R"({"prunes":3,"unconfirmedSince":1700000000})");
  EXPECT_EQ(memory.prunes, 3u);
  EXPECT_TRUE(memory.unconfirmed.empty());
}

TEST(EntryMemory, HistoryIsBoundedAndRepeatedFailuresAreOneItem) {
  std::vector<SyncHistoryItem> history;
  for (int i = 0; i < 5; ++i) {
    AddHistory(history, Synced(absl::StrCat("c", i), SyncHistoryItem::Result::kSucceeded), 3);
  }
  for (int i = 0; i < 4; ++i) {
    AddHistory(history, Synced("bad", SyncHistoryItem::Result::kFailed), 3);
  }
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].id, 4);
  EXPECT_EQ(history[2].id, 6);
  EXPECT_EQ(history[2].attempts, 4);
}

class QuestionsTest : public ::testing::Test {
 protected:
  enum class Syncs : uint8_t { kByHand, kAutomated };

  QuestionsTest() {
    agent_.target = TestAgent::Target::kApiServer;
    agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
    agent_.Restart();
  }

  static TestApp App(Syncs syncs = Syncs::kByHand) {
    TestApp app;
    app.name = kCart;
    app.files["app/a.yaml"] = ConfigMapText("a", "red");
    app.files["app/b.yaml"] = ConfigMapText("b", "red");
    if (syncs == Syncs::kByHand) app.sync_policy = "{}";
    return app;
  }
  Value Ask(OperationKind kind, uint8_t id) {
    agent_.Ask(kCart, kind, "{}", id);
    agent_.Settle();
    EXPECT_EQ(agent_.Operation(id).state, OperationState::kSucceeded)
        << agent_.Operation(id).message;
    return Parsed(agent_.Operation(id).message);
  }
  void Set(const std::string& name, const std::string& colour) {
    Value edited = *agent_.api.Find({"", "ConfigMap", "shop", name});
    edited.at("data").as_object()["colour"] = colour;
    agent_.api.UpdateOutside(edited, "somebody");
  }

  TestAgent agent_;
};

TEST_F(QuestionsTest, ADiffShowsWhatASyncWouldChangeAndChangesNothing) {
  agent_.Put(App());
  agent_.Settle();
  const Value all = Ask(OperationKind::kDiff, 1);
  ASSERT_EQ(all.at("objects").as_array().size(), 2u);
  EXPECT_TRUE(all.at("objects").at(0).at("live").is_null());
  EXPECT_EQ(object::FindString(all.at("objects").at(0), {"desired", "data", "colour"}), "red");
  EXPECT_EQ(agent_.api.Find({"", "ConfigMap", "shop", "a"}), nullptr);

  agent_.Ask(kCart, OperationKind::kSync, "{}", 2);
  agent_.Settle();
  EXPECT_TRUE(Ask(OperationKind::kDiff, 3).at("objects").as_array().empty());

  Set("a", "pink");
  TestApp app = App();
  app.files.erase("app/b.yaml");
  agent_.Put(app);
  agent_.Settle();
  const Value changed = Ask(OperationKind::kDiff, 4);
  ASSERT_EQ(changed.at("objects").as_array().size(), 2u) << object::ToJson(changed);
  const Value& a = changed.at("objects").at(0);
  EXPECT_EQ(object::FindString(a, {"live", "data", "colour"}), "pink");
  EXPECT_EQ(object::FindString(a, {"desired", "data", "colour"}), "red");
  EXPECT_EQ(object::Find(a, {"live", "metadata", "managedFields"}), nullptr);
  EXPECT_TRUE(changed.at("objects").at(1).at("desired").is_null()) << "it would be pruned";
  EXPECT_EQ(
      object::FindString(*agent_.api.Find({"", "ConfigMap", "shop", "a"}), {"data", "colour"}),
      "pink");
}

TEST_F(QuestionsTest, ADiffLeavesOutWhatIsIgnored) {
  TestApp app = App();
  app.ignored = R"([{"kind":"ConfigMap","jqPathExpressions":[".data.colour"]}])";
  agent_.Put(app);
  agent_.Ask(kCart, OperationKind::kSync, "{}", 1);
  agent_.Settle();
  Set("a", "pink");
  agent_.Settle();
  EXPECT_TRUE(Ask(OperationKind::kDiff, 2).at("objects").as_array().empty());
}

TEST_F(QuestionsTest, ADiffOfWhatCannotBeRenderedFails) {
  TestApp app = App();
  app.files["app/a.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\n";
  agent_.Put(app);
  agent_.Settle();
  agent_.Ask(kCart, OperationKind::kDiff, "{}", 1);
  agent_.Settle();
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kFailed);
  EXPECT_THAT(agent_.Operation(1).message, HasSubstr("a.yaml"));
}

TEST_F(QuestionsTest, ADiffIsBounded) {
  TestApp app = App();
  for (int i = 0; i < 40; ++i) {
    app.files[absl::StrCat("app/", i, ".yaml")] =
        ConfigMapText(absl::StrCat("large-", i), std::string(20'000, 'x'));
  }
  agent_.Put(app);
  agent_.Settle();
  const Value answer = Ask(OperationKind::kDiff, 1);
  EXPECT_LE(object::ToJson(answer).size(), LiveDiff::kBytesMax + 64);
  EXPECT_EQ(answer.at("objects").as_array().size(), 42u);
  EXPECT_TRUE(answer.at("objects").at(41).as_object().contains("omitted"));
}

TEST_F(QuestionsTest, TheHistorySurvivesARestartAndNamesWhoAsked) {
  agent_.Put(App(Syncs::kAutomated));
  agent_.Settle();
  agent_.Ask(kCart, OperationKind::kSync, R"({"requestedBy":"ann"})", 1);
  agent_.Settle();
  agent_.Restart();
  agent_.Settle();
  const Value history = Ask(OperationKind::kHistory, 2);
  ASSERT_EQ(history.at("items").as_array().size(), 2u) << object::ToJson(history);
  EXPECT_EQ(object::FindString(history.at("items").at(0), {"by"}), "ann");
  EXPECT_EQ(object::FindString(history.at("items").at(1), {"by"}), "automated");
  EXPECT_EQ(object::FindString(history.at("items").at(1), {"result"}), "Succeeded");
  EXPECT_EQ(object::FindString(history.at("items").at(1), {"commit"}).size(), 40u);
}

TEST(History, OfSyncsInWavesIsKeptToo) {
  TestAgent agent;
  TestApp app;
  app.name = kCart;
  app.files["app/a.yaml"] = ConfigMapText("a", "red");
  agent.Put(app);
  agent.Settle();
  agent.Edit("a", "colour", "pink");
  agent.Settle();
  agent.Ask(kCart, OperationKind::kHistory, "{}");
  agent.Settle();
  EXPECT_EQ(Parsed(agent.Operation().message).at("items").as_array().size(), 1u)
      << "a correction is no sync";
}

}  // namespace
}  // namespace leidang::agent
