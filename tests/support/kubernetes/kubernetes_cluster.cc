#include "tests/support/kubernetes/kubernetes_cluster.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <unistd.h>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/process/child_process.h"
#include "common/yaml/yaml.h"
#include "tests/support/kustomize_program.h"

namespace leidang::testing {
namespace {

constexpr char kScript[] = "tests/e2e/servers/cluster";

bool IsFree(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

// Three in a row, below those that the kernel gives to connections.
int FreePorts() {
  for (int i = 0; i < 1000; ++i) {
    const int port = 20000 + (static_cast<int>(::getpid()) * 37 + i * 3) % 12000;
    if (IsFree(port) && IsFree(port + 1) && IsFree(port + 2)) return port;
  }
  ADD_FAILURE() << "no three free ports in a row";
  return 0;
}

std::vector<std::string> Environment() {
  std::vector<std::string> environment;
  for (const char* name : {"HOME", "PATH", "XDG_CACHE_HOME", "LEIDANG_CACHE"}) {
    if (const char* value = std::getenv(name); value != nullptr) {
      environment.push_back(absl::StrCat(name, "=", value));
    }
  }
  return environment;
}

std::string Absolute(const std::string& path) { return std::filesystem::absolute(path).string(); }

// What install-deps prints for this flag; "" and a failed test if it is not there.
std::string Installed(const std::string& flag, const Clock& clock) {
  ChildCommand print;
  print.argv = {"/usr/bin/env", "bash", Absolute("install-deps"), flag};
  print.environment = Environment();
  const absl::StatusOr<ChildResult> printed = RunChild(print, clock, nullptr);
  EXPECT_TRUE(printed.ok() && printed->Succeeded()) << (printed.ok() ? printed->err : "");
  if (!printed.ok() || !printed->Succeeded()) return "";
  return std::string(absl::StripAsciiWhitespace(printed->out));
}

}  // namespace

KubernetesCluster::KubernetesCluster(Size size, std::string flags, Storage storage)
    : size_(size), flags_(std::move(flags)), port_(FreePorts()) {
  servers_ = Installed("--print-kubernetes", clock_);
  if (storage == Storage::kOld) etcd_ = Installed("--print-old-etcd", clock_);
  if (servers_.empty()) return;
  const absl::Status keys = Script({"keys", folder_.path(), absl::StrCat(port_)});
  EXPECT_TRUE(keys.ok()) << keys;
  const absl::StatusOr<agent::ApiEndpoint> endpoint = agent::ReadKubeconfig(kubeconfig(), "");
  EXPECT_TRUE(endpoint.ok()) << endpoint.status();
  if (!endpoint.ok()) return;
  transport_ = std::make_unique<agent::CurlTransport>(loop_, request_io_, stream_io_, *endpoint);
  Start("etcd");
  Start("kube-apiserver");
  if (size_ == Size::kServerOnly) return;
  for (const char* name : {"kube-controller-manager", "kube-scheduler", "kwok"}) Start(name);
}

KubernetesCluster::~KubernetesCluster() {
  if (transport_ != nullptr) transport_->Stop();
  request_io_.Stop();
  stream_io_.Stop();
  loop_.Stop();
  for (auto& [name, program] : programs_) program.Kill();
}

agent::ApiEndpoint KubernetesCluster::Endpoint() const {
  absl::StatusOr<agent::ApiEndpoint> endpoint = agent::ReadKubeconfig(kubeconfig(), "");
  EXPECT_TRUE(endpoint.ok()) << endpoint.status();
  return endpoint.ok() ? *std::move(endpoint) : agent::ApiEndpoint();
}

absl::Status KubernetesCluster::Script(std::vector<std::string> arguments) {
  ChildCommand command;
  command.argv = {"/usr/bin/env", "bash", Absolute(kScript)};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = Environment();
  command.deadline = absl::Minutes(2);
  const absl::StatusOr<ChildResult> result = RunChild(command, clock_, nullptr);
  if (!result.ok()) return result.status();
  return result->Succeeded() ? absl::OkStatus() : absl::UnavailableError(result->err);
}

std::vector<std::string> KubernetesCluster::RunCommand(const std::string& program) const {
  return {"/usr/bin/env",
          absl::StrCat("APISERVER_FLAGS=", flags_),
          absl::StrCat("ETCD=", etcd_),
          "bash",
          Absolute(kScript),
          "run",
          servers_,
          folder_.path(),
          absl::StrCat(port_),
          program,
          size_ == Size::kControllers ? "full" : ""};
}

void KubernetesCluster::Start(const std::string& program) {
  const std::string log = folder_ / (program + ".log");
  Program& child = programs_.try_emplace(program, RunCommand(program), log).first->second;
  child.Start();
  if (program == "kube-scheduler") return;
  const absl::Status up = Script({"wait", folder_.path(), absl::StrCat(port_), program});
  EXPECT_TRUE(up.ok()) << up << "\n" << ReadFile(log);
}

void KubernetesCluster::Kill(const std::string& program) { programs_.at(program).Kill(); }
void KubernetesCluster::Pause(const std::string& program) { programs_.at(program).Stop(); }
void KubernetesCluster::Continue(const std::string& program) { programs_.at(program).Continue(); }

agent::ApiResponse KubernetesCluster::Request(absl::string_view method, absl::string_view path,
                                              absl::string_view body,
                                              absl::string_view content_type) {
  agent::ApiRequest request;
  request.method = std::string(method);
  request.path = std::string(path);
  request.body = std::string(body);
  request.content_type = std::string(content_type);
  std::promise<absl::StatusOr<agent::ApiResponse>> answer;
  loop_.Post([&] {
    transport_->Send(request, [&answer](absl::StatusOr<agent::ApiResponse> a) {
      answer.set_value(std::move(a));
    });
  });
  const absl::StatusOr<agent::ApiResponse> response = answer.get_future().get();
  EXPECT_TRUE(response.ok()) << method << " " << path << ": " << response.status();
  return response.ok() ? *response : agent::ApiResponse();
}

object::Value KubernetesCluster::Get(absl::string_view path) {
  const agent::ApiResponse answer = Request("GET", path);
  if (answer.status == 404) return nullptr;
  EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
  absl::StatusOr<object::Value> value = object::ParseJson(answer.body);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *std::move(value) : object::Value();
}

void KubernetesCluster::Apply(absl::string_view path, absl::string_view manifest,
                              absl::string_view manager) {
  const agent::ApiResponse answer =
      Request("PATCH", absl::StrCat(path, "?force=true&fieldManager=", manager), manifest,
              "application/apply-patch+yaml");
  EXPECT_TRUE(answer.status == 200 || answer.status == 201) << path << ": " << answer.body;
}

void KubernetesCluster::Patch(absl::string_view path, absl::string_view patch,
                              absl::string_view manager) {
  const agent::ApiResponse answer = Request("PATCH", absl::StrCat(path, "?fieldManager=", manager),
                                            patch, "application/merge-patch+json");
  EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
}

void KubernetesCluster::Delete(absl::string_view path) {
  const agent::ApiResponse answer = Request("DELETE", path);
  EXPECT_TRUE(answer.status == 200 || answer.status == 202) << path << ": " << answer.body;
}

void KubernetesCluster::CreateNamespace(absl::string_view name) {
  Apply(absl::StrCat("/api/v1/namespaces/", name),
        absl::StrCat("{apiVersion: v1, kind: Namespace, metadata: {name: ", name, "}}"));
}

std::string KubernetesCluster::TokenOf(absl::string_view ns, absl::string_view account,
                                       absl::string_view bound_to) {
  const std::string secret = absl::StrCat("/api/v1/namespaces/", ns, "/secrets/", bound_to);
  Apply(secret, absl::StrCat("{apiVersion: v1, kind: Secret, metadata: {name: ", bound_to, "}}"));
  const object::Value made = Get(secret);
  const std::string uid(object::FindString(made, {"metadata", "uid"}));
  const agent::ApiResponse answer = Request(
      "POST", absl::StrCat("/api/v1/namespaces/", ns, "/serviceaccounts/", account, "/token"),
      absl::StrCat(R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{)",
                   R"("boundObjectRef":{"apiVersion":"v1","kind":"Secret","name":")", bound_to,
                   R"(","uid":")", uid, R"("}}})"),
      "application/json");
  EXPECT_EQ(answer.status, 201) << answer.body;
  const absl::StatusOr<object::Value> value = object::ParseJson(answer.body);
  return value.ok() ? std::string(object::FindString(*value, {"status", "token"})) : "";
}

