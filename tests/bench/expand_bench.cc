// expand_bench: how fast sets are expanded, on one thread, Git excluded. One line a figure:
//   RESULT name=matrix-100000-gotemplate apps=100000 seconds=0.41 apps_per_s=243902 peak_rss_mb=180
// Peak memory is the process's so far: what earlier figures needed counts, so each runs in a child
// of its own.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/object/value.h"
#include "common/yaml/yaml.h"
#include "generators/expand.h"

namespace leidang::bench {
namespace {

using generators::ApplicationSet;

constexpr int kClusters = 1000;
constexpr int kDirectories = 100;
constexpr int kFiles = 1000;

class BenchTree final : public generators::GitTree {
 public:
  BenchTree() {
    for (int i = 0; i < kDirectories; ++i) {
      directories_.push_back(absl::StrFormat("apps/app-%03d", i));
    }
    for (int i = 0; i < kFiles; ++i) {
      files_.push_back({absl::StrFormat("envs/env-%04d/config.json", i), Mode::kRegular});
      contents_.push_back(absl::StrFormat(
          R"({"cluster":{"name":"cluster-%04d","address":"https://cluster-%04d.example.com"},"replicas":%d,)"
          R"("team":"team-%d","features":["a","b"],"values":{"region":"eu-%d"}})",
          i, i, i % 7, i % 10, i % 3));
    }
  }
  absl::string_view Commit() const override { return "0123456789012345678901234567890123456789"; }
  absl::Span<const std::string> Directories() const override { return directories_; }
  absl::Span<const File> Files() const override { return files_; }
  absl::StatusOr<absl::string_view> Read(absl::string_view path) const override {
    for (size_t i = 0; i < files_.size(); ++i) {
      const size_t at = (next_ + i) % files_.size();
      if (files_[at].path != path) continue;
      next_ = at + 1;
      return absl::string_view(contents_[at]);
    }
    return absl::NotFoundError(path);
  }

 private:
  std::vector<std::string> directories_;
  std::vector<File> files_;
  std::vector<std::string> contents_;
  mutable size_t next_ = 0;  // Files are read in order.
};

class BenchGit final : public generators::GitWorld {
 public:
  absl::StatusOr<std::shared_ptr<const generators::GitTree>> Tree(
      const generators::GitRequest&) const override {
    return tree_;
  }

 private:
  std::shared_ptr<const generators::GitTree> tree_ = std::make_shared<BenchTree>();
};

generators::World MakeWorld(const BenchGit& git) {
  generators::World world;
  world.control_namespace = "argocd";
  world.projects = {"default"};
  world.git = &git;
  for (int i = 0; i < kClusters; ++i) {
    generators::Cluster cluster;
    cluster.name = absl::StrFormat("cluster-%04d", i);
    cluster.server = absl::StrFormat("https://cluster-%04d.example.com", i);
    cluster.labels = {{"argocd.argoproj.io/secret-type", "cluster"},
                      {"env", i % 2 == 0 ? "prod" : "staging"},
                      {"region", absl::StrCat("eu-", i % 5)},
                      {"tier", absl::StrCat("t", i % 3)}};
    cluster.annotations = {{"owner", absl::StrCat("team-", i % 20)}};
    world.clusters.push_back(std::move(cluster));
  }
  return world;
}

// What the sink of a hub does at least: look at each Application.
class CountingSink final : public generators::Sink {
 public:
  void OnApplication(const generators::GeneratedApplication& application) override {
    ++applications;
    bytes += application.CanonicalJson().size();
    names += application.name().size();
  }
  void OnError(const generators::ParameterSetError& error) override {
    std::fprintf(stderr, "%s\n", error.ToString().c_str());
    ++errors;
  }
  size_t applications = 0;
  size_t bytes = 0;
  size_t names = 0;
  size_t errors = 0;
};

struct Case {
  const char* name;
  const char* generators;
  bool go;
  const char* application;  // Its template.
};

constexpr char kClustersYaml[] =
    "[{clusters: {selector: {matchLabels: {argocd.argoproj.io/secret-type: cluster}}}}]";
constexpr char kMatrixYaml[] =
    "[{matrix: {generators: [{git: {repoURL: 'https://git.example.com/mono.git', revision: HEAD, "
    "directories: [{path: 'apps/*'}]}}, {clusters: {}}]}}]";
constexpr char kFilesYaml[] =
    "[{git: {repoURL: 'https://git.example.com/mono.git', revision: HEAD, files: [{path: "
    "'envs/*/config.json'}]}}]";

constexpr char kClusterApplication[] = R"(
metadata:
  name: 'guestbook-{{.nameNormalized}}'
  labels: {env: '{{.metadata.labels.env}}', region: '{{.metadata.labels.region}}'}
spec:
  project: default
  source: {repoURL: 'https://git.example.com/mono.git', path: 'overlays/{{.metadata.labels.region}}', targetRevision: HEAD}
  destination: {server: '{{.server}}', namespace: guestbook}
  syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]})";

