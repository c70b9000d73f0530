// The real inotify, real threads and a real directory. Waits are bounded and end as soon as what
// they wait for is there.

#include "agent/cluster/directory_watch.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/cluster/directory_client.h"
#include "common/base/mutex.h"
#include "common/manifest/tracking.h"
#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using testing::IsOk;
using testing::StatusIs;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Something that becomes true on another thread.
template <typename State>
class Watched {
 public:
  void Change(const std::function<void(State&)>& change) {
    MutexLock lock(&mu_);
    change(state_);
    changed_.SignalAll();
  }
  bool Await(const std::function<bool(const State&)>& holds) {
    const RealClock clock;
    const absl::Duration end = clock.Monotonic() + kPatience;
    MutexLock lock(&mu_);
    while (!holds(state_)) {
      const absl::Duration left = end - clock.Monotonic();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(&mu_, left);
    }
    return true;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  State state_ ABSL_GUARDED_BY(mu_);
};

TEST(DirectoryWatch, HintsAtEveryWayToChangeAFile) {
  testing::TempDir temp;
  const std::string path = temp.path();
  testing::WriteFile(path + "/removed", "x");
  testing::WriteFile(path + "/moved", "x");
  Watched<DirectoryHint> hints;
  absl::StatusOr<std::unique_ptr<DirectoryWatch>> watch =
      DirectoryWatch::Start(path, [&hints](DirectoryHint hint) {
        hints.Change([&hint](DirectoryHint& all) { all.names.merge(hint.names); });
      });
  ASSERT_OK(watch);
  testing::WriteFile(path + "/written", "x");
  std::filesystem::remove(path + "/removed");
  std::filesystem::rename(path + "/moved", path + "/here");
  for (const std::string name : {"written", "removed", "moved", "here"}) {
    EXPECT_TRUE(hints.Await([&](const DirectoryHint& all) { return all.names.contains(name); }))
        << name;
  }
}

TEST(DirectoryWatch, TellsThatTheDirectoryWentAway) {
  testing::TempDir temp;
  const std::string path = temp / "target";
  std::filesystem::create_directory(path);
  Watched<bool> lost;
  absl::StatusOr<std::unique_ptr<DirectoryWatch>> watch =
      DirectoryWatch::Start(path, [&lost](DirectoryHint hint) {
        if (hint.lost) lost.Change([](bool& l) { l = true; });
      });
  ASSERT_OK(watch);
  std::filesystem::remove_all(path);
  EXPECT_TRUE(lost.Await([](const bool& l) { return l; }));
}

TEST(DirectoryWatch, NeedsADirectory) {
  testing::TempDir temp;
  EXPECT_THAT(DirectoryWatch::Start(temp / "nothing", [](DirectoryHint) {}),
              StatusIs(absl::StatusCode::kUnavailable));
}

// A client with its threads, in the order in which they must end.
class LiveDirectory {
 public:
  explicit LiveDirectory(const std::string& path)
      : client_(
            std::make_unique<DirectoryClient>(loop_, io_loop_, DirectoryOptions{.path = path})) {}
  ~LiveDirectory() {
    io_loop_.Stop();
    loop_.Stop();
  }

  void OnLoop(const std::function<void(ClusterClient&)>& work) {
    loop_.Post([this, work] { work(*client_); });
  }

 private:
  ThreadLoop loop_{"control"};
  ThreadLoop io_loop_{"disk"};
  std::unique_ptr<DirectoryClient> client_;
};

TEST(DirectoryClientWithInotify, ReportsAHandEditAndALostDirectory) {
  testing::TempDir temp;
  const std::string path = temp / "target";
  const object::ObjectKey key{"", "ConfigMap", "shop", "a"};
  object::Value manifest = {{"apiVersion", "v1"},
                            {"kind", "ConfigMap"},
                            {"metadata", {{"name", "a"}, {"namespace", "shop"}}}};
  manifest::Track(manifest, "leidang/cart", key);

  struct Seen {
    int events = 0;
    int applied = 0;
  };
  Watched<Seen> seen;
  LiveDirectory directory(path);
  const auto apply = [&] {
    directory.OnLoop([&](ClusterClient& client) {
      client.Apply({key, manifest, std::nullopt}, [&seen](absl::StatusOr<Applied> applied) {
        EXPECT_THAT(applied, IsOk());
        seen.Change([](Seen& s) { ++s.applied; });
      });
    });
  };
  directory.OnLoop([&](ClusterClient& client) {
    client.Watch([&seen](const ObjectEvent&) { seen.Change([](Seen& s) { ++s.events; }); });
  });
  apply();
  ASSERT_TRUE(seen.Await([](const Seen& s) { return s.applied == 1; }));

  testing::WriteFile(path + "/shop.configmap.core.a.yaml", "edited: by hand\n");
  ASSERT_TRUE(seen.Await([](const Seen& s) { return s.events >= 1; }));
  apply();
  ASSERT_TRUE(seen.Await([](const Seen& s) { return s.applied == 2; }));
  EXPECT_THAT(testing::ReadFile(path + "/shop.configmap.core.a.yaml"),
              ::testing::HasSubstr("leidang/cart"));

  int before = 0;
  seen.Change([&before](Seen& s) { before = s.events; });
  std::filesystem::remove_all(path);
  EXPECT_TRUE(seen.Await([&](const Seen& s) { return s.events > before; }));
  apply();
  ASSERT_TRUE(seen.Await([](const Seen& s) { return s.applied == 3; }));
  EXPECT_TRUE(std::filesystem::exists(path + "/shop.configmap.core.a.yaml"));
}

}  // namespace
}  // namespace leidang::agent