void KubernetesCluster::Install(const std::string& kustomization, const std::string& ns) {
  ChildCommand command;
  command.argv = {KustomizeProgram(), "build", Absolute(kustomization)};
  const absl::StatusOr<ChildResult> result = RunChild(command, clock_, nullptr);
  ASSERT_TRUE(result.ok() && result->Succeeded()) << (result.ok() ? result->err : "");
  InstallStream(result->out, kustomization, ns);
}

void KubernetesCluster::InstallFile(const std::string& path) {
  InstallStream(ReadFile(path), path, "");
}

void KubernetesCluster::InstallStream(const std::string& text, const std::string& name,
                                      const std::string& otherwise) {
  const absl::StatusOr<std::vector<yaml::Document>> documents = yaml::ParseYamlStream(text, name);
  ASSERT_TRUE(documents.ok()) << documents.status();
  for (const yaml::Document& document : *documents) {
    const std::string kind(object::FindString(document.value, {"kind"}));
    const std::string version(object::FindString(document.value, {"apiVersion"}));
    std::string ns(object::FindString(document.value, {"metadata", "namespace"}));
    if (ns.empty()) ns = otherwise;
    Apply(absl::StrCat(absl::StrContains(version, "/") ? "/apis/" : "/api/", version, "/",
                       ns.empty() ? "" : absl::StrCat("namespaces/", ns, "/"),
                       absl::AsciiStrToLower(kind), "s/",
                       object::FindString(document.value, {"metadata", "name"})),
          object::ToJson(document.value), "installer");
  }
}

void KubernetesCluster::Compact() {
  const absl::Status compacted = Script({"compact", folder_.path(), absl::StrCat(port_)});
  EXPECT_TRUE(compacted.ok()) << compacted;
}

double KubernetesCluster::Metric(absl::string_view name, const std::vector<std::string>& labels) {
  double sum = 0;
  const agent::ApiResponse answer = Request("GET", "/metrics");
  for (const absl::string_view line : absl::StrSplit(answer.body, '\n')) {
    const bool named = absl::StartsWith(line, name) && line.size() > name.size() &&
                       (line[name.size()] == '{' || line[name.size()] == ' ');
    const auto holds = [line](const std::string& label) { return absl::StrContains(line, label); };
    double value = 0;
    if (named && std::all_of(labels.begin(), labels.end(), holds) &&
        absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value)) {
      sum += value;
    }
  }
  return sum;
}

double KubernetesCluster::Writes(absl::string_view resource) {
  double writes = 0;
  for (const absl::string_view verb : {"APPLY", "PATCH", "POST", "PUT", "DELETE"}) {
    writes +=
        Metric("apiserver_request_total", {absl::StrCat("resource=\"", resource, "\""),
                                           absl::StrCat("verb=\"", verb, "\""), "dry_run=\"\""});
  }
  return writes;
}

}  // namespace leidang::testing
