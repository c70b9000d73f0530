#pragma once

// What the tests of hub/session share: a store in memory, a table, and agents that say what a test
// tells them to.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/base/check.h"
#include "common/proof/bucketed_digest.h"
#include "common/time/sim_loop.h"
#include "common/wire/wire.h"
#include "hub/session/session_table.h"
#include "hub/store/memory_rows.h"
#include "hub/store/memory_store.h"

namespace leidang::hub {

// The hub's end of a stream, and what the test's agent does with it.
class ScriptedAgent {
 public:
  // Connects as `cluster`.
  ScriptedAgent(SimLoop& loop, SessionTable& table, const intent::ClusterId& cluster)
      : loop_(loop), table_(table), cluster_(cluster) {
    id_ = table_.Accept(cluster, std::make_unique<End>(shared_));
  }

  // Says `message` once the hub asks for one; false if it does not within a second, or has ended
  // the stream.
  bool Say(v1::AgentMessage message) {
    if (!loop_.RunUntil([this] { return shared_->reads > 0 || shared_->gone; }, absl::Seconds(1)))
      return false;
    if (shared_->gone) return false;
    --shared_->reads;
    table_.Received(id_, message);
    return true;
  }

  void Hello(const intent::Authority& authority = {}, intent::Revision revision = 0,
             const proof::BucketedDigest& held = {}, const std::string& instance = "one") {
    v1::AgentMessage message;
    v1::Hello* hello = message.mutable_hello();
    hello->set_cluster_id(cluster_.Raw());
    if (!authority.hub.IsNone()) wire::ToProto(authority, hello->mutable_authority());
    hello->set_revision(revision);
    hello->set_intent_root(held.Root().Raw());
    hello->set_instance(instance);
    EXPECT_TRUE(Say(std::move(message)));
  }

  // The next message that the hub wrote, if there is one within a second. It has left when this
  // returns.
  std::optional<v1::HubMessage> Next() {
    loop_.RunUntil([this] { return !shared_->written.empty() || shared_->gone; }, absl::Seconds(1));
    if (shared_->written.empty()) return std::nullopt;
    v1::HubMessage message = std::move(shared_->written.front());
    shared_->written.pop_front();
    if (!shared_->gone) table_.Written(id_);
    return message;
  }
  // Skips messages up to one of that kind.
  std::optional<v1::HubMessage> NextOf(v1::HubMessage::MessageCase kind) {
    for (int i = 0; i < 1'000; ++i) {
      std::optional<v1::HubMessage> message = Next();
      if (!message.has_value() || message->message_case() == kind) return message;
    }
    return std::nullopt;
  }
  // Up to Welcome.
  v1::Welcome Welcomed() {
    const std::optional<v1::HubMessage> message = NextOf(v1::HubMessage::kWelcome);
    EXPECT_TRUE(message.has_value());
    if (!message.has_value()) return {};
    epoch_ = message->welcome().session_epoch();
    return message->welcome();
  }
  v1::Goodbye Dismissed() {
    const std::optional<v1::HubMessage> message = NextOf(v1::HubMessage::kGoodbye);
    EXPECT_TRUE(message.has_value());
    return message.has_value() ? message->goodbye() : v1::Goodbye();
  }

  bool Ack(uint64_t sequence) {
    v1::AgentMessage message;
    message.mutable_ack()->set_session_epoch(epoch_);
    message.mutable_ack()->set_sequence(sequence);
    return Say(std::move(message));
  }
  bool Beat(intent::Revision revision, const object::Sha256& root, const object::Sha256& applied,
            const std::string& status_digest = "") {
    v1::AgentMessage message;
    v1::Heartbeat* heartbeat = message.mutable_heartbeat();
    heartbeat->set_session_epoch(epoch_);
    heartbeat->set_sequence(++beats_);
    heartbeat->set_acknowledged(beats_ - 1);
    heartbeat->set_revision(revision);
    heartbeat->set_intent_root(root.Raw());
    heartbeat->set_applied_root(applied.Raw());
    heartbeat->set_status_digest(status_digest);
    return Say(std::move(message));
  }
  void Hang() { table_.Closed(id_, absl::UnavailableError("connection reset")); }

  uint64_t epoch() const { return epoch_; }
  bool gone() const { return shared_->gone; }
  bool silent() const { return shared_->written.empty(); }

