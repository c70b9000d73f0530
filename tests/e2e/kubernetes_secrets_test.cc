// Secrets that controllers make out of what is in Git, with the real controllers.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/process/child_process.h"
#include "common/time/real_clock.h"
#include "tests/e2e/kubernetes_test_case.h"
#include "tests/support/program/program.h"

namespace leidang::testing {
namespace {

class KubernetesSecretsTest : public KubernetesTestCase {
 protected:
  static void Start(std::unique_ptr<Program>& program, const std::string& name,
                    const std::string& script) {
    program =
        std::make_unique<Program>(std::vector<std::string>{"/usr/bin/env", "bash", "-euc", script},
                                  two().folder() / (name + ".log"));
    program->Start();
  }
  static std::string Data(const std::string& ns, const std::string& name, const std::string& key) {
    const object::Value secret =
        two().Get(absl::StrCat("/api/v1/namespaces/", ns, "/secrets/", name));
    std::string value;
    absl::Base64Unescape(object::FindString(secret, {"data", key}), &value);
    return value;
  }
  static void WaitForHealth(const std::string& app, const std::string& health) {
    EXPECT_TRUE(KubernetesFleet::Until(
        [&] {
          return object::FindString(fleet()->Show(app), {"status", "health", "status"}) == health;
        },
        absl::Seconds(60)))
        << object::ToJson(fleet()->Show(app));
  }
};

// It reads its configuration only where a pod has it, so that it gets a /run/secrets of its own.
class SealedSecrets {
 public:
  explicit SealedSecrets(KubernetesCluster& cluster) : cluster_(cluster) {
    cluster_.InstallFile(cluster_.servers() + "/sealed-secrets-crd.yaml");
    cluster_.CreateNamespace("kube-system");
    cluster_.Apply("/api/v1/namespaces/kube-system/serviceaccounts/sealed",
                   "{apiVersion: v1, kind: ServiceAccount, metadata: {name: sealed}}");
    cluster_.Apply("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/sealed",
                   "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: "
                   "{name: sealed}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: "
                   "ClusterRole, name: cluster-admin}, subjects: [{kind: ServiceAccount, name: "
                   "sealed, namespace: kube-system}]}");
    const std::string token = cluster_.folder() / "sealed.token";
    WriteFile(token, cluster_.TokenOf("kube-system", "sealed", "sealed-token"));
    const std::string script = absl::StrReplaceAll(
        "unshare=(unshare -m); [ \"$(id -u)\" = 0 ] || unshare=(unshare -rm)\n"
        "exec \"${unshare[@]}\" bash -euc 'mkdir -p /run/secrets; mount -t tmpfs none "
        "/run/secrets\n"
        "  pod=/run/secrets/kubernetes.io/serviceaccount; mkdir -p $pod\n"
        "  cp @FOLDER@/ca.crt $pod/ca.crt; cp @TOKEN@ $pod/token\n"
        "  exec env KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=@PORT@ "
        "POD_NAMESPACE=kube-system @PROGRAM@ --listen-addr=127.0.0.1:0 "
        "--listen-metrics-addr=127.0.0.1:0 --key-size=2048'",
        {{"@FOLDER@", cluster_.folder().path()},
         {"@TOKEN@", token},
         {"@PORT@", absl::StrCat(cluster_.port())},
         {"@PROGRAM@", cluster_.servers() + "/sealed-secrets-controller"}});
    program_ =
        std::make_unique<Program>(std::vector<std::string>{"/usr/bin/env", "bash", "-euc", script},
                                  cluster_.folder() / "sealed-secrets.log");
    program_->Start();
  }