constexpr char kMatrixApplication[] = R"(
metadata:
  name: '{{.path.basename}}-{{.name}}'
  labels: {region: '{{.metadata.labels.region}}'}
spec:
  project: default
  source: {repoURL: 'https://git.example.com/mono.git', path: '{{.path.path}}', targetRevision: HEAD}
  destination: {server: '{{.server}}', namespace: '{{.path.basename}}'}
  syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]})";

constexpr char kMatrixFastApplication[] = R"(
metadata:
  name: '{{path.basename}}-{{name}}'
  labels: {region: '{{metadata.labels.region}}'}
spec:
  project: default
  source: {repoURL: 'https://git.example.com/mono.git', path: '{{path}}', targetRevision: HEAD}
  destination: {server: '{{server}}', namespace: '{{path.basename}}'}
  syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]})";

constexpr char kFilesApplication[] = R"(
metadata:
  name: '{{.cluster.name}}-app'
  annotations: {replicas: '{{.replicas}}'}
  labels: {team: '{{.team}}'}
spec:
  project: default
  source: {repoURL: 'https://git.example.com/mono.git', path: '{{.path.path}}', targetRevision: HEAD}
  destination: {server: '{{.cluster.address}}', namespace: '{{.path.basename}}'})";

constexpr Case kCases[] = {
    {"clusters-1000-gotemplate", kClustersYaml, true, kClusterApplication},
    {"matrix-100000-gotemplate", kMatrixYaml, true, kMatrixApplication},
    {"matrix-100000-fasttemplate", kMatrixYaml, false, kMatrixFastApplication},
    {"git-files-1000-gotemplate", kFilesYaml, true, kFilesApplication},
};

absl::StatusOr<ApplicationSet> MakeSet(const Case& c) {
  std::string text = absl::StrCat(
      "kind: ApplicationSet\nmetadata: {name: ", c.name,
      ", namespace: argocd}\nspec:\n  goTemplate: ", c.go ? "true" : "false",
      "\n  goTemplateOptions: ['missingkey=error']\n  generators: ", c.generators, "\n  template:");
  for (const char* p = c.application; *p != '\0'; ++p) {
    text.push_back(*p);
    if (*p == '\n') text.append("    ");
  }
  absl::StatusOr<object::Value> manifest = yaml::ParseYaml(text, c.name);
  if (!manifest.ok()) return manifest.status();
  return ApplicationSet::Parse(*manifest);
}

int Run(const Case& c) {
  const BenchGit git;
  const generators::World world = MakeWorld(git);
  const absl::StatusOr<ApplicationSet> set = MakeSet(c);
  if (!set.ok()) {
    std::fprintf(stderr, "%s: %s\n", c.name, std::string(set.status().message()).c_str());
    return 1;
  }
  // The best of some runs: the machine may be busy with other things.
  double best = 1e9;
  double best_cpu = 1e9;
  CountingSink sink;
  for (int run = 0; run < 5; ++run) {
    sink = CountingSink();
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    const generators::ExpansionResult result = Expand(*set, world, sink);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (!result.MayDelete() || sink.errors > 0) return 1;
    best = std::min(best, took.count());
    best_cpu = std::min(best_cpu, static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "RESULT name=%s apps=%zu seconds=%.4f apps_per_s=%.0f peak_rss_mb=%ld cpu_seconds=%.4f "
      "output_mb=%.1f\n",
      c.name, sink.applications, best, static_cast<double>(sink.applications) / best,
      usage.ru_maxrss / 1024, best_cpu, static_cast<double>(sink.bytes) / 1e6);
  std::fflush(stdout);
  return 0;
}

int RunInChild(const Case& c) {
  const pid_t child = fork();
  if (child == 0) std::_Exit(Run(c));
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace
}  // namespace leidang::bench

int main(int argc, char** argv) {
  int failed = 0;
  for (const auto& c : leidang::bench::kCases) {
    if (argc > 1 && std::strstr(c.name, argv[1]) == nullptr) continue;
    failed += leidang::bench::RunInChild(c);
  }
  return failed == 0 ? 0 : 1;
}
