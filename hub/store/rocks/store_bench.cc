// What a store of many assignments takes: to write, on disk, to open, to read.
//
//   store_bench [--clusters=1000] [--apps=100] [--directory=DIR]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/time/thread_loop.h"
#include "hub/store/pumped_loop.h"
#include "hub/store/rocks/rocks_database.h"

namespace leidang::hub {
namespace {

struct Shape {
  int clusters = 1000;
  int apps = 100;  // Of each cluster.
  std::string directory;
};

intent::ClusterId ClusterOf(int n) {
  intent::ClusterId::Bytes bytes{};
  // Ids are random; so are these, by their hash.
  const object::Sha256 hash = object::Sha256::Of(absl::StrCat("cluster ", n));
  std::copy_n(hash.bytes.begin(), bytes.size(), bytes.begin());
  return intent::ClusterId(bytes);
}

intent::HubId AnyHub() { return *intent::HubId::FromRaw("0123456789abcdef"); }

// Of the size that an Application with Kustomize and a sync policy has.
intent::Assignment AssignmentOf(int cluster, int app, const std::string& commit) {
  intent::Assignment assignment;
  const std::string name = absl::StrCat("app-", app, "-cluster-", cluster);
  assignment.key = {intent::EntryKind::kApplication, absl::StrCat("leidang/", name)};
  assignment.uid = intent::ComputeUid(AnyHub(), assignment.key, 0);
  const std::string path = absl::StrCat("apps/app-", app, "/overlays/prod");
  const std::string url = "https://git.example.com/platform/fleet.git";
  assignment.body = absl::StrCat(
      R"({"metadata":{"finalizers":["resources-finalizer.argocd.argoproj.io"],"labels":{"app":"app-)",
      app, R"(","env":"prod"},"name":")", name,
      R"(","namespace":"leidang"},"spec":{"destination":{"name":"cluster-)", cluster,
      R"(","namespace":"app-)", app, R"("},"project":"default","source":{"path":")", path,
      R"(","repoURL":")", url,
      R"(","targetRevision":"main"},"syncPolicy":{"automated":{"prune":true,"selfHeal":true},)",
      R"("syncOptions":["CreateNamespace=true"]}}})");
  assignment.sources.push_back({url, "main", commit, path, intent::Tool::kKustomize,
                                object::Sha256::Of(absl::StrCat(path, commit))});
  return assignment;
}

class StoreBench {
 public:
  explicit StoreBench(const Shape& shape) : shape_(shape) {
    options_.directory = shape.directory + "/store";
    options_.new_hub_id = AnyHub();
  }

  void Run() {
    Open("new");
    Fill();
    Report("disk", absl::StrCat("assignments=", shape_.clusters * shape_.apps,
                                " bytes=", *database_->DiskBytes()));
    Close();
    Open("filled");
    OneCommitEach();
    ReadEverything();
    TakeStatus();
    Close();
  }

 private:
  static void Report(const std::string& name, const std::string& figures) {
    std::printf("RESULT name=store_%s %s\n", name.c_str(), figures.c_str());
    std::fflush(stdout);
  }
  double SecondsSince(absl::Duration begin) const {
    return absl::ToDoubleSeconds(loop_.clock().Monotonic() - begin);
  }

  void Open(const std::string& what) {
    const absl::Duration begin = loop_.clock().Monotonic();
    auto database = RocksDatabase::Open(options_, loop_.clock());
    CHECK(database.ok());
    database_ = *std::move(database);
    const double opened = SecondsSince(begin);
    commits_ = std::make_unique<ThreadLoop>("commit");
    const absl::Duration load = loop_.clock().Monotonic();
    auto store = OpenRocksStore(*database_, commits_.get());
    CHECK(store.ok());
    store_ = *std::move(store);
    Report(absl::StrCat("open_", what),
           absl::StrCat("database_seconds=", opened, " load_seconds=", SecondsSince(load),
                        " logs=", store_->Logs().size(), " sync_p99_ms=",
                        absl::ToDoubleMilliseconds(database_->sync_latency().p99)));
  }

  void Close() {
    commits_->Stop();
    store_.reset();
    commits_.reset();
    database_.reset();
  }

  // Commits all batches and waits for the last; the time of each is taken when it is done.
  std::vector<double> CommitAll(std::vector<WriteBatch> batches) {
    std::vector<double> seconds;
    const absl::Duration begin = loop_.clock().Monotonic();
    const size_t wanted = batches.size();
    for (WriteBatch& batch : batches) {
      store_->Commit(std::move(batch), &loop_, [&](const CommitResult& result) {
        CHECK(result.status.ok());
        seconds.push_back(SecondsSince(begin));
      });
    }
    CHECK(loop_.RunUntil([&] { return seconds.size() == wanted; }));
    return seconds;
  }

