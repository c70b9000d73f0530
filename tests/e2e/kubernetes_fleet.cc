#include "tests/e2e/kubernetes_fleet.h"

#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"

namespace leidang::testing {
namespace {

constexpr char kApplication[] = R"(apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: NAME
  namespace: leidang
spec:
  project: default
  source: {repoURL: REPO, targetRevision: HEAD, path: apps/NAME}
  destination: {name: CLUSTER, namespace: NAME}
  syncPolicy:
MORE)";
constexpr char kAutomated[] = "    automated: {prune: true, selfHeal: true}\n";
constexpr char kOptions[] = "    syncOptions: [CreateNamespace=true]\n";

constexpr char kPolicyChanged[] = "the policy has changed";

}  // namespace

KubernetesFleet::KubernetesFleet(const std::vector<std::string>& clusters) : git_(folder_.path()) {
  for (const std::string& name : clusters) AddCluster(name);
}

void KubernetesFleet::AddCluster(const std::string& name, const std::string& kustomization,
                                 const std::vector<std::string>& options) {
  clusters_[name] = std::make_unique<KubernetesCluster>(
      name == "one" ? KubernetesCluster::Size::kControllers : KubernetesCluster::Size::kServerOnly);
  KubernetesCluster& cluster = *clusters_.at(name);
  cluster.Install(kustomization);
  SetToken(name, "token-1");
  const std::string kubeconfig = fleet_.Write(
      name + ".kubeconfig",
      absl::StrCat("apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                   "clusters: [{name: c, cluster: {server: \"https://127.0.0.1:",
                   cluster.port(), "\", certificate-authority: ", cluster.folder() / "ca.crt",
                   "}}]\nusers: [{name: u, user: {tokenFile: ", name,
                   ".token}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"));
  fleet_.Write(name + ".policy", "{}\n");
  std::vector<std::string> flags = {"--kubeconfig", kubeconfig, "--policy",
                                    absl::StrCat(fleet_.folder(), "/", name, ".policy")};
  flags.insert(flags.end(), options.begin(), options.end());
  fleet_.AddClusterWith(name, "env=test", flags);
}

void KubernetesFleet::SetPolicy(const std::string& cluster, const std::string& policy) {
  const auto changes = [&] {
    const std::string log = fleet_.AgentLog(cluster);
    size_t count = 0;
    for (size_t at = log.find(kPolicyChanged); at != std::string::npos;
         at = log.find(kPolicyChanged, at + 1)) {
      ++count;
    }
    return count;
  };
  const size_t before = changes();
  fleet_.Write(cluster + ".policy", policy);
  EXPECT_TRUE(Until([&] { return changes() > before; })) << fleet_.AgentLog(cluster);
}

void KubernetesFleet::SetToken(const std::string& cluster, const std::string& bound_to) {
  fleet_.Write(cluster + ".token",
               clusters_.at(cluster)->TokenOf("leidang-agent", "leidang-agent", bound_to));
}

void KubernetesFleet::LoseDisk(const std::string& cluster) {
  fleet_.agent(cluster).Kill();
  for (const char* file : {"/state.db", "/state.db-wal", "/state.db-shm"}) {
    std::filesystem::remove(fleet_.AgentDirectory(cluster) + file);
  }
  fleet_.agent(cluster).Start();
}

void KubernetesFleet::Commit(const std::string& name,
                             const std::map<std::string, std::string>& files) {
  Put(name, files);
  CommitAll();
}

void KubernetesFleet::Put(const std::string& name,
                          const std::map<std::string, std::string>& files) {
  apps_[name] = files;
}

void KubernetesFleet::CommitAll() {
  GitRepository::Files all;
  for (const auto& [app, content] : apps_) {
    for (const auto& [path, text] : content) all[absl::StrCat("apps/", app, "/", path)] = {text};
  }
  commit_ = git_.Commit("main", all, "change").Hex();
}

void KubernetesFleet::AddApplication(const std::string& name, const std::string& cluster,
                                     absl::string_view more, absl::string_view spec) {
  const bool own = absl::StrContains(more, "syncOptions:");
  const bool manual = absl::StrContains(more, "automated:");
  manifests_[name] = absl::StrReplaceAll(
      kApplication,
      {{"NAME", name},
       {"REPO", repository()},
       {"CLUSTER", cluster},
       {"MORE", absl::StrCat(manual ? "" : kAutomated, own ? "" : kOptions, more, spec)}});
  ApplyManifest(name);
}

void KubernetesFleet::Annotate(const std::string& name, const std::string& annotation,
                               const std::string& value) {
  absl::StrReplaceAll({{"metadata:\n", absl::StrCat("metadata:\n  annotations: {", annotation,
                                                    ": \"", value, "\"}\n")}},
                      &manifests_.at(name));
  ApplyManifest(name);
}

void KubernetesFleet::ApplyManifest(const std::string& name) {
  const std::string file = fleet_.Write(name + ".yaml", manifests_.at(name));
  const RunningFleet::Answer answer = fleet_.Leidang({"apply", "-f", file});
  EXPECT_EQ(answer.code, 0) << answer.err;
}

object::Value KubernetesFleet::Show(const std::string& name) {
  const RunningFleet::Answer answer = fleet_.Leidang({"get", "application", name, "-o", "json"});
  const absl::StatusOr<object::Value> value = object::ParseJson(answer.out);
  return value.ok() ? *value : object::Value();
}

void KubernetesFleet::Wait(const std::string& name) {
  std::string shown;
  const bool settled = Until(
      [&] {
        const RunningFleet::Answer answer =
            fleet_.Leidang({"get", "application", name, "-o", "json"});
        shown = answer.out + answer.err;
        const absl::StatusOr<object::Value> app = object::ParseJson(answer.out);
        return app.ok() && object::FindString(*app, {"status", "sync", "revision"}) == commit_ &&
               object::FindString(*app, {"status", "sync", "status"}) == "Synced" &&
               object::FindString(*app, {"status", "health", "status"}) == "Healthy";
      },
      absl::Seconds(60));
  EXPECT_TRUE(settled) << shown;
}

void KubernetesFleet::Rest(absl::Duration time) { absl::SleepFor(time); }

::testing::AssertionResult KubernetesFleet::Until(const std::function<bool()>& holds,
                                                  absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  while (absl::Now() < end) {
    if (holds()) return ::testing::AssertionSuccess();
    absl::SleepFor(absl::Milliseconds(20));
  }
  return ::testing::AssertionFailure() << "not within " << absl::FormatDuration(patience);
}

}  // namespace leidang::testing
