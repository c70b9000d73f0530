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
  size_t waiting() {
    const MutexLock lock(&mu_);
    return due_.size();
  }

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
  StreamId Stream(ApiRequest request, StreamCalls calls) override {
    if (holding_) {
      held_.push_back({std::move(request), std::move(calls)});
      return kHeldStream;
    }
    if (broken_ > 0) --broken_;
    requests_.push_back(absl::StrCat("WATCH ", request.path));
    const bool begins_with_list = absl::StrContains(request.path, "sendInitialEvents");
    const auto id = std::make_shared<StreamId>(0);
    *id = real_.Stream(std::move(request),
                       {[this, id, on_open = std::move(calls.on_open)] {
                          opening_.erase(*id);
                          if (on_open != nullptr) on_open();
                        },
                        [this, id, on_line = std::move(calls.on_line)](std::string line) {
                          EXPECT_FALSE(opening_.contains(*id)) << "a line before it was open";
                          if (absl::StrContains(line, "k8s.io/initial-events-end")) {
                            listing_.erase(*id);
                          }
                          if (absl::StrContains(line, R"("code":410)")) ++expired_;
                          on_line(std::move(line));
                        },
                        [this, id, on_end = calls.on_end](absl::StatusOr<ApiResponse> answer) {
                          Forget(*id);
                          if (answer.ok() && answer->status == 410) ++expired_;
                          on_end(std::move(answer));
                        }});
    opening_.insert(*id);
    if (begins_with_list) listing_.insert(*id);
    ends_[*id] = std::move(calls.on_end);
    return *id;
  }
  void Cancel(StreamId stream) override {
    Forget(stream);
    real_.Cancel(stream);
  }

  // Ends all streams as a server does whose time is up. The next ones begin with Release only.
  void EndStreamsAndHold() {
    holding_ = true;
    EndStreams(ApiResponse{200, ""});
  }
  // Ends them as a connection that breaks.
  void BreakStreams() {
    broken_ += ends_.size();
    EndStreams(absl::UnavailableError("the connection broke"));
  }
  void Release() {
    holding_ = false;
    for (Held& held : std::exchange(held_, {})) {
      Stream(std::move(held.request), std::move(held.calls));
    }
  }
  int expired() const { return expired_; }

  bool Quiet() const {
    return waiting_ == 0 && broken_ == 0 && opening_.empty() && listing_.empty();
  }
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  struct Held {
    ApiRequest request;
    StreamCalls calls;
  };
  void Forget(StreamId stream) {
    listing_.erase(stream);
    opening_.erase(stream);
    ends_.erase(stream);
  }
  void EndStreams(const absl::StatusOr<ApiResponse>& answer) {
    opening_.clear();
    listing_.clear();
    for (const auto& [stream, on_end] : std::exchange(ends_, {})) {
      real_.Cancel(stream);
      on_end(answer);
    }
  }
  static constexpr StreamId kHeldStream = 1'000'000'000;  // Nobody cancels one that is held.

  ApiTransport& real_;
  int waiting_ = 0;
  bool holding_ = false;
  int expired_ = 0;  // Watches that the server could not go on with.
  std::vector<Held> held_;
  std::map<StreamId, Done> ends_;
  std::set<StreamId> listing_;
  std::set<StreamId> opening_;
  size_t broken_ = 0;  // Of those that were broken: how many have not begun again.
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
  void BreakWatches() override { real_->transport().BreakStreams(); }

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

