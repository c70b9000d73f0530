// A box between agent and hub that cuts connections on which nothing moves, as load balancers and
// firewalls do after a minute: heartbeats hold a session through it. Real gRPC over TLS; seconds
// stand for twenties of them.

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "agent/link/grpc/grpc_transport.h"
#include "agent/link/link.h"
#include "agent/state/memory_state.h"
#include "common/random/random.h"
#include "common/time/thread_loop.h"
#include "hub/auth/peer_identity.h"
#include "hub/session/options.h"
#include "tests/integration/network/faulty_proxy.h"
#include "tests/integration/trust/test_certificates.h"
#include "tests/integration/trust/test_hub.h"
#include "tests/support/temp_dir.h"

namespace leidang::tests {
namespace {

constexpr absl::Duration kCutOfBoxes = absl::Minutes(1);
constexpr absl::Duration kCut = absl::Seconds(3);
constexpr std::chrono::seconds kPatience{30};

// An agent's link behind such a box, with a session that is live.
class LinkBehindABox {
 public:
  explicit LinkBehindABox(absl::Duration heartbeat) : hub_({}, {.heartbeat = heartbeat}) {
    const intent::ClusterId cluster = hub_.Register("staging");
    const CraftedCertificate crafted =
        Craft({hub::AgentUri({hub_.id(), cluster})}, &hub_.authority_keys());
    transport_ = std::make_unique<agent::GrpcTransport>(
        loop_, WriteIdentity(directory_.path() + "/identity", crafted.certificate_pem,
                             crafted.key_pem, hub_.authority().certificate_pem()));
    box_.CutIdle(0, kCut);
    OnLoop([&] {
      state_ = std::make_unique<agent::MemoryState>(loop_, disk_);
      link_ = std::make_unique<agent::Link>(
          loop_, random_, *state_, *transport_,
          agent::LinkOptions{.cluster = cluster,
                             .version = "test",
                             .instance = std::string(16, 'i'),
                             .hubs = {{absl::StrCat("127.0.0.1:", box_.port(0)), ""}}});
      link_->OnPhase([this](agent::LinkPhase phase) { See(phase); });
      link_->Start();
    });
  }
  ~LinkBehindABox() {
    OnLoop([this] {
      link_.reset();
      state_.reset();
    });
    transport_.reset();
    loop_.Stop();
  }

  bool IsLive() { return live_.get_future().wait_for(kPatience) == std::future_status::ready; }
  // Whether the session ends within `time`.
  bool Ends(std::chrono::seconds time) {
    return ended_.get_future().wait_for(time) == std::future_status::ready;
  }
  uint64_t cuts() const { return box_.idle_cuts(); }

 private:
  void OnLoop(const std::function<void()>& fn) {
    std::promise<void> done;
    loop_.Post([&] {
      fn();
      done.set_value();
    });
    done.get_future().wait();
  }
  void See(agent::LinkPhase phase) {
    if (phase == agent::LinkPhase::kLive) {
      if (!was_live_) live_.set_value();
      was_live_ = true;
    } else if (was_live_ && !has_ended_) {
      has_ended_ = true;
      ended_.set_value();
    }
  }

  TestHub hub_;
  testing::TempDir directory_;
  testing::FaultyProxy box_{1, hub_.agents_port()};
  SystemRandom random_;
  ThreadLoop loop_{"agent"};
  agent::MemoryDisk disk_;
  std::unique_ptr<agent::GrpcTransport> transport_;
  std::unique_ptr<agent::MemoryState> state_;
  std::unique_ptr<agent::Link> link_;
  bool was_live_ = false;
  bool has_ended_ = false;
  std::promise<void> live_;
  std::promise<void> ended_;
};

TEST(IdleCutTest, HeartbeatsHoldASession) {
  LinkBehindABox link(absl::Seconds(1));
  ASSERT_TRUE(link.IsLive());
  EXPECT_FALSE(link.Ends(std::chrono::seconds(8)));
  EXPECT_EQ(link.cuts(), 0u);
}

TEST(IdleCutTest, WithoutThemTheBoxWouldCutIt) {
  LinkBehindABox link(absl::Minutes(4));
  ASSERT_TRUE(link.IsLive());
  EXPECT_TRUE(link.Ends(kPatience));
  EXPECT_GT(link.cuts(), 0u);
}

TEST(IdleCutTest, OneMayGetLateWithWhatIsShipped) {
  EXPECT_LE(2 * hub::SessionOptions().heartbeat, kCutOfBoxes);
}

}  // namespace
}  // namespace leidang::tests
