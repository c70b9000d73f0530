#include "hub/control/content_sweeper.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/log/memory_log.h"
#include "common/time/sim_loop.h"
#include "hub/control/fleet_fixture_test.h"
#include "hub/store/memory_rows.h"
#include "hub/store/memory_store.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using Files = std::map<std::string, std::string>;

class ContentSweeperTest : public ::testing::Test {
 protected:
  ContentSweeperTest() : store_(*OpenMemoryStore(&disk_, &loop_)), keeper_(*store_) {
    WriteBatch batch;
    batch.OpenLog(cluster_, {{}, 1});
    Commit(std::move(batch));
    sweeper_ = std::make_unique<ContentSweeper>(
        ContentSweeper::Parts{
            loop_,
            workers_,
            *store_,
            keeper_,
            log_,
            {[this] { return begun_; },
             [this](uint64_t number) { return under_way_ != 0 && under_way_ <= number; }}},
        absl::Hours(1));
  }

  void Commit(WriteBatch batch) {
    absl::Status status = absl::UnknownError("not committed");
    store_->Commit(std::move(batch), &loop_,
                   [&](const CommitResult& result) { status = result.status; });
    loop_.RunFor(absl::Milliseconds(1));
    ASSERT_OK(status);
  }

  object::Sha256 Stage(const Files& files, WriteBatch* batch) {
    tree::TreeManifest manifest;
    for (const auto& [path, content] : files)
      manifest.files.push_back({.path = path,
                                .mode = tree::FileMode::kRegular,
                                .size = content.size(),
                                .digest = object::Sha256::Of(content)});
    return *keeper_.AddTree(
        manifest, [&](const tree::TreeFile& file) { return files.at(file.path); }, batch);
  }

  static intent::EntryKey Key(const std::string& name) {
    return {intent::EntryKind::kApplication, absl::StrCat("leidang/", name)};
  }
  void Assign(const std::string& name, const Files& files) {
    WriteBatch batch;
    const object::Sha256 tree = Stage(files, &batch);
    AssignTree(name, tree, std::move(batch));
  }
  void AssignTree(const std::string& name, const object::Sha256& tree, WriteBatch batch) {
    intent::Assignment assignment;
    assignment.key = Key(name);
    assignment.uid = Uid(name);
    assignment.body = "body";
    assignment.sources.push_back({.tree = tree});
    batch.Put(cluster_, assignment);
    Commit(std::move(batch));
  }
  void End(const std::string& name) {
    WriteBatch batch;
    batch.Delete(cluster_, {Key(name), Uid(name), intent::DeletionPolicy::kForeground});
    Commit(std::move(batch));
  }
  static intent::Uid Uid(const std::string& name) {
    return *intent::Uid::FromRaw(object::Sha256::Of(name).Raw().substr(0, 16));
  }

  bool Has(absl::string_view content) { return *store_->HasContent(object::Sha256::Of(content)); }
  // That content could not be removed, and why.
  bool WasTold(absl::string_view error) const {
    const auto lines = log_.lines();
    return std::any_of(lines.begin(), lines.end(), [&](const MemoryLog::Line& line) {
      return absl::StartsWith(line.message, "cannot remove content") &&
             absl::StrContains(line.Field("error"), error);
    });
  }
  void Hours(int hours) { loop_.RunFor(absl::Hours(hours) + absl::Minutes(1)); }

  const intent::ClusterId cluster_ = *intent::ClusterId::FromRaw("a cluster's id..");
  SimLoop loop_;
  LoopWorkers workers_{loop_};
  MemoryLog log_;
  MemoryRows disk_;
  std::unique_ptr<Store> store_;
  ContentKeeper keeper_;
  uint64_t begun_ = 0;
  uint64_t under_way_ = 0;  // The number of a look; 0: none.
  std::unique_ptr<ContentSweeper> sweeper_;
};

TEST_F(ContentSweeperTest, WhatNoAssignmentNeedsGoesAndTheRestStays) {
  Assign("kept", {{"a", "one"}, {"b", "two"}});
  Assign("ends", {{"a", "one"}, {"b", "three"}});
  End("ends");
  sweeper_->Start();
  Hours(3);
  EXPECT_TRUE(Has("one"));
  EXPECT_TRUE(Has("two"));
  EXPECT_FALSE(Has("three"));
}

TEST_F(ContentSweeperTest, ManyPagesOfAssignmentsAreAllKept) {
  for (int i = 0; i < 1200; ++i) {
    const std::string name = absl::StrCat("app-", i);
    Assign(name, {{"a", absl::StrCat("content ", i)}});
  }
  Assign("ends", {{"a", "other"}});
  End("ends");
  sweeper_->Start();
  Hours(3);
  for (int i = 0; i < 1200; ++i) EXPECT_TRUE(Has(absl::StrCat("content ", i)));
  EXPECT_FALSE(Has("other"));
}