// With plain lists, so that it can be seen that what is read anew comes in pages.
TEST(ExpiredWatch, IsReadAnewInPagesAndTellsWhatWasMissed) {
  constexpr int kObjects = 620;  // A page has 500.
  KubernetesCluster server(KubernetesCluster::Size::kServerOnly, "--feature-gates=WatchList=false");
  server.CreateNamespace("shop");
  HandLoop loop;
  RealClient real(loop, server.Endpoint());
  const auto key = [](int i) { return ObjectKey{"", "ConfigMap", "shop", absl::StrCat("c", i)}; };
  const auto config = [&](int i, const char* colour) {
    Value manifest = object::Object{{"apiVersion", "v1"}, {"kind", "ConfigMap"}};
    manifest.get_object()["metadata"] =
        object::Object{{"name", key(i).name}, {"namespace", "shop"}};
    manifest.get_object()["data"] = object::Object{{"colour", colour}};
    manifest::Track(manifest, "leidang/cart", key(i));
    return manifest;
  };
  int left = kObjects;
  for (int i = 0; i < kObjects; ++i) {
    real.client().Apply({key(i), config(i, "red"), std::nullopt},
                        [&](const absl::StatusOr<Applied>& answer) {
                          EXPECT_OK(answer);
                          --left;
                        });
  }
  ASSERT_TRUE(loop.RunUntil([&] { return left == 0; }, absl::Minutes(1)));
  const auto rest = [&](absl::Duration time) {
    const absl::Duration end = loop.clock().Monotonic() + time;
    loop.RunUntil([&] { return loop.clock().Monotonic() > end; }, absl::Minutes(1));
  };
  rest(absl::Seconds(1));
  std::set<std::string> told;
  real.client().Watch([&](const ObjectEvent& event) { told.insert(event.key.name); });

  real.transport().EndStreamsAndHold();
  server.Patch(PathOf(key(7)), R"({"data":{"colour":"pink"}})");
  server.Delete(PathOf(key(8)));
  server.Kill("kube-apiserver");
  server.Compact();
  server.Start("kube-apiserver");
  server.Apply(PathOf(key(1000)), object::ToJson(config(1000, "theirs")));
  rest(absl::Seconds(1));
  const size_t before = real.transport().requests().size();
  real.transport().Release();
  EXPECT_TRUE(loop.RunUntil([&] { return told.size() == 3; }, absl::Seconds(30)));
  rest(absl::Seconds(1));
  EXPECT_GE(real.transport().expired(), 1);
  EXPECT_THAT(told, ::testing::ElementsAre("c1000", "c7", "c8"));
  size_t pages = 0;
  for (size_t i = before; i < real.transport().requests().size(); ++i) {
    const std::string& request = real.transport().requests()[i];
    EXPECT_THAT(request, AnyOf(::testing::StartsWith("GET "), ::testing::StartsWith("WATCH ")));
    if (absl::StrContains(request, "/configmaps?") && absl::StrContains(request, "&limit=")) {
      ++pages;
    }
  }
  EXPECT_EQ(pages, 2u);
}

TEST(BrokenConnection, IsWaitedForUntilAllThatWasMissedIsKnown) {
  KubernetesCluster server(KubernetesCluster::Size::kServerOnly, "");
  server.CreateNamespace("shop");
  HandLoop loop;
  RealClient real(loop, server.Endpoint());
  const auto config = [&](const char* name, const char* colour) {
    const ObjectKey key{"", "ConfigMap", "shop", name};
    Value manifest = object::Object{{"apiVersion", "v1"}, {"kind", "ConfigMap"}};
    manifest.get_object()["metadata"] = object::Object{{"name", name}, {"namespace", "shop"}};
    manifest.get_object()["data"] = object::Object{{"colour", colour}};
    manifest::Track(manifest, "leidang/cart", key);
    return ApplyRequest{key, std::move(manifest), std::nullopt};
  };
  int left = 3;
  for (const char* name : {"a", "b", "c"}) {
    real.client().Apply(config(name, "red"), [&](const absl::StatusOr<Applied>& answer) {
      EXPECT_OK(answer);
      --left;
    });
  }
  ASSERT_TRUE(loop.RunUntil([&] { return left == 0; }, absl::Minutes(1)));
  const auto quiet = [&] { return real.transport().Quiet(); };
  ASSERT_TRUE(loop.RunUntil(quiet, absl::Seconds(20)));
  real.transport().BreakStreams();
  server.Patch(PathOf({"", "ConfigMap", "shop", "a"}),
               R"({"metadata":{"labels":{"leidang.dev/app":null}}})");
  server.Delete(PathOf({"", "ConfigMap", "shop", "b"}));
  std::optional<absl::StatusOr<std::vector<LiveObject>>> live;
  real.client().Read({.app = "leidang/cart"}, [&](auto answer) { live = std::move(answer); });
  ASSERT_TRUE(loop.RunUntil([&] { return live.has_value(); }, absl::Seconds(60)));
  ASSERT_OK(*live);
  ASSERT_EQ((*live)->size(), 1u);
  EXPECT_EQ((*live)->front().key.name, "c");
}

