// A set that is written in parts: wherever it is cut off, by a failure or by a kill, what it comes
// to is what one batch would have come to, and nothing ends that was not decided to end.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"

#include "common/conditions/types.h"
#include "hub/control/fleet_fixture_test.h"
#include "hub/control/plan_writer.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;

constexpr const char* kClusters[] = {"in-cluster", "one", "two"};

enum class Cut { kNever, kFails, kKills, kKillsAndLosesDerived };

// What the commits of a world are asked: the one with that number is refused.
struct Commits {
  bool counting = false;
  size_t cut_at = 0;
  size_t seen = 0;
  bool was_cut = false;

  absl::Status On(const WriteBatch&) {
    if (!counting || ++seen != cut_at) return absl::OkStatus();
    was_cut = true;
    return absl::ResourceExhaustedError("the disk is full for a moment");
  }
};

using Ended = std::set<std::tuple<std::string, std::string, std::string>>;

// One fleet, from its making to its rest. `begin` makes it what it is, `change` is what is cut.
class World : public FleetTest {
 public:
  using Act = std::function<void(World&)>;
  struct Outcome {
    std::string picture;
    std::map<std::string, intent::Revision> heads;
    std::set<std::string> brakes;
    std::map<std::string, std::string> holdings;
    Ended ended;
    size_t commits = 0;
    bool was_cut = false;
  };

  World(size_t part_bytes, Commits* commits)
      : FleetTest(OptionsOf(part_bytes, commits)), commits_(*commits) {}
  void TestBody() override {}

  Outcome Run(const Act& begin, const Act& change, Cut cut) {
    Commit(Files("1"));
    Start();
    for (const char* name : kClusters) {
      EXPECT_OK(hub_.Register(name, "env=dev"));
      EXPECT_OK(hub_.Join(name));
    }
    begin(*this);
    EXPECT_TRUE(hub_.Settle());
    for (const char* name : kClusters) hub_.AgentCatchesUp(name);
    commits_.counting = true;
    change(*this);
    if (cut != Cut::kNever && cut != Cut::kFails) KillAtCut(cut);
    EXPECT_TRUE(Rest());
    commits_.counting = false;
    return See();
  }

  void Write(const std::string& yaml) { ApplyAndSettleOrCut(yaml); }
  void Remove(const std::string& set, uint64_t confirm) {
    EXPECT_OK(hub_.Delete(WrittenKind::kApplicationSet, set, confirm));
    RunUntilCut();
  }
  void Push(const FakeGitSource::Files& files) {
    Commit(files);
    hub_.repositories().Refresh(std::nullopt);
    RunUntilCut();
  }
  static FakeGitSource::Files Files(const std::string& version) {
    FakeGitSource::Files files = Apps({"a", "b", "c"}, version);
    for (int i = 0; i < 5; ++i) {
      files[absl::StrCat("apps/a/more-", i, ".yaml")] = {
          ConfigMap(absl::StrCat("more-", i), version)};
    }
    return files;
  }
  static std::string List(const std::string& name, const std::vector<std::string>& elements,
                          const std::string& path = "apps/a") {
    return ListSet(name, elements, path);
  }
  static std::string Many(const std::string& name, int from, int to, const std::string& path,
                          const std::string& annotations = "{}") {
    std::vector<std::string> elements;
    for (int i = from; i < to; ++i)
      elements.push_back(absl::StrCat("app-", 10 + i, " ", kClusters[i % 3]));
    return ListSet(name, elements, path, "main", kUrl, annotations);
  }

 private:
  static testing::TestHub::Options OptionsOf(size_t part_bytes, Commits* commits) {
    testing::TestHub::Options options;
    options.part_bytes = part_bytes;
    options.on_commit = [commits](const WriteBatch& batch) { return commits->On(batch); };
    return options;
  }

