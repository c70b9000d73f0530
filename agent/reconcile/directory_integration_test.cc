// The reconciler on what it stands on in the program: SQLite, a real directory with inotify, the
// real kustomize, real threads.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/cluster/directory_client.h"
#include "agent/reconcile/reconciler.h"
#include "agent/state/sqlite_state.h"
#include "common/log/memory_log.h"
#include "common/random/random.h"
#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "common/time/workers.h"
#include "common/tree/tree_manifest.h"
#include "tests/support/kustomize_program.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(30);
const intent::Authority kHub{intent::HubId({7}), 1, 1};

// Content is there already: the hub is away.
class NoHub final : public ContentPort {
 public:
  uint64_t Want(const object::Sha256&, Done) override { return ++wants_; }
  void Forget(uint64_t) override {}

 private:
  uint64_t wants_ = 0;
};

class Agent {
 public:
  explicit Agent(const std::string& directory)
      : directory_(directory),
        kustomize_({testing::KustomizeProgram(), directory, {}}, clock_, nullptr) {
    OnLoop([this] {
      state_ = *SqliteState::Open(loop_, disk_, directory_ + "/state.db");
      cluster_ = std::make_unique<DirectoryClient>(
          loop_, target_, DirectoryOptions{.path = directory_ + "/target"});
      reconciler_ = std::make_unique<Reconciler>(
          loop_, random_, Reconciler::Ports{*state_, *cluster_, hub_, workers_, renderer_, log_},
          ReconcileOptions());
      reconciler_->Start();
    });
  }
  ~Agent() {
    OnLoop([this] { reconciler_.reset(); });
    workers_.Stop();
    disk_.Stop();
    target_.Stop();
    loop_.Stop();
  }

  void OnLoop(const std::function<void()>& work) {
    std::promise<void> done;
    loop_.Post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  absl::Status Run(const std::function<void(State&, State::Done)>& call) {
    std::promise<absl::Status> result;
    loop_.Post([&] {
      call(*state_, [&result](absl::Status status) { result.set_value(std::move(status)); });
    });
    return result.get_future().get();
  }
  std::string Add(std::string bytes) {
    const object::Sha256 digest = object::Sha256::Of(bytes);
    EXPECT_TRUE(Run([&](State& state, State::Done done) {
                  state.PutContent(digest, bytes, std::move(done));
                }).ok());
    return digest.Raw();
  }

  void Put(intent::Revision revision, const std::map<std::string, std::string>& files) {
    tree::TreeManifest manifest;
    for (const auto& [path, text] : files) {
      Add(text);
      manifest.files.push_back(
          {path, tree::FileMode::kRegular, text.size(), object::Sha256::Of(text)});
    }
    const std::string tree = *tree::Encode(manifest);
    Add(tree);
    intent::Assignment assignment;
    assignment.key = {intent::EntryKind::kApplication, "leidang/cart"};
    assignment.uid = intent::Uid({1});
    assignment.body =
        R"({"metadata":{},"spec":{"destination":{"namespace":"shop"},"source":{"path":"prod"},)"
        R"("syncPolicy":{"automated":{"prune":true,"selfHeal":true},)"
        R"("syncOptions":["CreateNamespace=true"]}}})";
    assignment.sources = {{.commit = absl::StrCat("c", revision),
                           .path = "prod",
                           .tool = intent::Tool::kKustomize,
                           .tree = object::Sha256::Of(tree)}};
    Receive receive;
    receive.authority = kHub;
    receive.session_epoch = 1;
    receive.from = revision - 1;
    receive.to = revision;
    receive.changes = {{revision, assignment}};
    Transaction transaction;
    if (revision == 1) transaction.push_back(Obey{kHub, 1});
    transaction.push_back(receive);
    const absl::Status put =
        Run([&](State& state, State::Done done) { state.Commit(transaction, std::move(done)); });
    EXPECT_TRUE(put.ok()) << put;
  }

  // Asked again and again, without sleeping: reading the file is what takes the time.
  bool Await(const std::function<bool()>& holds) {
    const absl::Duration end = clock_.Monotonic() + kPatience;
    while (!holds()) {
      if (clock_.Monotonic() > end) return false;
      OnLoop([] {});
    }
    return true;
  }
  std::string File(const std::string& name) const {
    return testing::ReadFile(absl::StrCat(directory_, "/target/", name));
  }
  void Write(const std::string& name, const std::string& text) {
    testing::WriteFile(absl::StrCat(directory_, "/target/", name), text);
  }
  const Clock& clock() const { return clock_; }

 private:
  const std::string directory_;
  RealClock clock_;
  SystemRandom random_;
  MemoryLog log_;
  NoHub hub_;
  Kustomize kustomize_;
  Renderer renderer_{kustomize_};
  std::unique_ptr<State> state_;
  std::unique_ptr<ClusterClient> cluster_;
  std::unique_ptr<Reconciler> reconciler_;
  ThreadLoop loop_{"agent"};
  ThreadLoop disk_{"state"};
  ThreadLoop target_{"target"};
  WorkerThreads workers_{"render", 1};
};

constexpr char kFile[] = "shop.configmap.core.prod-cart.yaml";

std::map<std::string, std::string> Overlay(const std::string& colour, bool two) {
  std::map<std::string, std::string> files = {
      {"base/kustomization.yaml", "resources: [cart.yaml]\n"},
      {"base/cart.yaml",
       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart}\ndata: {colour: " + colour + "}\n"},
      {"prod/kustomization.yaml",
       std::string("resources: [../base") + (two ? ", more.yaml" : "") + "]\nnamePrefix: prod-\n"}};
  if (two) {
    files["prod/more.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n";
  }
  return files;
}

TEST(ReconcilerOnADirectory, RendersAppliesCorrectsPrunesAndSurvivesARestart) {
  testing::TempDir directory;
  {
    Agent agent(directory.path());
    agent.Put(1, Overlay("red", true));
    ASSERT_TRUE(
        agent.Await([&] { return !agent.File("shop.configmap.core.prod-more.yaml").empty(); }));
    ASSERT_TRUE(agent.Await([&] { return !agent.File(kFile).empty(); }));
    EXPECT_THAT(agent.File(kFile), HasSubstr("colour: red"));
    EXPECT_THAT(agent.File("_cluster.namespace.core.shop.yaml"), HasSubstr("kind: Namespace"));

    const std::string good = agent.File(kFile);
    agent.Write(kFile, "edited: by hand\n");
    ASSERT_TRUE(agent.Await([&] { return agent.File(kFile) == good; }));

    agent.Put(2, Overlay("blue", false));
    ASSERT_TRUE(
        agent.Await([&] { return agent.File("shop.configmap.core.prod-more.yaml").empty(); }));
    EXPECT_THAT(agent.File(kFile), HasSubstr("colour: blue"));
  }
  std::filesystem::remove(directory / "target/" + kFile);
  testing::WriteFile(directory / "target/foreign.yaml", "mine");
  {
    Agent agent(directory.path());
    ASSERT_TRUE(agent.Await([&] { return !agent.File(kFile).empty(); }));
    EXPECT_EQ(agent.File("foreign.yaml"), "mine");
  }
}

}  // namespace
}  // namespace leidang::agent
