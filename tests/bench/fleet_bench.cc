// fleet_bench: a fleet from its Git repository to the disks of its agents, in one process: the hub
// of the program (threads, RocksDB, the `git` program) without gRPC, and simulated agents (the real
// link, state in memory) on a thread of their own.
//
//   fleet_bench                         1,000 clusters x 20 apps
//   fleet_bench --clusters=20 --apps=3
//
// One line a figure: RESULT name=… key=value …. Memory is the process's: hub and agents together.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include <sys/resource.h>

#include "common/random/random.h"
#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "common/yaml/yaml.h"
#include "tests/bench/bench_hub.h"
#include "tests/support/fleet/fleet_agent.h"
#include "tests/support/fleet/in_process_edge.h"
#include "tests/support/git/git_repository.h"
#include "tests/support/temp_dir.h"

namespace leidang::bench {
namespace {

constexpr absl::Duration kLimit = absl::Minutes(10);
constexpr absl::Duration kLook = absl::Milliseconds(5);

struct Size {
  size_t clusters = 1'000;
  size_t apps = 20;
  size_t heartbeat_s = 20;  // As in the program; what is applied is proven by heartbeats.
  size_t assignments() const { return clusters * apps; }
};

double ResidentMb() {
  FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0, resident = 0;
  if (file != nullptr) {
    if (std::fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

double PeakMb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Fleet {
 public:
  explicit Fleet(const Size& size) : size_(size), repository_(directory_.path()) {}

  int Run() {
    Commit();
    StartHub(BenchHub::Derived::kKept);
    Register();
    Expand();
    StartAgents();
    ChangeOneApp();
    ChangeNothing();
    Restart(BenchHub::Derived::kKept, "fleet-restart");
    Restart(BenchHub::Derived::kDeleted, "fleet-rebuild");
    std::printf("RESULT name=fleet-memory peak_rss_mb=%.0f disk_mb=%.1f\n", PeakMb(),
                static_cast<double>(hub_->disk_bytes()) / 1e6);
    OnLoop(agent_loop_, [this] { agents_.clear(); });
    hub_.reset();
    return failed_ ? 1 : 0;
  }

 private:
  // Measures from its making.
  class Stopwatch {
   public:
    explicit Stopwatch(const Clock& clock)
        : clock_(clock), start_(clock.Monotonic()), cpu_(CpuSeconds()) {}
    double seconds() const { return absl::ToDoubleSeconds(clock_.Monotonic() - start_); }
    double cpu_seconds() const { return CpuSeconds() - cpu_; }
    absl::Duration start() const { return start_; }

   private:
    const Clock& clock_;
    const absl::Duration start_;
    const double cpu_;
  };

  static std::string ClusterName(size_t n) { return absl::StrFormat("cluster-%04d", n); }

  void Fail(absl::string_view what) {
    failed_ = true;
    std::fprintf(stderr, "fleet_bench: %s\n", std::string(what).c_str());
  }
  void Must(const absl::Status& status) {
    if (status.ok()) return;
    std::fprintf(stderr, "fleet_bench: %s\n", status.ToString().c_str());
    std::exit(1);
  }

  void Commit() {
    testing::GitRepository::Files files;
    for (size_t i = 0; i < size_.apps; ++i) {
      const std::string folder = absl::StrFormat("apps/app-%02d/", i);
      files[folder + "kustomization.yaml"] = {"resources: [deployment.yaml, config.yaml]\n"};
      files[folder + "config.yaml"] = {
          absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app-", i,
                       "}\ndata: {version: \"", i == 0 ? version_ : 1, "\"}\n")};
      files[folder + "deployment.yaml"] = {absl::StrCat(
          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app-", i,
          "}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: app-", i,
          "}}\n  template:\n    metadata: {labels: {app: app-", i,
          "}}\n    spec: {containers: [{name: main, image: \"registry.example/app:1\"}]}\n")};
    }
    files["README.md"] = {absl::StrCat("edition ", edition_)};
    repository_.Commit("main", files, "commit");
  }

  void StartHub(BenchHub::Derived derived) {
    hub::SessionOptions options;
    options.heartbeat = absl::Seconds(static_cast<int64_t>(size_.heartbeat_s));
    hub_ = std::make_unique<BenchHub>(directory_.path() + "/hub", sessions_, edge_, options);
    Must(hub_->Start(derived));
  }

  void Register() {
    const Stopwatch watch(clock_);
    std::vector<object::Value> manifests;
    for (size_t i = 0; i < size_.clusters; ++i) {
      manifests.push_back(*yaml::ParseYaml(
          absl::StrCat(
              "apiVersion: leidang.dev/v1alpha1\nkind: Cluster\nmetadata: {name: ", ClusterName(i),
              ", labels: {env: ", i % 2 == 0 ? "dev" : "production", "}}\nspec: {}\n"),
          "cluster"));
    }
    Must(hub_->Apply(manifests));
    std::printf("RESULT name=fleet-register clusters=%zu seconds=%.2f\n", size_.clusters,
                watch.seconds());
    OnLoop(sessions_, [] {});
  }

  void Expand() {
    const std::string set = absl::StrCat(R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: fleet}
spec:
  goTemplate: true
  generators:
  - matrix:
      generators:
      - git:
          repoURL: file://)",
                                         repository_.path(), R"(
          revision: main
          directories: [{path: apps/*}]
      - clusters: {}
  template:
    metadata: {name: '{{.path.basename}}-{{.name}}'}
    spec:
      project: default
      source: {repoURL: 'file://)",
                                         repository_.path(),
                                         R"(', targetRevision: main, path: '{{.path.path}}'}
      destination: {name: '{{.name}}', namespace: '{{.path.basename}}'}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
)");
    const Stopwatch watch(clock_);
    Must(hub_->Apply({*yaml::ParseYaml(set, "set")}));
    if (!hub_->WaitQuiet(kLimit)) Fail("the expansion does not end");
    const double seconds = watch.seconds();
    if (hub_->store().CountApplications() != size_.assignments())
      Fail(absl::StrCat(hub_->store().CountApplications(), " Applications came of it"));
    std::printf(
        "RESULT name=fleet-expand clusters=%zu apps=%zu applications=%zu seconds=%.2f "
        "cpu_seconds=%.2f rss_mb=%.0f\n",
        size_.clusters, size_.apps, size_.assignments(), seconds, watch.cpu_seconds(),
        ResidentMb());
  }

  void StartAgents() {
    const Stopwatch watch(clock_);
    OnLoop(agent_loop_, [this] {
      for (size_t i = 0; i < size_.clusters; ++i) {
        intent::ClusterId id;
        hub_->OnControl([&] { id = hub_->plane().records().ClusterNamed(ClusterName(i))->id; });
        agents_.push_back(std::make_unique<testing::FleetAgent>(agent_loop_, random_, edge_, id,
                                                                absl::ZeroDuration()));
        agents_.back()->Start();
      }
    });
    // Of each cluster: its Applications and one project.
    WaitForChanges(size_.apps + 1, "fleet-received", watch);
    WaitUntil("fleet-acknowledged", watch,
              [](const hub::ClusterView& v) { return v.acked == v.head && v.head > 0; });
    WaitUntil("fleet-in-sync", watch,
              [](const hub::ClusterView& v) { return v.verdict == hub::LinkVerdict::kInSync; });
  }

  // One commit to one app: one change for each cluster.
  void ChangeOneApp() {
    ++version_;
    Commit();
    const uint64_t before = LeastChanges();
    const Stopwatch watch(clock_);
    hub_->OnControl([this] { hub_->plane().repositories().Refresh(std::nullopt); });
    WaitForChanges(before + 1, "fleet-commit", watch);
    WaitUntil("fleet-commit-in-sync", watch,
              [](const hub::ClusterView& v) { return v.verdict == hub::LinkVerdict::kInSync; });
  }

  // One commit to a file that nobody renders: nothing is sent.
  void ChangeNothing() {
    const std::string known = ExpandedCommit();
    ++edition_;
    Commit();
    const uint64_t before = MostChanges();
    const Stopwatch watch(clock_);
    hub_->OnControl([this] { hub_->plane().repositories().Refresh(std::nullopt); });
    while (ExpandedCommit() == known && watch.seconds() < 60) absl::SleepFor(kLook);
    if (!hub_->WaitQuiet(kLimit)) Fail("the look at a commit elsewhere does not end");
    std::printf("RESULT name=fleet-commit-elsewhere seconds=%.3f sent=%zu\n", watch.seconds(),
                static_cast<size_t>(MostChanges() - before));
  }

  void Restart(BenchHub::Derived derived, const char* name) {
    const auto before = Sent();
    hub_.reset();
    const Stopwatch watch(clock_);
    StartHub(derived);
    const double serving = watch.seconds();
    const auto proven = [](const hub::ClusterView& v) {
      return v.verdict == hub::LinkVerdict::kInSync || v.verdict == hub::LinkVerdict::kReceived;
    };
    WaitUntil(name, watch, proven, absl::StrFormat(" serving_seconds=%.2f", serving));
    const auto after = Sent();
    if (after != before) Fail(absl::StrCat(name, ": assignments were sent again"));
    std::printf("RESULT name=%s-resent assignments=%zu\n", name,
                static_cast<size_t>(after - before));
  }

  std::string ExpandedCommit() {
    std::string commit;
    hub_->OnControl([&] {
      const hub::OwnerReport* report =
          hub_->plane().owners().Report({hub::WrittenKind::kApplicationSet, "leidang/fleet"});
      if (report != nullptr) commit = report->commit;
    });
    return commit;
  }

  uint64_t LeastChanges() {
    uint64_t least = ~uint64_t{0};
    OnLoop(agent_loop_, [&] {
      for (const auto& agent : agents_) least = std::min(least, agent->changes());
    });
    return least;
  }
  uint64_t MostChanges() {
    uint64_t most = 0;
    OnLoop(agent_loop_, [&] {
      for (const auto& agent : agents_) most = std::max(most, agent->changes());
    });
    return most;
  }
  // Puts and tombstones, to all.
  uint64_t Sent() {
    uint64_t sent = 0;
    std::vector<intent::ClusterId> ids;
    OnLoop(agent_loop_, [&] {
      for (const auto& agent : agents_) ids.push_back(agent->cluster());
    });
    OnLoop(sessions_, [&] {
      for (const intent::ClusterId& id : ids)
        sent += edge_.TrafficOf(id).puts + edge_.TrafficOf(id).tombstones;
    });
    return sent;
  }

  // Until every agent has that many changes on its disk; says when each had.
  void WaitForChanges(uint64_t changes, const char* name, const Stopwatch& watch) {
    while (LeastChanges() < changes) {
      if (watch.seconds() > absl::ToDoubleSeconds(kLimit))
        return Fail(absl::StrCat(name, " hangs"));
      absl::SleepFor(kLook);
    }
    std::vector<double> seconds;
    OnLoop(agent_loop_, [&] {
      for (const auto& agent : agents_)
        seconds.push_back(absl::ToDoubleSeconds(agent->changed_at() - watch.start()));
    });
    std::sort(seconds.begin(), seconds.end());
    std::printf("RESULT name=%s agents=%zu p50_s=%.3f p99_s=%.3f max_s=%.3f cpu_seconds=%.2f\n",
                name, seconds.size(), seconds[seconds.size() / 2],
                seconds[seconds.size() * 99 / 100], seconds.back(), watch.cpu_seconds());
    std::fflush(stdout);
  }

  void WaitUntil(const char* name, const Stopwatch& watch,
                 const std::function<bool(const hub::ClusterView&)>& holds,
                 const std::string& more = "") {
    while (watch.seconds() < absl::ToDoubleSeconds(kLimit)) {
      const std::vector<hub::ClusterView> views = hub_->Views();
      const size_t there = static_cast<size_t>(std::count_if(views.begin(), views.end(), holds));
      if (there == size_.clusters) {
        std::printf("RESULT name=%s agents=%zu seconds=%.2f cpu_seconds=%.2f rss_mb=%.0f%s\n", name,
                    there, watch.seconds(), watch.cpu_seconds(), ResidentMb(), more.c_str());
        std::fflush(stdout);
        return;
      }
      absl::SleepFor(absl::Milliseconds(20));
    }
    Fail(absl::StrCat(name, " does not come to its end"));
  }

  const Size size_;
  const RealClock clock_;
  SystemRandom random_;
  const testing::TempDir directory_;
  testing::GitRepository repository_;
  int version_ = 1;
  int edition_ = 1;
  bool failed_ = false;

  ThreadLoop sessions_{"sessions"};
  ThreadLoop agent_loop_{"agents"};
  testing::InProcessEdge edge_{sessions_};
  std::unique_ptr<BenchHub> hub_;
  std::vector<std::unique_ptr<testing::FleetAgent>> agents_;
};

}  // namespace
}  // namespace leidang::bench

int main(int argc, char** argv) {
  leidang::bench::Size size;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    size_t* value = absl::ConsumePrefix(&argument, "--clusters=")    ? &size.clusters
                    : absl::ConsumePrefix(&argument, "--apps=")      ? &size.apps
                    : absl::ConsumePrefix(&argument, "--heartbeat=") ? &size.heartbeat_s
                                                                     : nullptr;
    if (value == nullptr || !absl::SimpleAtoi(argument, value) || *value == 0) {
      std::fprintf(stderr, "usage: fleet_bench [--clusters=N] [--apps=N] [--heartbeat=SECONDS]\n");
      return 64;
    }
  }
  return leidang::bench::Fleet(size).Run();
}