  void ApplyAndSettleOrCut(const std::string& yaml) {
    EXPECT_OK(hub_.Apply(yaml));
    RunUntilCut();
  }
  void RunUntilCut() {
    loop_.RunFor(absl::Milliseconds(20));
    loop_.RunUntil([this] { return commits_.was_cut || hub_.Quiet(); }, absl::Minutes(20));
  }
  void KillAtCut(Cut cut) {
    RunUntilCut();
    if (!commits_.was_cut) return;
    NoteEnds();
    hub_.Kill();
    if (cut == Cut::kKillsAndLosesDerived) hub_.DropDerivedData();
    hub_.Start();
    loop_.RunUntil([this] { return hub_.up(); }, absl::Minutes(1));
  }
  // At each step: who is told what to delete.
  bool Rest() {
    loop_.RunFor(absl::Milliseconds(20));
    const bool rests = loop_.RunUntil(
        [this] {
          NoteEnds();
          return hub_.Quiet();
        },
        absl::Minutes(20));
    loop_.RunFor(absl::Seconds(1));
    return rests;
  }
  void NoteEnds() {
    if (!hub_.up()) return;
    for (const char* name : kClusters) {
      const auto tombstones = hub_.store().Tombstones(hub_.IdOf(name));
      if (!tombstones.ok()) continue;
      for (const PendingTombstone& t : *tombstones) {
        ended_.insert({name, t.tombstone.key.ToString(), t.tombstone.uid.Hex()});
        EXPECT_TRUE(hub_.records().pending_deletions().contains(
            {hub_.IdOf(name), t.tombstone.key, t.tombstone.uid}))
            << t.tombstone.key.ToString() << " ends without a decision";
      }
    }
  }
  Outcome See() {
    Outcome outcome;
    outcome.picture = hub_.Picture();
    for (const char* name : kClusters) {
      const auto log = hub_.store().Log(hub_.IdOf(name));
      EXPECT_OK(log);
      outcome.heads[name] = log->head;
    }
    for (const auto& [id, brake] : hub_.records().brakes()) outcome.brakes.insert(id.key);
    for (const auto& [key, held] : hub_.records().holdings()) outcome.holdings[key] = held.owner;
    outcome.ended = ended_;
    outcome.commits = commits_.seen;
    outcome.was_cut = commits_.was_cut;
    return outcome;
  }

  Commits& commits_;
  Ended ended_;
};

World::Outcome RunCut(size_t part_bytes, const World::Act& begin, const World::Act& change, Cut cut,
                      size_t at = 0) {
  Commits commits;
  commits.cut_at = at;
  return World(part_bytes, &commits).Run(begin, change, cut);
}

// Cuts it at every commit, in every way, and compares with one batch that nothing disturbed.
void ExpectTheSameWhereverItIsCut(const World::Act& begin, const World::Act& change) {
  const World::Outcome whole = RunCut(kPartBytes, begin, change, Cut::kNever);
  const World::Outcome parts = RunCut(1, begin, change, Cut::kNever);
  EXPECT_EQ(parts.picture, whole.picture);
  EXPECT_EQ(parts.heads, whole.heads);
  EXPECT_GT(parts.commits, whole.commits + 3) << "it is to be written in many parts";
  for (const Cut cut : {Cut::kFails, Cut::kKills, Cut::kKillsAndLosesDerived}) {
    for (size_t at = 1; at <= parts.commits; at += cut == Cut::kKillsAndLosesDerived ? 3 : 1) {
      SCOPED_TRACE(absl::StrCat("cut in way ", static_cast<int>(cut), " at commit ", at));
      const World::Outcome after = RunCut(1, begin, change, cut, at);
      ASSERT_TRUE(after.was_cut);
      EXPECT_EQ(after.picture, whole.picture);
      if (cut != Cut::kKillsAndLosesDerived) {
        EXPECT_EQ(after.heads, whole.heads);
      }
      EXPECT_EQ(after.brakes, whole.brakes);
      EXPECT_EQ(after.holdings, whole.holdings);
      EXPECT_THAT(after.ended, IsSubsetOf(whole.ended));
      if (::testing::Test::HasFailure()) return;
    }
  }
}

class FullDiskTest : public FleetTest {
 protected:
  explicit FullDiskTest(std::shared_ptr<size_t> room = std::make_shared<size_t>(1'000'000))
      : FleetTest(OptionsOf(room)), room_(std::move(room)) {}

