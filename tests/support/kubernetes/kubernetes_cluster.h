#pragma once

// KubernetesCluster: a real API server with an etcd of its own, below a temporary folder and on
// free ports, and an administrator's hands in it. Its programs die with the test.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "agent/cluster/api_endpoint.h"
#include "agent/cluster/curl_transport.h"
#include "common/object/value.h"
#include "common/time/thread_loop.h"
#include "tests/support/program/program.h"
#include "tests/support/temp_dir.h"

namespace leidang::testing {

class KubernetesCluster {
 public:
  // kControllers: with the controllers, the scheduler and a simulated node, so that Deployments
  // become available, namespaces end and owned objects are collected.
  enum class Size { kServerOnly, kControllers };
  // kOld: Debian's etcd, which cannot tell how far a watch has come, so that the API server sends
  // no list as the beginning of a watch.
  enum class Storage { kNew, kOld };

  // `flags` are more of kube-apiserver's, separated by spaces. Fails the test if it does not come
  // up.
  explicit KubernetesCluster(Size size, std::string flags = "", Storage storage = Storage::kNew);
  ~KubernetesCluster();

  int port() const { return port_; }
  // The folder of the programs (install-deps --print-kubernetes).
  const std::string& servers() const { return servers_; }
  std::string kubeconfig() const { return folder_ / "kubeconfig"; }
  const TempDir& folder() const { return folder_; }
  agent::ApiEndpoint Endpoint() const;

  // One of its programs, by name ("kube-apiserver"), ended as by a power cut and started again.
  void Kill(const std::string& program);
  void Start(const std::string& program);
  // SIGSTOP and SIGCONT: it takes connections, and says nothing.
  void Pause(const std::string& program);
  void Continue(const std::string& program);

  // As an administrator. `body` is JSON or YAML.
  agent::ApiResponse Request(absl::string_view method, absl::string_view path,
                             absl::string_view body = "", absl::string_view content_type = "");
  // The object at `path`; null if it is not there.
  object::Value Get(absl::string_view path);
  // Server-side apply by `manager`, with force. Fails the test if it is refused.
  void Apply(absl::string_view path, absl::string_view manifest,
             absl::string_view manager = "somebody");
  // A JSON merge patch by `manager`. Fails the test if it is refused.
  void Patch(absl::string_view path, absl::string_view patch,
             absl::string_view manager = "kubectl-edit");
  void Delete(absl::string_view path);
  void CreateNamespace(absl::string_view name);
  // A token of that service account, which ends with the Secret `bound_to`, made for it.
  std::string TokenOf(absl::string_view ns, absl::string_view account, absl::string_view bound_to);
  // Applies what the folder of a kustomization gives, as it is; into `ns` what names no namespace.
  void Install(const std::string& kustomization, const std::string& ns = "");
  // What the manifests in this file say, one after another, as Install.
  void InstallFile(const std::string& path);
  // Its etcd forgets all history.
  void Compact();
  // The sum of the API server's metric `name` over the series whose labels hold all of `labels`
  // (`verb="PATCH"`), since it was started.
  double Metric(absl::string_view name, const std::vector<std::string>& labels = {});
  // Requests that wrote objects of `resource` ("configmaps"), by anybody, answered or refused; dry
  // runs are none.
  double Writes(absl::string_view resource);

 private:
  std::vector<std::string> RunCommand(const std::string& program) const;
  absl::Status Script(std::vector<std::string> arguments);
  void InstallStream(const std::string& text, const std::string& name, const std::string& ns);

  const Size size_;
  const std::string flags_;
  std::string etcd_;  // Another one than that of servers_.
  TempDir folder_;
  RealClock clock_;
  std::string servers_;
  int port_ = 0;
  std::map<std::string, Program> programs_;
  ThreadLoop loop_{"kube-test"};
  ThreadLoop request_io_{"kube-test-r"};
  ThreadLoop stream_io_{"kube-test-s"};
  std::unique_ptr<agent::CurlTransport> transport_;
};

}  // namespace leidang::testing