TEST_F(ContentSweeperTest, WhatALookThatTakesHoursHasResolvedStaysForIt) {
  Assign("ends", {{"a", "one"}});
  End("ends");
  sweeper_->Start();
  begun_ = 1;
  under_way_ = 1;
  WriteBatch batch;  // Relies on what is there.
  const object::Sha256 tree = Stage({{"a", "one"}}, &batch);
  EXPECT_TRUE(batch.empty());
  Hours(6);
  EXPECT_TRUE(Has("one"));
  AssignTree("later", tree, std::move(batch));
  under_way_ = 0;
  Hours(6);
  EXPECT_TRUE(Has("one"));
  End("later");
  Hours(3);
  EXPECT_FALSE(Has("one"));
}

TEST_F(ContentSweeperTest, ALookThatBeganAfterTheLastSweepHoldsNothingUp) {
  Assign("ends", {{"a", "one"}});
  End("ends");
  sweeper_->Start();
  Hours(1);
  begun_ = 2;
  under_way_ = 2;
  Hours(1);
  EXPECT_FALSE(Has("one"));
}

TEST_F(ContentSweeperTest, ATreeThatCannotBeReadLeavesEverythingAndIsTold) {
  Assign("broken", {{"a", "one"}});
  Assign("ends", {{"a", "two"}});
  End("ends");
  ASSERT_TRUE(disk_.Overwrite(
      Family::kContent,
      store_->Assignment(cluster_, Key("broken"))->assignment.sources[0].tree.Raw(), "damaged"));
  sweeper_->Start();
  Hours(5);
  EXPECT_TRUE(Has("one"));
  EXPECT_TRUE(Has("two"));
  EXPECT_TRUE(WasTold("tree "));
}

TEST_F(ContentSweeperTest, AFailedCommitLeavesEverythingAndIsTold) {
  Assign("ends", {{"a", "one"}});
  End("ends");
  sweeper_->Start();
  Hours(1);
  disk_.FailNextPersist(absl::ResourceExhaustedError("disk full"));
  Hours(1);
  EXPECT_TRUE(Has("one"));
  EXPECT_TRUE(WasTold("disk full"));
}

// As the program stops its workers: what has not begun is dropped.
class StoppableWorkers final : public Workers {
 public:
  explicit StoppableWorkers(EventLoop& loop) : loop_(loop) {}
  void Run(std::function<void()> work) override {
    loop_.Post([stopped = stopped_, work = std::move(work)] {
      if (!*stopped) work();
    });
  }
  void Stop() { *stopped_ = true; }

 private:
  EventLoop& loop_;
  std::shared_ptr<bool> stopped_ = std::make_shared<bool>(false);
};

TEST_F(ContentSweeperTest, OneThatGoesInTheMiddleIsNotCalledAnyMore) {
  Assign("kept", {{"a", "one"}});
  Assign("ends", {{"a", "two"}});
  End("ends");
  for (int steps = 0; steps < 20; ++steps) {
    StoppableWorkers workers(loop_);
    auto keeper = std::make_unique<ContentKeeper>(*store_);
    ContentSweeper::Looks looks{[] { return uint64_t{0}; }, [](uint64_t) { return false; }};
    auto sweeper = std::make_unique<ContentSweeper>(
        ContentSweeper::Parts{loop_, workers, *store_, *keeper, log_, looks}, absl::Hours(1));
    sweeper->Start();
    for (int i = 0; i < steps; ++i) loop_.Step();
    workers.Stop();
    sweeper.reset();
    keeper.reset();
    loop_.RunFor(absl::Hours(2));
    EXPECT_TRUE(Has("one"));
  }
  EXPECT_FALSE(Has("two")) << "one of them came to the end";
}

class SweptFleetTest : public FleetTest {};

TEST_F(SweptFleetTest, AHubRemovesTheFilesOfAppsThatHaveGone) {
  Commit(Apps({"a", "b"}));
  Start();
  ASSERT_OK(hub_.Register("in-cluster"));
  ASSERT_OK(hub_.Join("in-cluster"));
  ApplyAndSettle(DirectoriesSet("apps", "", "{leidang.dev/max-deletions: unlimited}"));
  const size_t before = hub_.store_disk().CountRows(Family::kContent);
  Commit(Apps({"a", "b", "c"}, "2"));
  Poll();
  Commit(Apps({"a", "b"}));
  Poll();
  EXPECT_GT(hub_.store_disk().CountRows(Family::kContent), before);
  loop_.RunFor(absl::Hours(4));
  EXPECT_EQ(hub_.store_disk().CountRows(Family::kContent), before);
}

}  // namespace
}  // namespace leidang::hub