  // A Secret as a SealedSecret that only this controller can open.
  std::string Seal(const std::string& ns, const std::string& secret) {
    std::string certificate;
    EXPECT_TRUE(KubernetesFleet::Until([&] {
      const object::Value keys = cluster_.Get(
          "/api/v1/namespaces/kube-system/secrets?labelSelector="
          "sealedsecrets.bitnami.com%2Fsealed-secrets-key");
      const object::Value* items = object::Find(keys, {"items"});
      return items != nullptr && !items->get_array().empty() &&
             absl::Base64Unescape(object::FindString(items->get_array()[0], {"data", "tls.crt"}),
                                  &certificate);
    })) << ReadFile(cluster_.folder() / "sealed-secrets.log");
    const std::string certificate_file = cluster_.folder() / "sealed.pem";
    const std::string secret_file = cluster_.folder() / "secret.yaml";
    WriteFile(certificate_file, certificate);
    WriteFile(secret_file, secret);
    ChildCommand command;
    command.argv = {cluster_.servers() + "/kubeseal",
                    "--cert",
                    certificate_file,
                    "-n",
                    ns,
                    "-o",
                    "yaml",
                    "-f",
                    secret_file};
    command.environment = {absl::StrCat("HOME=", cluster_.folder().path())};
    const absl::StatusOr<ChildResult> sealed = RunChild(command, RealClock(), nullptr);
    EXPECT_TRUE(sealed.ok() && sealed->Succeeded()) << (sealed.ok() ? sealed->err : "");
    return sealed.ok() ? sealed->out : "";
  }

 private:
  KubernetesCluster& cluster_;
  std::unique_ptr<Program> program_;
};

TEST_F(KubernetesSecretsTest, ASealedSecretIsHealthyOnceItsControllerHasOpenedIt) {
  SealedSecrets sealed(two());
  const std::string secret =
      "apiVersion: v1\nkind: Secret\nmetadata: {name: password}\nstringData: {key: open}\n";
  const std::string good = sealed.Seal("sealed", secret);
  EXPECT_THAT(good, ::testing::Not(::testing::HasSubstr("open")));
  fleet()->Commit("sealed", {{"s.yaml", good}, {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("sealed", "two");
  fleet()->Wait("sealed");
  EXPECT_EQ(Data("sealed", "password", "key"), "open");
  // Sealed for another namespace, it cannot be opened here.
  fleet()->Commit("sealed",
                  {{"s.yaml", good},
                   {"bad.yaml", absl::StrReplaceAll(sealed.Seal("elsewhere", secret),
                                                    {{"namespace: elsewhere", "namespace: sealed"},
                                                     {"name: password", "name: other"}})}});
  WaitForHealth("sealed", "Degraded");
}

TEST_F(KubernetesSecretsTest, AnExternalSecretIsHealthyOnceItsControllerHasFilledIt) {
  two().InstallFile(two().servers() + "/external-secrets-crds.yaml");
  std::unique_ptr<Program> operator_program;
  Start(operator_program, "external-secrets",
        absl::StrCat("exec env KUBECONFIG=", two().kubeconfig(), " ", two().servers(),
                     "/external-secrets-fake"));
  const std::string store = R"(apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault}
spec: {provider: {fake: {data: [{key: /db/password, value: s3cret, version: v1}]}}}
)";
  const auto external = [](const std::string& name, const std::string& key) {
    return absl::StrCat(
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: ", name,
        "}\nspec:\n  refreshInterval: 1h\n  secretStoreRef: {name: vault, kind: SecretStore}\n"
        "  target: {name: ",
        name, "}\n  data: [{secretKey: password, remoteRef: {key: ", key, ", version: v1}}]\n");
  };
  fleet()->Commit("external", {{"store.yaml", store}, {"e.yaml", external("db", "/db/password")}});
  fleet()->AddApplication("external", "two");
  fleet()->Wait("external");
  EXPECT_EQ(Data("external", "db", "password"), "s3cret");
  fleet()->Commit("external", {{"store.yaml", store},
                               {"e.yaml", external("db", "/db/password")},
                               {"bad.yaml", external("none", "/not/there")}});
  WaitForHealth("external", "Degraded");
}

}  // namespace
}  // namespace leidang::testing
