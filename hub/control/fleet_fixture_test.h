#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

#include "common/time/sim_loop.h"
#include "hub/source/fake_git_source.h"
#include "tests/support/hub/test_hub.h"

namespace leidang::hub {

// A hub with a repository of apps, for tests of whole flows.
class FleetTest : public ::testing::Test {
 protected:
  static constexpr char kUrl[] = "https://git.example/fleet.git";

  FleetTest() : FleetTest(testing::TestHub::Options()) {}
  explicit FleetTest(const testing::TestHub::Options& options) : hub_(loop_, git_, options) {}

  void Start() {
    hub_.Start();
    ASSERT_TRUE(loop_.RunUntil([this] { return hub_.up(); }, absl::Minutes(1)));
    ASSERT_TRUE(hub_.Settle());
  }
  void Restart() {
    hub_.Kill();
    Start();
  }

  static std::string ConfigMap(const std::string& name, const std::string& value = "1") {
    return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ", name,
                        "}\ndata: {value: \"", value, "\"}\n");
  }
  // A file apps/<name>/cm.yaml for each; its content says the version.
  static FakeGitSource::Files Apps(const std::vector<std::string>& names,
                                   const std::string& version = "1") {
    FakeGitSource::Files files;
    for (const std::string& name : names)
      files[absl::StrCat("apps/", name, "/cm.yaml")] = {ConfigMap(name, version)};
    files["README.md"] = {"apps"};
    return files;
  }
  GitId Commit(const FakeGitSource::Files& files) { return git_.Commit(kUrl, "main", files); }
  // Has the hub look at Git now, as a webhook does.
  void Poll() {
    hub_.repositories().Refresh(std::nullopt);
    ASSERT_TRUE(hub_.Settle());
  }
  void ApplyAndSettle(absl::string_view yaml) {
    const absl::Status applied = hub_.Apply(yaml);
    ASSERT_TRUE(applied.ok()) << applied;
    ASSERT_TRUE(hub_.Settle());
  }

  // One Application per directory below apps/, on the cluster in-cluster.
  static std::string DirectoriesSet(const std::string& name, const std::string& extra_spec = "",
                                    const std::string& annotations = "{}") {
    return absl::StrCat(R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: )",
                        name, "\n  annotations: ", annotations, R"(
spec:
  generators:
  - git:
      repoURL: https://git.example/fleet.git
      revision: main
      directories:
      - path: apps/*
  template:
    metadata:
      name: '{{path.basename}}'
    spec:
      project: default
      source:
        repoURL: https://git.example/fleet.git
        targetRevision: main
        path: '{{path}}'
      destination:
        server: https://kubernetes.default.svc
        namespace: '{{path.basename}}'
      syncPolicy:
        automated: {prune: true, selfHeal: true}
        syncOptions: [CreateNamespace=true]
)",
                        extra_spec);
  }

  // Applications by list: "name cluster" each.
  static std::string ListSet(const std::string& name, const std::vector<std::string>& elements,
                             const std::string& path = "apps/a",
                             const std::string& revision = "main", const std::string& url = kUrl,
                             const std::string& annotations = "{}") {
    std::string list;
    for (const std::string& element : elements) {
      const size_t space = element.find(' ');
      absl::StrAppend(&list, "      - {app: ", element.substr(0, space),
                      ", cluster: ", element.substr(space + 1), "}\n");
    }
    return absl::StrCat(R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: )",
                        name, ", annotations: ", annotations, R"(}
spec:
  generators:
  - list:
      elements:
)",
                        list.empty() ? "        []\n" : list, R"(
  template:
    metadata: {name: '{{app}}'}
    spec:
      project: default
      source: {repoURL: ')",
                        url, "', targetRevision: '", revision, "', path: '", path, R"('}
      destination: {name: '{{cluster}}', namespace: default}
)");
  }

  static std::string Application(const std::string& name, const std::string& cluster,
                                 const std::string& path = "apps/a",
                                 const std::string& revision = "main",
                                 const std::string& url = kUrl,
                                 const std::string& project = "default") {
    return absl::StrCat(R"(
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: )",
                        name, R"(, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: )",
                        project, "\n  source: {repoURL: '", url, "', targetRevision: '", revision,
                        "', path: '", path, "'}\n  destination: {name: '", cluster,
                        "', namespace: default}\n");
  }

  SimLoop loop_;
  FakeGitSource git_;
  testing::TestHub hub_;
};

}  // namespace leidang::hub