  // So many commits fit from now on.
  void SetRoom(size_t commits) { *room_ = commits; }

 private:
  static testing::TestHub::Options OptionsOf(const std::shared_ptr<size_t>& room) {
    testing::TestHub::Options options;
    options.part_bytes = 1;
    options.on_commit = [room](const WriteBatch&) -> absl::Status {
      if (*room == 0) return absl::ResourceExhaustedError("no space left on device");
      --*room;
      return absl::OkStatus();
    };
    return options;
  }

  const std::shared_ptr<size_t> room_;
};

TEST_F(FullDiskTest, IsShownAtTheSetUntilAllIsWritten) {
  Commit(Apps({"a"}, "1"));
  Start();
  EXPECT_OK(hub_.Register("one", "env=dev"));
  EXPECT_OK(hub_.Join("one"));
  SetRoom(2);
  EXPECT_OK(hub_.Apply(ListSet("set", {"p one", "q one", "r one"}, "apps/a")));
  loop_.RunFor(absl::Seconds(30));
  EXPECT_THAT(hub_.SetConditions("leidang/set"), ElementsAre("ErrorOccurred=StorageFailed"));
  EXPECT_THAT(hub_.SetCondition("leidang/set", conditions::kErrorOccurred)->message,
              AllOf(HasSubstr("no space left on device"), HasSubstr("not all of it")));
  SetRoom(1'000'000);
  EXPECT_TRUE(hub_.Settle());
  EXPECT_THAT(hub_.SetConditions("leidang/set"), IsEmpty());
  EXPECT_EQ(hub_.store().CountApplications(), 3u);
}

TEST(Parts, ASetThatIsMade) {
  ExpectTheSameWhereverItIsCut([](World&) {},
                               [](World& w) { w.Write(World::Many("shop", 0, 6, "apps/a")); });
}

TEST(Parts, ASetThatCreatesChangesMovesAndRemoves) {
  ExpectTheSameWhereverItIsCut(
      [](World& w) { w.Write(World::Many("shop", 0, 8, "apps/a")); },
      [](World& w) {
        // Each goes to another cluster, or changes, or is new; two go.
        std::vector<std::string> elements;
        for (int i = 1; i < 9; ++i)
          elements.push_back(
              absl::StrCat("app-", 10 + i, " ", kClusters[(i % 5 == 0 ? i + 1 : i) % 3]));
        w.Write(World::List("shop", elements, "apps/b"));
      });
}

TEST(Parts, ASetWhoseDeletionsABrakeHolds) {
  ExpectTheSameWhereverItIsCut([](World& w) { w.Write(World::Many("shop", 0, 12, "apps/a")); },
                               [](World& w) { w.Write(World::Many("shop", 11, 14, "apps/b")); });
}

TEST(Parts, ASetThatLosesManyAsItMay) {
  const std::string unlimited = "{leidang.dev/max-deletions: unlimited}";
  ExpectTheSameWhereverItIsCut(
      [&](World& w) {
        w.Write(World::Many("shop", 0, 8, "apps/a", unlimited));
        w.Write(World::Many("other", 20, 30, "apps/a", unlimited));
      },
      [&](World& w) { w.Write(World::Many("shop", 4, 10, "apps/b", unlimited)); });
}

TEST(Parts, ASetThatIsDeleted) {
  ExpectTheSameWhereverItIsCut(
      [](World& w) {
        w.Write(World::Many("shop", 0, 6, "apps/a"));
        w.Write(World::List("other", {"app-10 two", "mine one", "stays two", "also in-cluster"}));
      },
      [](World& w) { w.Remove("leidang/shop", 6); });
}

TEST(Parts, ACommitThatChangesAll) {
  ExpectTheSameWhereverItIsCut([](World& w) { w.Write(World::Many("shop", 0, 6, "apps/a")); },
                               [](World& w) { w.Push(World::Files("2")); });
}

}  // namespace
}  // namespace leidang::hub