 private:
  struct Shared {
    std::deque<v1::HubMessage> written;
    int reads = 0;
    bool gone = false;
  };
  class End final : public AgentStream {
   public:
    explicit End(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    ~End() override { shared_->gone = true; }
    void Write(v1::HubMessage message) override {
      CHECK(shared_->written.empty());
      shared_->written.push_back(std::move(message));
    }
    void Read() override { ++shared_->reads; }
    void Close(absl::Status) override { shared_->gone = true; }

   private:
    std::shared_ptr<Shared> shared_;
  };

  SimLoop& loop_;
  SessionTable& table_;
  const intent::ClusterId cluster_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  SessionId id_ = 0;
  uint64_t epoch_ = 0;
  uint64_t beats_ = 0;
};

class RecordingSessionObserver final : public SessionObserver {
 public:
  void OnSessionLive(const intent::ClusterId&) override { seen.push_back("live"); }
  void OnSessionEnded(const intent::ClusterId&) override { seen.push_back("ended"); }
  void OnOperationUpdate(const intent::ClusterId&, const OperationId& id,
                         v1::OperationUpdate::State state, const std::string& message) override {
    seen.push_back(
        absl::StrCat("operation ", id.bytes()[0], " ", static_cast<int>(state), " ", message));
  }
  void OnStatuses(const intent::ClusterId&,
                  const std::vector<intent::EntryStatus>& statuses) override {
    seen.push_back(absl::StrCat("statuses ", statuses.size()));
  }
  std::vector<std::string> seen;
};

class SessionFixture : public ::testing::Test {
 protected:
  static constexpr intent::ClusterId kOne{intent::ClusterId::Bytes{1}};
  static constexpr intent::ClusterId kTwo{intent::ClusterId::Bytes{2}};
  static constexpr intent::Authority kHub{intent::HubId(intent::HubId::Bytes{9}), 3, 77};

  SessionFixture() {
    absl::StatusOr<std::unique_ptr<Store>> opened = OpenMemoryStore(&disk_, &loop_);
    CHECK(opened.ok());
    store_ = *std::move(opened);
    WriteBatch batch;
    batch.OpenLog(kOne, kHub);
    batch.OpenLog(kTwo, kHub);
    Commit(std::move(batch));
    NewTable({});
  }

  void NewTable(SessionOptions options) {
    table_ = std::make_unique<SessionTable>(loop_, *store_, std::move(options), &observer_);
  }

  CommitResult Commit(WriteBatch batch) {
    CommitResult result;
    bool done = false;
    store_->Commit(std::move(batch), &loop_, [&](const CommitResult& committed) {
      result = committed;
      done = true;
    });
    EXPECT_TRUE(loop_.RunUntil([&] { return done; }, absl::Seconds(10)));
    EXPECT_TRUE(result.status.ok()) << result.status.ToString();
    return result;
  }
  static intent::Assignment App(const std::string& name, const std::string& value,
                                uint8_t uid = 1) {
    return {.key = {intent::EntryKind::kApplication, absl::StrCat("leidang/", name)},
            .uid = intent::Uid(intent::Uid::Bytes{uid}),
            .body = absl::StrCat("{\"value\":\"", value, "\"}"),
            .sources = {}};
  }
  void Put(const intent::ClusterId& cluster, const intent::Assignment& assignment) {
    WriteBatch batch;
    batch.Put(cluster, assignment);
    Commit(std::move(batch));
  }
  void Delete(const intent::ClusterId& cluster, const intent::Assignment& assignment) {
    WriteBatch batch;
    batch.Delete(cluster, {.key = assignment.key, .uid = assignment.uid});
    Commit(std::move(batch));
  }
  static proof::BucketedDigest DigestOf(const std::vector<intent::Assignment>& assignments) {
    proof::BucketedDigest digest;
    for (const intent::Assignment& a : assignments) digest.Add(a.key, proof::ElementOf(a));
    return digest;
  }
  ScriptedAgent Connect(const intent::ClusterId& cluster) {
    return ScriptedAgent(loop_, *table_, cluster);
  }

  SimLoop loop_;
  MemoryRows disk_;
  std::unique_ptr<Store> store_;
  RecordingSessionObserver observer_;
  std::unique_ptr<SessionTable> table_;
};

}  // namespace leidang::hub
