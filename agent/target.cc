#include "agent/target.h"

#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include "agent/cluster/api_endpoint.h"
#include "agent/cluster/curl_transport.h"
#include "agent/cluster/directory_client.h"
#include "agent/cluster/kubernetes_client.h"
#include "common/base/status_macros.h"
#include "common/time/thread_loop.h"

namespace leidang::agent {
namespace {

constexpr char kServiceAccount[] = "/var/run/secrets/kubernetes.io/serviceaccount";

class DirectoryTarget final : public Target {
 public:
  DirectoryTarget(EventLoop& loop, const std::string& path)
      : client_(loop, io_, DirectoryOptions{.path = path}) {}
  ~DirectoryTarget() override { io_.Stop(); }

  ClusterClient& client() override { return client_; }
  void WhenReady(std::function<void()> ready) override { ready(); }

 private:
  ThreadLoop io_{"target"};
  DirectoryClient client_;
};

class KubernetesTarget final : public Target {
 public:
  KubernetesTarget(EventLoop& loop, const ApiEndpoint& endpoint, std::set<std::string> namespaces,
                   Log& log)
      : transport_(loop, request_io_, stream_io_, endpoint),
        client_(loop, transport_, std::move(namespaces), &log) {}
  ~KubernetesTarget() override {
    transport_.Stop();
    request_io_.Stop();
    stream_io_.Stop();
  }

  ClusterClient& client() override { return client_; }
  void WhenReady(std::function<void()> ready) override { client_.WhenReady(std::move(ready)); }

 private:
  ThreadLoop request_io_{"requests"};
  ThreadLoop stream_io_{"watches"};
  CurlTransport transport_;
  KubernetesClient client_;
};

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Target>> Target::Open(EventLoop& loop, Log& log,
                                                     const AgentOptions& options) {
  if (!options.directory.empty()) return std::make_unique<DirectoryTarget>(loop, options.directory);
  ApiEndpoint endpoint;
  if (options.in_cluster) {
    ASSIGN_OR_RETURN(endpoint,
                     InClusterEndpoint(Variable("KUBERNETES_SERVICE_HOST"),
                                       Variable("KUBERNETES_SERVICE_PORT"), kServiceAccount));
  } else {
    ASSIGN_OR_RETURN(endpoint, ReadKubeconfig(options.kubeconfig, options.context));
  }
  std::set<std::string> namespaces(options.namespaces.begin(), options.namespaces.end());
  if (!namespaces.empty()) namespaces.insert(options.inventory_namespace);
  return std::make_unique<KubernetesTarget>(loop, endpoint, std::move(namespaces), log);
}

}  // namespace leidang::agent
