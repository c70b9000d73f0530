#pragma once

// What the tests of agent/link share: a state in memory, a link, and a hub that says what a test
// tells it to.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "agent/link/link.h"
#include "agent/state/memory_state.h"
#include "common/base/check.h"
#include "common/proof/bucketed_digest.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "common/wire/wire.h"

namespace leidang::agent {

// Every stream that the link opens, the newest last.
class ScriptedHub final : public Transport {
 public:
  struct Line {
    HubAddress address;
    absl::Duration opened;
    StreamObserver* observer = nullptr;  // nullptr: the agent's end is gone.
    std::deque<v1::AgentMessage> written;
    bool reading = false;
    bool finished = false;
  };

  explicit ScriptedHub(SimLoop& loop) : loop_(loop) {}

  std::unique_ptr<Stream> Open(const HubAddress& hub, StreamObserver* observer) override {
    lines_.push_back(std::make_shared<Line>());
    lines_.back()->address = hub;
    lines_.back()->opened = loop_.clock().Monotonic();
    lines_.back()->observer = observer;
    return std::make_unique<End>(lines_.back());
  }

  const std::vector<std::shared_ptr<Line>>& lines() const { return lines_; }
  Line& line() { return *lines_.back(); }

  void Accept() { line().observer->OnOpen(); }
  void Hang(absl::Status status = absl::UnavailableError("connection reset")) {
    std::exchange(line().observer, nullptr)->OnClosed(std::move(status));
  }
  // False if the link does not ask for a message within a second.
  bool Say(v1::HubMessage message) {
    if (!loop_.RunUntil([this] { return line().reading || line().observer == nullptr; },
                        absl::Seconds(1)))
      return false;
    if (line().observer == nullptr) return false;
    line().reading = false;
    line().observer->OnMessage(std::move(message));
    return true;
  }
  // The next message of the agent, if there is one within `patience`. It has left when this
  // returns.
  std::optional<v1::AgentMessage> Next(absl::Duration patience = absl::Seconds(1)) {
    loop_.RunUntil([this] { return !line().written.empty(); }, patience);
    if (line().written.empty()) return std::nullopt;
    v1::AgentMessage message = std::move(line().written.front());
    line().written.pop_front();
    if (line().observer != nullptr) line().observer->OnWritten();
    return message;
  }
  std::optional<v1::AgentMessage> NextOf(v1::AgentMessage::MessageCase kind) {
    for (int i = 0; i < 100; ++i) {
      std::optional<v1::AgentMessage> message = Next();
      if (!message.has_value() || message->message_case() == kind) return message;
    }
    return std::nullopt;
  }

 private:
  class End final : public Stream {
   public:
    explicit End(std::shared_ptr<Line> line) : line_(std::move(line)) {}
    ~End() override { line_->observer = nullptr; }
    void Write(v1::AgentMessage message) override {
      CHECK(line_->written.empty());
      line_->written.push_back(std::move(message));
    }
    void Read() override {
      CHECK(!line_->reading);
      line_->reading = true;
    }
    void Finish() override { line_->finished = true; }

   private:
    std::shared_ptr<Line> line_;
  };

  SimLoop& loop_;
  std::vector<std::shared_ptr<Line>> lines_;
};

class LinkFixture : public ::testing::Test {
 protected:
  static constexpr intent::Authority kHub{intent::HubId(intent::HubId::Bytes{9}), 3, 77};
  static constexpr intent::ClusterId kCluster{intent::ClusterId::Bytes{1}};

  LinkFixture() { NewState({}); }

  void NewState(MemoryState::Options options) {
    link_.reset();
    state_ = std::make_unique<MemoryState>(loop_, disk_, std::move(options));
  }
  void NewLink(LinkOptions options = {}) {
    options.cluster = kCluster;
    options.version = "test";
    options.instance = std::string(16, 'i');
    if (options.hubs.empty()) options.hubs = {{"hub-a:7443", ""}};
    link_ = std::make_unique<Link>(loop_, random_, *state_, hub_, std::move(options));
    link_->Start();
    WaitForLine(1);
  }
  void WaitForLine(size_t count) {
    ASSERT_TRUE(loop_.RunUntil([&] { return hub_.lines().size() >= count; }, absl::Hours(1)));
  }
  absl::Status Commit(Transaction transaction) {
    absl::Status result;
    bool done = false;
    state_->Commit(std::move(transaction), [&](absl::Status status) {
      result = std::move(status);
      done = true;
    });
    loop_.RunUntil([&] { return done; }, absl::Minutes(1));
    return result;
  }

  v1::HubMessage Welcome(uint64_t session_epoch, intent::Revision head = 0,
                         const intent::Authority& hub = kHub) {
    v1::HubMessage message;
    wire::ToProto(hub, message.mutable_welcome()->mutable_authority());
    message.mutable_welcome()->set_session_epoch(session_epoch);
    message.mutable_welcome()->set_head(head);
    message.mutable_welcome()->set_mode(v1::Welcome::RESUME);
    message.mutable_welcome()->set_heartbeat_ms(20'000);
    return message;
  }
  // Hello, Welcome, the first heartbeat.
  void GoLive(uint64_t session_epoch = 1, intent::Revision head = 0) {
    hub_.Accept();
    ASSERT_TRUE(hub_.NextOf(v1::AgentMessage::kHello).has_value());
    ASSERT_TRUE(hub_.Say(Welcome(session_epoch, head)));
    ASSERT_TRUE(hub_.NextOf(v1::AgentMessage::kHeartbeat).has_value());
    ASSERT_EQ(link_->Snapshot().phase, LinkPhase::kLive);
  }
  static intent::Assignment App(const std::string& name, const std::string& value) {
    return {.key = {intent::EntryKind::kApplication, "leidang/" + name},
            .uid = intent::Uid(intent::Uid::Bytes{1}),
            .body = "{\"value\":\"" + value + "\"}",
            .sources = {}};
  }
  static v1::HubMessage Changes(uint64_t session_epoch, uint64_t sequence, intent::Revision from,
                                const std::vector<intent::Assignment>& puts) {
    v1::HubMessage message;
    v1::Changes* changes = message.mutable_changes();
    wire::ToProto(kHub, changes->mutable_authority());
    changes->set_session_epoch(session_epoch);
    changes->set_sequence(sequence);
    changes->set_part(v1::Changes::LOG);
    changes->set_from(from);
    changes->set_to(from + puts.size());
    for (const intent::Assignment& put : puts)
      wire::ToProto(intent::Change{++from, put}, changes->add_changes());
    return message;
  }

  SimLoop loop_;
  SeededRandom random_{7};
  MemoryDisk disk_;
  std::unique_ptr<MemoryState> state_;
  ScriptedHub hub_{loop_};
  std::unique_ptr<Link> link_;
};

}  // namespace leidang::agent