// The loop stands still while much happens: what is kept of it is bounded, requests and other
// watches go on, and nothing is missed.
TEST(AWatchThatNobodyReads, IsPausedAndHoldsUpNeitherRequestsNorOtherWatches) {
  constexpr int kLarge = 12;
  constexpr size_t kLineBytes = 800'000;
  KubernetesCluster server(KubernetesCluster::Size::kServerOnly, "");
  const auto apply = [&](const std::string& ns, const std::string& name, size_t bytes) {
    server.Apply(PathOf({"", "ConfigMap", ns, name}),
                 absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")", name,
                              R"(","labels":{"slow":"yes"}},"data":{"k":")",
                              std::string(bytes, 'x'), "\"}}"));
  };
  HandLoop loop;
  ThreadLoop request_io("requests");
  ThreadLoop stream_io("streams");
  CurlTransport curl(loop, request_io, stream_io, server.Endpoint());
  std::map<std::string, std::vector<std::string>> seen;
  for (const std::string ns : {"slow", "other"}) {
    server.CreateNamespace(ns);
    apply(ns, "first", 1);
    curl.Stream(
        {.path = absl::StrCat("/api/v1/namespaces/", ns, "/configmaps?watch=1&labelSelector=slow")},
        {nullptr,
         [&seen, ns](const std::string& line) {
           const absl::StatusOr<Value> event = object::ParseJson(line);
           ASSERT_OK(event);
           seen[ns].emplace_back(object::FindString(*event, {"object", "metadata", "name"}));
         },
         [](const absl::StatusOr<ApiResponse>& end) { ADD_FAILURE() << end.status(); }});
  }
  EXPECT_TRUE(loop.RunUntil([&] { return seen.size() == 2; }, absl::Seconds(20)));

  std::vector<std::string> all = {"first"};
  for (int i = 0; i < kLarge; ++i) {
    all.push_back(absl::StrCat("large-", i));
    apply("slow", all.back(), kLineBytes);
  }
  const auto until = [&](const std::function<bool()>& holds) {
    const absl::Duration end = loop.clock().Monotonic() + absl::Seconds(10);
    while (!holds() && loop.clock().Monotonic() < end) server.Get("/version");
    return holds();
  };
  // Lines that the loop has not taken: no more come, though there are more.
  size_t waiting = 0;
  EXPECT_TRUE(until([&] {
    const size_t before = std::exchange(waiting, loop.waiting());
    for (int i = 0; i < 50; ++i) server.Get("/version");
    return waiting > 0 && waiting == before;
  }));
  EXPECT_LT(waiting, static_cast<size_t>(kLarge) - 2);
  apply("other", "small", 1);
  EXPECT_TRUE(until([&] { return loop.waiting() == waiting + 1; })) << "the other watch goes on";
  int answered = 0;
  curl.Send({.method = "POST",
             .path = "/api/v1/namespaces/other/configmaps",
             .content_type = "application/json",
             .body = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"ours"}})"},
            [&](const absl::StatusOr<ApiResponse>& answer) {
              EXPECT_OK(answer);
              ++answered;
            });
  EXPECT_TRUE(until([&] { return loop.waiting() == waiting + 2; })) << "and so do requests";

  EXPECT_TRUE(
      loop.RunUntil([&] { return seen["slow"].size() == all.size() && seen["other"].size() == 2; },
                    absl::Seconds(20)));
  EXPECT_EQ(seen["slow"], all);
  EXPECT_THAT(seen["other"], ::testing::ElementsAre("first", "small"));
  EXPECT_EQ(answered, 1);
  curl.Stop();
  request_io.Stop();
  stream_io.Stop();
}

// The words of a real server's refusals, and its dry run.
TEST(MakingAnew, HappensToAnImmutableObjectAndNotForAMistake) {
  KubernetesCluster server(KubernetesCluster::Size::kServerOnly, "");
  server.CreateNamespace("shop");
  HandLoop loop;
  RealClient real(loop, server.Endpoint());
  const ObjectKey key{"", "ConfigMap", "shop", "fixed"};
  const auto apply = [&](const std::string& data) {
    const absl::StatusOr<Value> manifest = object::ParseJson(
        absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","immutable":true,"metadata":)",
                     R"({"name":"fixed","namespace":"shop"},"data":)", data, "}"));
    EXPECT_OK(manifest);
    ApplyRequest request{key, *manifest, std::nullopt};
    request.refused = ApplyRequest::Refused::kMakeAnew;
    std::optional<absl::StatusOr<Applied>> answer;
    real.client().Apply(std::move(request),
                        [&](absl::StatusOr<Applied> a) { answer = std::move(a); });
    loop.RunUntil([&] { return answer.has_value(); }, absl::Minutes(1));
    return answer.has_value() ? *answer : absl::InternalError("no answer");
  };
  const absl::StatusOr<Applied> first = apply(R"({"k":"1"})");
  ASSERT_OK(first);
  EXPECT_THAT(apply(R"({"not a key":"1"})"), StatusIs(absl::StatusCode::kInvalidArgument));
  const Value live = server.Get(PathOf(key));
  EXPECT_EQ(object::FindString(live, {"metadata", "uid"}), first->uid);
  const absl::StatusOr<Applied> second = apply(R"({"k":"2"})");
  ASSERT_OK(second);
  EXPECT_NE(second->uid, first->uid);
  const Value anew = server.Get(PathOf(key));
  EXPECT_EQ(object::FindString(anew, {"data", "k"}), "2");
}

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
