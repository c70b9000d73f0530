// KubernetesClient and CurlTransport against a real API server.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/cluster/cluster_contract.h"
#include "agent/cluster/curl_transport.h"
#include "agent/cluster/kubernetes_client.h"
#include "common/base/mutex.h"
#include "common/manifest/tracking.h"
#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "tests/support/kubernetes/kubernetes_cluster.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::HasSubstr;
using testing::KubernetesCluster;
using ::testing::SizeIs;
using testing::StatusIs;

// A loop that the test itself turns, in real time.
class HandLoop final : public EventLoop {
 public:
  const Clock& clock() const override { return clock_; }
  void Post(std::function<void()> fn) override { After(absl::ZeroDuration(), std::move(fn)); }
  TimerId After(absl::Duration delay, std::function<void()> fn) override {
    const MutexLock lock(&mu_);
    due_.emplace(std::pair(clock_.Monotonic() + delay, ++last_), std::move(fn));
    changed_.SignalAll();
    return last_;
  }
  void Cancel(TimerId id) override {
    const MutexLock lock(&mu_);
    std::erase_if(due_, [id](const auto& entry) { return entry.first.second == id; });
  }

  // Until `done` holds or `patience` is over. True if it holds.
  bool RunUntil(const std::function<bool()>& done, absl::Duration patience) {
    const absl::Duration end = clock_.Monotonic() + patience;
    while (!done()) {
      if (clock_.Monotonic() >= end) return false;
      std::function<void()> fn = Next();
      if (fn) fn();
    }
    return true;
  }
  absl::Duration last_run() const { return last_run_; }

 private:
  std::function<void()> Next() {
    MutexLock lock(&mu_);
    const absl::Duration now = clock_.Monotonic();
    if (due_.empty() || due_.begin()->first.first > now) {
      changed_.WaitFor(&mu_, absl::Milliseconds(5));
      return nullptr;
    }
    last_run_ = now;
    std::function<void()> fn = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    return fn;
  }

  const RealClock clock_;
  Mutex mu_;
  CondVar changed_;
  TimerId last_ = 0;
  absl::Duration last_run_ = absl::ZeroDuration();
  std::map<std::pair<absl::Duration, TimerId>, std::function<void()>> due_;
};

// Knows what has not been answered yet.
class CountingTransport final : public ApiTransport {
 public:
  explicit CountingTransport(ApiTransport& real) : real_(real) {}

  void Send(ApiRequest request, Done done) override {
    ++waiting_;
    requests_.push_back(absl::StrCat(request.method, " ", request.path));
    real_.Send(std::move(request), [this, done = std::move(done)](absl::StatusOr<ApiResponse> a) {
      --waiting_;
      done(std::move(a));
    });
  }
  StreamId Stream(ApiRequest request, OnLine on_line, Done on_end) override {
    const bool begins_with_list = absl::StrContains(request.path, "sendInitialEvents");
    const auto id = std::make_shared<StreamId>(0);
    *id = real_.Stream(
        std::move(request),
        [this, id, on_line = std::move(on_line)](std::string line) {
          if (absl::StrContains(line, "k8s.io/initial-events-end")) listing_.erase(*id);
          on_line(std::move(line));
        },
        [this, id, on_end = std::move(on_end)](absl::StatusOr<ApiResponse> answer) {
          listing_.erase(*id);
          on_end(std::move(answer));
        });
    if (begins_with_list) listing_.insert(*id);
    return *id;
  }
  void Cancel(StreamId stream) override {
    listing_.erase(stream);
    real_.Cancel(stream);
  }

  bool Quiet() const { return waiting_ == 0 && listing_.empty(); }
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  ApiTransport& real_;
  int waiting_ = 0;
  std::set<StreamId> listing_;
  std::vector<std::string> requests_;
};

// One client, with all that it stands on.
class RealClient {
 public:
  RealClient(HandLoop& loop, const ApiEndpoint& endpoint)
      : curl_(loop, request_io_, stream_io_, endpoint), counted_(curl_), client_(loop, counted_) {}
  ~RealClient() {
    curl_.Stop();
    request_io_.Stop();
    stream_io_.Stop();
  }

  KubernetesClient& client() { return client_; }
  CountingTransport& transport() { return counted_; }

 private:
  ThreadLoop request_io_{"requests"};
  ThreadLoop stream_io_{"streams"};
  CurlTransport curl_;
  CountingTransport counted_;
  KubernetesClient client_;
};

std::string PathOf(const ObjectKey& key) {
  return absl::StrCat("/api/v1/namespaces/", key.ns, "/configmaps/", key.name);
}

class RealCluster final : public ClusterUnderTest {
 public:
  explicit RealCluster(KubernetesCluster& server) : server_(server) {
    server_.CreateNamespace("shop");
    server_.Delete("/api/v1/namespaces/shop/configmaps");
    Restart();
  }

  ClusterClient& client() override { return real_->client(); }
  void Restart() override {
    real_.reset();
    real_ = std::make_unique<RealClient>(loop_, server_.Endpoint());
  }
  // Watches lag a moment behind the writes that they report.
  void Settle() override {
    constexpr absl::Duration kQuiet = absl::Milliseconds(200);
    const absl::Duration begin = loop_.clock().Monotonic();
    loop_.RunUntil(
        [&] {
          const absl::Duration now = loop_.clock().Monotonic();
          return real_->transport().Quiet() && now - std::max(begin, loop_.last_run()) > kQuiet;
        },
        absl::Seconds(20));
  }
  void PutOutside(const Value& manifest) override {
    const ObjectKey key{"", "ConfigMap", "shop",
                        std::string(object::FindString(manifest, {"metadata", "name"}))};
    const bool there = !server_.Get(PathOf(key)).is_null();
    const ApiResponse answer = server_.Request(
        there ? "PUT" : "POST", there ? PathOf(key) : "/api/v1/namespaces/shop/configmaps",
        object::ToJson(manifest), "application/json");
    EXPECT_LT(answer.status, 300) << answer.body;
  }
  void RemoveOutside(const ObjectKey& key) override { server_.Delete(PathOf(key)); }

  // One for all tests; each begins with an empty namespace.
  static ClusterKind Kind(const std::string& name, const std::string& flags,
                          KubernetesCluster::Storage storage = KubernetesCluster::Storage::kNew) {
    // GoogleTest asks for the kinds once for each test.
    static const auto servers =
        std::make_shared<std::map<std::string, std::unique_ptr<KubernetesCluster>>>();
    return {name, [name, flags, storage]() -> std::unique_ptr<ClusterUnderTest> {
              std::unique_ptr<KubernetesCluster>& server = (*servers)[name];
              if (server == nullptr) {
                server = std::make_unique<KubernetesCluster>(KubernetesCluster::Size::kServerOnly,
                                                             flags, storage);
              }
              return std::make_unique<RealCluster>(*server);
            }};
  }

 private:
  KubernetesCluster& server_;
  HandLoop loop_;
  std::unique_ptr<RealClient> real_;
};

INSTANTIATE_TEST_SUITE_P(
    Kubernetes, ClusterContractTest,
    ::testing::Values(RealCluster::Kind("real", ""),
                      RealCluster::Kind("real_with_http_1_and_without_watch_lists",
                                        "--disable-http2-serving --feature-gates=WatchList=false"),
                      RealCluster::Kind("real_with_an_old_etcd", "",
                                        KubernetesCluster::Storage::kOld)),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace leidang::agent
