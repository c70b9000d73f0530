#pragma once

// HubSession: one stream to a hub, from Hello to its end. Internal to agent/link; loop-bound.
//
// What is to be sent is kept as facts, one slot each, and made into messages when the stream can
// take one: control first, statuses last.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "agent/link/link.h"
#include "agent/link/transport.h"
#include "agent/state/state.h"
#include "common/intent/authority.h"
#include "common/proof/bucketed_digest.h"
#include "common/time/event_loop.h"
#include "leidang/v1/link.pb.h"

namespace leidang::agent {

class HubSession final : public StreamObserver, public StateObserver {
 public:
  // `link` must outlive it.
  HubSession(Link& link, HubAddress hub);
  ~HubSession() override;

  void Open();
  // No callback to the link any more.
  void Abandon();

  uint64_t session_epoch() const { return phase_ == Phase::kLive ? session_epoch_ : 0; }
  uint64_t ignored_messages() const { return ignored_; }
  bool reported() const { return phase_ == Phase::kLive && !HasUnsentStatuses(); }

  void OnOpen() override;
  void OnMessage(v1::HubMessage message) override;
  void OnWritten() override;
  void OnClosed(absl::Status status) override;

  void OnEntryChanged(const EntryRef& entry) override;
  void OnOperationChanged(const OperationId& id) override;
  void OnStatusWaiting() override;

 private:
  enum class Phase : uint8_t {
    kConnecting,
    kGreeting,  // Hello is out.
    kObeying,   // Welcome came; the authority and session epoch are on their way to the disk.
    kLive,
    kRefusing,  // Refused is out, or about to be.
    kEnded,
  };
  // A batch of statuses that the hub has not acknowledged.
  struct Batch {
    uint64_t sequence = 0;
    std::vector<std::pair<EntryRef, uint64_t>> statuses;
    bool tells_an_end = false;  // Of an entry.
    bool acknowledged = false;  // By the hub; the commit of that is in flight.
  };

  enum class AckWhen : uint8_t { kAtOnce, kWithTheNextMessage };

  void OnWelcome(const v1::Welcome& welcome);
  void OnObeyed(absl::Status status);
  void OnChanges(const v1::Changes& changes);
  void OnReceived(uint64_t sequence, size_t bytes, AckWhen when, absl::Status status);
  void OnStatusAck(const v1::StatusAck& ack);
  void OnBucketRequest(v1::BucketRequest request);
  void OnSurvey(v1::BucketRequest request);
  void SetDeadline();
  void OnOperation(const v1::Operation& operation);
  void OnOperationAck(const v1::OperationAck& ack);
  void OnHeartbeatAck(const v1::HeartbeatAck& ack);
  void OnGoodbye(const v1::Goodbye& goodbye);

  void Refuse(v1::Refused::Why why, const intent::Authority& offered, std::string message);
  void Fail(absl::Status status);
  void End(Link::Ended ended);

  void ReadMore();
  void Pump();
  // The next message to send, by priority; nullopt if there is nothing.
  std::optional<v1::AgentMessage> NextMessage();
  // What is durable now, which is then not due any more.
  void FillAck(v1::Ack* ack);
  v1::AgentMessage MakeHello() const;
  v1::AgentMessage MakeHeartbeat();
  std::optional<v1::AgentMessage> MakeBucketReport();
  std::optional<v1::AgentMessage> MakeOperationUpdate();
  std::optional<v1::AgentMessage> MakeStatusBatch();

  // Statuses that wait and are in no batch of this session.
  bool HasUnsentStatuses() const;
  size_t batches_max() const { return acks_beside_ ? 2 : 1; }
  void Beat();
  bool FromThisSession(const v1::Authority& authority, uint64_t session_epoch) const;
  // Commits; `then` runs unless the session has ended by then.
  void Commit(Transaction transaction, std::function<void(absl::Status)> then);

  Link& link_;
  EventLoop& loop_;
  State& state_;
  const LinkOptions& options_;
  const HubAddress hub_;
  std::unique_ptr<Stream> stream_;
  Phase phase_ = Phase::kConnecting;
  bool reading_ = false;
  bool writing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  intent::Authority authority_;
  uint64_t session_epoch_ = 0;
  absl::Duration heartbeat_every_;
  EventLoop::TimerId deadline_ = 0;
  EventLoop::TimerId beat_ = 0;
  absl::Duration last_heard_;
  uint64_t ignored_ = 0;

  uint64_t changes_sequence_ = 0;  // Of the last Changes taken in.
  size_t receive_bytes_ = 0;       // Of Changes on their way to the disk.

  // What is to be sent.
  bool hello_due_ = false;
  std::optional<Refusal> refusal_;
  bool refused_sent_ = false;
  bool acks_beside_ = false;         // The hub takes acknowledgements beside other messages.
  std::optional<uint64_t> ack_due_;  // Durable: may be told.
  bool ack_urgent_ = false;
  size_t ack_bytes_ = 0;      // Of the changes that it is about.
  size_t ack_bytes_max_ = 0;  // From there on it is urgent.
  EventLoop::TimerId ack_timer_ = 0;
  std::optional<v1::BucketRequest> buckets_asked_;
  std::set<OperationId> operations_due_;
  bool heartbeat_due_ = false;
  proof::RememberedRoot intent_root_;
  proof::RememberedRoot applied_root_;
  uint64_t heartbeat_sequence_ = 0;
  uint64_t heartbeat_acked_ = 0;
  std::deque<Batch> batches_;  // That were sent; the oldest first.
  uint64_t batch_sequence_ = 0;
  uint64_t sent_number_ = 0;  // Of the last status in them.
  bool statuses_due_ = false;
  EventLoop::TimerId statuses_timer_ = 0;
  absl::Duration next_batch_at_;
};

}  // namespace leidang::agent