  void Fill() {
    const absl::Duration begin = loop_.clock().Monotonic();
    const std::string commit(40, 'a');
    for (int first = 0; first < shape_.clusters; first += 50) {
      std::vector<WriteBatch> batches;
      for (int c = first; c < std::min(first + 50, shape_.clusters); ++c) {
        WriteBatch& batch = batches.emplace_back();
        batch.OpenLog(ClusterOf(c), {AnyHub(), 1, 1});
        for (int a = 0; a < shape_.apps; ++a) {
          batch.Put(ClusterOf(c), AssignmentOf(c, a, commit));
        }
      }
      CommitAll(std::move(batches));
    }
    const double seconds = SecondsSince(begin);
    Report("fill", absl::StrCat("assignments=", shape_.clusters * shape_.apps, " seconds=", seconds,
                                " per_second=", shape_.clusters * shape_.apps / seconds));
  }

  // One commit in Git that touches one app of every cluster: one change a log.
  void OneCommitEach() {
    std::vector<WriteBatch> batches;
    for (int c = 0; c < shape_.clusters; ++c) {
      batches.emplace_back().Put(ClusterOf(c), AssignmentOf(c, 0, std::string(40, 'b')));
    }
    const std::vector<double> seconds = CommitAll(std::move(batches));
    Report("one_change_each", absl::StrCat("clusters=", shape_.clusters,
                                           " median_seconds=", seconds[seconds.size() / 2],
                                           " last_seconds=", seconds.back()));
  }

  // What agents report after that: each cluster one batch of all its Applications.
  void TakeStatus() {
    std::vector<WriteBatch> batches;
    for (int c = 0; c < shape_.clusters; ++c) {
      WriteBatch& batch = batches.emplace_back();
      for (int a = 0; a < shape_.apps; ++a) {
        const intent::Assignment assignment = AssignmentOf(c, a, std::string(40, 'b'));
        intent::EntryStatus status;
        status.key = assignment.key;
        status.uid = assignment.uid;
        status.sync = intent::SyncState::kSynced;
        status.health = intent::HealthState::kHealthy;
        status.applied_commit = assignment.sources[0].commit;
        status.message = "successfully synced (all tasks run)";
        batch.PutStatus(ClusterOf(c), std::move(status));
      }
    }
    const double seconds = CommitAll(std::move(batches)).back();
    Report("status", absl::StrCat("updates=", shape_.clusters * shape_.apps, " seconds=", seconds,
                                  " per_second=", shape_.clusters * shape_.apps / seconds));
  }

  void ReadEverything() {
    const absl::Duration begin = loop_.clock().Monotonic();
    size_t changes = 0;
    for (int c = 0; c < shape_.clusters; ++c) {
      const absl::StatusOr<ChangePage> page =
          store_->ChangesAfter(ClusterOf(c), 0, size_t{1} << 30);
      CHECK(page.ok());
      changes += page->changes.size();
      CHECK(store_->Root(ClusterOf(c)).ok());
    }
    Report("read_all_logs", absl::StrCat("changes=", changes, " seconds=", SecondsSince(begin)));
    const absl::Duration list = loop_.clock().Monotonic();
    CHECK(store_->Assignments(ClusterOf(0), PageRequest()).ok());
    Report("first_page", absl::StrCat("seconds=", SecondsSince(list)));
  }

  const Shape shape_;
  DatabaseOptions options_;
  PumpedLoop loop_;
  std::unique_ptr<RocksDatabase> database_;
  std::unique_ptr<ThreadLoop> commits_;
  std::unique_ptr<Store> store_;
};

int Main(int argc, char** argv) {
  Shape shape;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view arg = argv[i];
    const size_t equals = arg.find('=');
    const absl::string_view value = equals == arg.npos ? "" : arg.substr(equals + 1);
    bool good = true;
    if (absl::StartsWith(arg, "--clusters=")) {
      good = absl::SimpleAtoi(value, &shape.clusters) && shape.clusters > 0;
    } else if (absl::StartsWith(arg, "--apps=")) {
      good = absl::SimpleAtoi(value, &shape.apps) && shape.apps > 0;
    } else if (absl::StartsWith(arg, "--directory=")) {
      shape.directory = std::string(value);
    } else {
      good = false;
    }
    if (!good) {
      std::fprintf(stderr, "usage: store_bench [--clusters=N] [--apps=N] [--directory=DIR]\n");
      return 64;
    }
  }
  std::string made;
  if (shape.directory.empty()) {
    made = std::filesystem::temp_directory_path().string() + "/store-bench-XXXXXX";
    CHECK(::mkdtemp(made.data()) != nullptr);
    shape.directory = made;
  }
  StoreBench(shape).Run();
  std::error_code ignored;
  if (!made.empty()) std::filesystem::remove_all(made, ignored);
  return 0;
}

}  // namespace
}  // namespace leidang::hub

int main(int argc, char** argv) { return leidang::hub::Main(argc, argv); }
