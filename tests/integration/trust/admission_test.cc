// A herd before the door: let in at a bounded rate, in order, and nobody is sent away.

#include "hub/rpc/admission.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/link/grpc/grpc_transport.h"
#include "agent/link/grpc/tls_probe.h"
#include "common/base/mutex.h"
#include "common/intent/intent.h"
#include "common/proof/bucketed_digest.h"
#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "tests/integration/trust/attempt.h"
#include "tests/integration/trust/test_certificates.h"
#include "tests/integration/trust/test_hub.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::tests {
namespace {

using hub::Admission;

int Dial(int port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return descriptor;
}

// Takes what is let in, and tells when there are `wanted`.
class Inside {
 public:
  explicit Inside(size_t wanted) : wanted_(wanted) {}
  ~Inside() {
    for (const int connection : connections_) ::close(connection);
  }
  Admission::LetIn Door() {
    return [this](int, int connection) {
      MutexLock lock(&mu_);
      connections_.push_back(connection);
      if (connections_.size() == wanted_) enough_.set_value();
    };
  }
  bool Wait(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    return future_.wait_for(limit) == std::future_status::ready;
  }
  size_t count() {
    MutexLock lock(&mu_);
    return connections_.size();
  }

 private:
  const size_t wanted_;
  Mutex mu_;
  std::vector<int> connections_;
  std::promise<void> enough_;
  std::future<void> future_ = enough_.get_future();
};

uint64_t Nobody() { return 0; }

TEST(Admission, AHerdIsLetInAtTheBoundedRateAndNobodyIsSentAway) {
  Inside inside(30);
  auto admission = Admission::Listen("127.0.0.1:0", {.per_second = 50, .burst = 5});
  ASSERT_TRUE(admission.ok()) << admission.status();
  const RealClock clock;
  const absl::Duration begin = clock.Monotonic();
  (*admission)->Start(inside.Door(), Nobody);
  std::vector<int> herd;
  for (int i = 0; i < 30; ++i) herd.push_back(Dial((*admission)->port()));
  EXPECT_TRUE(inside.Wait());
  // 5 at once, 25 at 50 a second.
  EXPECT_GE(clock.Monotonic() - begin, absl::Milliseconds(480));
  EXPECT_EQ((*admission)->held(), 0u);
  for (const int descriptor : herd) ::close(descriptor);
}

// Through all of TLS and gRPC: waiting is no failure.
TEST(Admission, AnAgentThatWaitsForItsTurnIsLetInInTheEnd) {
  TestHub hub({.per_second = 2, .burst = 1});
  const testing::TempDir directory;
  const RealClock clock;
  ThreadLoop loop("agents");
  std::vector<std::unique_ptr<Attempt>> attempts;
  std::vector<std::unique_ptr<agent::GrpcTransport>> transports;
  std::vector<std::unique_ptr<agent::Stream>> streams(4);
  for (size_t i = 0; i < streams.size(); ++i) {
    const auto made = agent::MakeKeyAndRequest();
    ASSERT_TRUE(made.ok());
    const std::string name = absl::StrCat("cluster-", i);
    const std::string certificate = hub.Certificate(hub.Register(name), made->csr_der, hub.Now());
    transports.push_back(std::make_unique<agent::GrpcTransport>(
        loop, WriteIdentity(absl::StrCat(directory.path(), "/", name), certificate, made->key_pem,
                            hub.authority().certificate_pem())));
    attempts.push_back(std::make_unique<Attempt>());
  }
  const absl::Duration begin = clock.Monotonic();
  loop.Post([&] {
    for (size_t i = 0; i < streams.size(); ++i)
      streams[i] = transports[i]->Open({hub.agents(), ""}, attempts[i].get());
  });
  for (const auto& attempt : attempts) EXPECT_THAT(attempt->Wait(), testing::IsOk());
  // One at once, three at two a second.
  EXPECT_GE(clock.Monotonic() - begin, absl::Milliseconds(1'450));
  EXPECT_EQ(hub.sessions(), 4u);
  std::promise<void> gone;
  loop.Post([&] {
    streams.clear();
    gone.set_value();
  });
  gone.get_future().wait();
}

// Greets as an agent that holds nothing, and tells when it is live and when the first change came.
class Live final : public agent::StreamObserver {
 public:
  explicit Live(const intent::ClusterId& cluster) : cluster_(cluster) {}
  void Open(agent::GrpcTransport& transport, const std::string& hub) {
    stream_ = transport.Open({hub, ""}, this);
  }
  void Close() { stream_.reset(); }
  void OnOpen() override {
    opened = true;
    v1::AgentMessage hello;
    hello.mutable_hello()->set_cluster_id(cluster_.Raw());
    hello.mutable_hello()->set_instance(std::string(16, 'i'));
    hello.mutable_hello()->set_intent_root(proof::BucketedDigest().Root().Raw());
    stream_->Write(std::move(hello));
    stream_->Read();
  }
  void OnMessage(v1::HubMessage message) override {
    if (message.has_welcome()) welcomed.set_value();
    if (message.has_changes()) changed.set_value();
    stream_->Read();
  }
  void OnWritten() override {}
  void OnClosed(absl::Status) override {}

  std::atomic<bool> opened{false};
  std::promise<void> welcomed;
  std::promise<void> changed;

 private:
  const intent::ClusterId cluster_;
  std::unique_ptr<agent::Stream> stream_;
};

TEST(Admission, WhoeverIsInIsServedWhileAHerdWaitsBeforeTheDoor) {
  TestHub hub({.per_second = 1, .burst = 1});
  const testing::TempDir directory;
  ThreadLoop loop("agents");
  std::vector<std::unique_ptr<agent::GrpcTransport>> transports;
  std::vector<std::unique_ptr<Live>> agents;
  std::vector<intent::ClusterId> clusters;
  for (const char* name : {"live", "last"}) {
    const auto made = agent::MakeKeyAndRequest();
    ASSERT_TRUE(made.ok());
    clusters.push_back(hub.Register(name));
    const std::string certificate = hub.Certificate(clusters.back(), made->csr_der, hub.Now());
    transports.push_back(std::make_unique<agent::GrpcTransport>(
        loop, WriteIdentity(absl::StrCat(directory.path(), "/", name), certificate, made->key_pem,
                            hub.authority().certificate_pem())));
    agents.push_back(std::make_unique<Live>(clusters.back()));
  }
  loop.Post([&] { agents[0]->Open(*transports[0], hub.agents()); });
  ASSERT_EQ(agents[0]->welcomed.get_future().wait_for(std::chrono::seconds(10)),
            std::future_status::ready);
  std::vector<int> herd;
  for (int i = 0; i < 60; ++i) herd.push_back(Dial(hub.agents_port()));
  loop.Post([&] { agents[1]->Open(*transports[1], hub.agents()); });

  const RealClock clock;
  const absl::Duration begin = clock.Monotonic();
  hub::WriteBatch batch;
  batch.Put(clusters[0], {.key = {intent::EntryKind::kApplication, "leidang/cart"},
                          .uid = intent::Uid(intent::Uid::Bytes{1}),
                          .body = "{}",
                          .sources = {}});
  ASSERT_THAT(hub.Commit(std::move(batch)), testing::IsOk());
  EXPECT_EQ(agents[0]->changed.get_future().wait_for(std::chrono::seconds(10)),
            std::future_status::ready);
  EXPECT_LT(clock.Monotonic() - begin, absl::Seconds(5)) << "the herd takes a minute";
  EXPECT_FALSE(agents[1]->opened) << "there was no herd: who came last is in";
  EXPECT_EQ(hub.sessions(), 1u);
  for (const int descriptor : herd) ::close(descriptor);
  std::promise<void> gone;
  loop.Post([&] {
    for (const auto& agent : agents) agent->Close();
    gone.set_value();
  });
  gone.get_future().wait();
}

TEST(Admission, NoMoreAreLetInThanTheMachineTakesThroughTls) {
  Inside inside(30);
  std::atomic<uint64_t> arrived{0};
  auto admission =
      Admission::Listen("127.0.0.1:0", {.per_second = 10'000, .burst = 100, .unfinished_max = 10});
  ASSERT_TRUE(admission.ok()) << admission.status();
  (*admission)->Start(inside.Door(), [&arrived] { return arrived.load(); });
  std::vector<int> herd;
  for (int i = 0; i < 30; ++i) herd.push_back(Dial((*admission)->port()));
  EXPECT_FALSE(inside.Wait(std::chrono::milliseconds(200)));
  EXPECT_EQ(inside.count(), 10u);
  arrived = 15;  // More than were let in, as one connection may ask twice: counted for ten.
  EXPECT_FALSE(inside.Wait(std::chrono::milliseconds(200)));
  EXPECT_EQ(inside.count(), 20u);
  arrived = 25;
  EXPECT_TRUE(inside.Wait());
  for (const int descriptor : herd) ::close(descriptor);
}

TEST(Admission, WhoeverNeverArrivesHoldsNobodyUpForLong) {
  Inside inside(6);
  auto admission = Admission::Listen("127.0.0.1:0", {.per_second = 10'000,
                                                     .burst = 100,
                                                     .unfinished_max = 2,
                                                     .unfinished_time = absl::Milliseconds(50)});
  ASSERT_TRUE(admission.ok()) << admission.status();
  (*admission)->Start(inside.Door(), Nobody);
  std::vector<int> herd;
  for (int i = 0; i < 6; ++i) herd.push_back(Dial((*admission)->port()));
  EXPECT_TRUE(inside.Wait());
  for (const int descriptor : herd) ::close(descriptor);
}

TEST(Admission, OneThatHasGoneWhileItWaitedCostsNothing) {
  Inside inside(2);
  auto admission = Admission::Listen("127.0.0.1:0", {.per_second = 5, .burst = 1});
  ASSERT_TRUE(admission.ok()) << admission.status();
  std::vector<int> gone;
  for (int i = 0; i < 40; ++i) gone.push_back(Dial((*admission)->port()));
  for (const int descriptor : gone) ::close(descriptor);
  const int first = Dial((*admission)->port());
  const int second = Dial((*admission)->port());
  (*admission)->Start(inside.Door(), Nobody);
  EXPECT_TRUE(inside.Wait());
  EXPECT_EQ(inside.count(), 2u);
  ::close(first);
  ::close(second);
}

TEST(Admission, WhoeverWaitsWhenItStopsIsToldSo) {
  Inside inside(1);
  auto admission = Admission::Listen("127.0.0.1:0", {.per_second = 0.1, .burst = 1});
  ASSERT_TRUE(admission.ok()) << admission.status();
  (*admission)->Start(inside.Door(), Nobody);
  const int first = Dial((*admission)->port());
  EXPECT_TRUE(inside.Wait());
  const int second = Dial((*admission)->port());
  (*admission)->Stop();
  admission->reset();
  char byte = 0;
  EXPECT_LE(::recv(second, &byte, 1, 0), 0);
  ::close(first);
  ::close(second);
}

TEST(Admission, AnAddressThatCannotBeListenedOnIsNamed) {
  const auto taken = Admission::Listen("127.0.0.1:0", {});
  ASSERT_TRUE(taken.ok());
  const std::string address = "127.0.0.1:" + std::to_string((*taken)->port());
  const auto again = Admission::Listen(address, {});
  EXPECT_THAT(again.status(), testing::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_NE(again.status().message().find(address), absl::string_view::npos);
  EXPECT_THAT(Admission::Listen("nonsense", {}).status(),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace leidang::tests
