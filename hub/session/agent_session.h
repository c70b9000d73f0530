#pragma once

// AgentSession: one agent's stream at the hub, from its Hello to its end. Internal to hub/session;
// loop-bound.
//
// What is to be sent is kept as facts, one slot each, and made into a message when the stream can
// take one: control and acknowledgements first, changes last, read from the store at that moment.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/time/event_loop.h"
#include "hub/session/agent_stream.h"
#include "hub/session/change_window.h"
#include "hub/session/comparison.h"
#include "hub/session/resume.h"
#include "hub/session/session_table.h"
#include "hub/session/status_intake.h"
#include "hub/session/survey.h"
#include "hub/session/token_bucket.h"
#include "hub/store/store.h"
#include "leidang/v1/link.pb.h"

namespace leidang::hub {

class AgentSession {
 public:
  // `table` must outlive it, or call Abandon before.
  AgentSession(SessionTable& table, SessionId id, const intent::ClusterId& cluster,
               std::unique_ptr<AgentStream> stream);
  ~AgentSession();

  void Begin();
  void Received(const v1::AgentMessage& message);
  void Written();
  // No callback runs any more.
  void Abandon();

  // Nothing is sent any more but a goodbye, after which the stream closes.
  void Goodbye(v1::Goodbye::Why why, absl::Duration retry_after, absl::Duration spread,
               const std::string& message);
  void HeadMoved(intent::Revision head);
  // SessionTable::Hold was called.
  void HoldChanged();
  absl::Status Send(const OperationRequest& request);
  void AcknowledgeOperation(const OperationId& id);

  SessionId id() const { return id_; }
  const intent::ClusterId& cluster() const { return cluster_; }
  bool greeted() const { return phase_ != Phase::kAwaitHello; }
  bool held() const { return phase_ == Phase::kHeld; }
  bool live() const { return phase_ == Phase::kLive; }
  uint64_t session_epoch() const { return session_epoch_; }
  absl::Duration last_heard() const { return last_heard_; }

 private:
  enum class Phase : uint8_t {
    kAwaitHello,
    kHeld,     // The cluster is recovering: the agent is only asked what it holds.
    kFencing,  // The session epoch is on its way to the disk.
    kLive,     // Welcome is out.
    kLeaving,  // Goodbye is out, or about to be.
    kEnded,
  };

  void OnHello(const v1::Hello& hello);
  void LiveReceived(const v1::AgentMessage& message);
  void TellBehind(const ClusterLog& log);
  bool MustHold();
  void BeginHold();
  void StartSurvey();
  void OnSurveyReport(const v1::BucketReport& report);
  void SurveyDone(Difference difference);
  void BeginFencing();
  void OnFenced(const CommitResult& result);
  void OnAck(const v1::Ack& ack);
  void OnStatusBatch(const v1::StatusBatch& batch);
  void BeginStatuses(const v1::StatusBatch& batch);
  void StatusesCommitted(const CommitResult& result);
  void OnHeartbeat(const v1::Heartbeat& heartbeat);
  void OnBucketReport(const v1::BucketReport& report);
  void OnOperationUpdate(const v1::OperationUpdate& update);
  void OnRefused(const v1::Refused& refused);

  void Prove(const v1::Heartbeat& heartbeat);
  void CompareStatuses(const v1::Heartbeat& heartbeat);
  void StartComparison();
  void ComparisonDone();
  void CommitAck();
  void CommitStatuses(WriteBatch rows);
  void CheckSilence();

  void Misbehaved(const std::string& what);
  void StoreFailed(const absl::Status& status);
  // Says goodbye if the store's log is not the one of this session any more.
  bool LogIsOurs(const intent::Authority& authority);

  // Of the message before, which may make the next one wait.
  void ReadMore(size_t bytes, size_t statuses);
  void Pump();
  std::optional<v1::HubMessage> NextMessage();
  void FillStatusAck(v1::StatusAck* ack);
  v1::HubMessage MakeWelcome();
  std::optional<v1::HubMessage> MakeOperation();
  std::optional<v1::HubMessage> MakeChanges();
  absl::StatusOr<std::optional<v1::Changes>> ChangesOfLog();

  // Commits; `then` runs unless the session has ended by then.
  void Commit(WriteBatch batch, std::function<void(const CommitResult&)> then);
  SessionTable::Known& known();
  absl::Duration Now() const;

  SessionTable& table_;
  EventLoop& loop_;
  const SessionOptions& options_;
  const SessionId id_;
  const intent::ClusterId cluster_;
  std::unique_ptr<AgentStream> stream_;
  Phase phase_ = Phase::kAwaitHello;
  bool reading_ = false;
  bool writing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  EventLoop::TimerId timer_ = 0;       // The deadline of the phase.
  EventLoop::TimerId read_timer_ = 0;  // Beyond the quota.
  absl::Duration last_heard_;
  TokenBucket messages_;
  TokenBucket bytes_;
  TokenBucket status_rows_;

  Greeting greeting_;
  bool surveyable_ = false;  // The agent can be asked before it is welcomed.
  std::unique_ptr<Survey> survey_;
  uint64_t survey_round_ = 0;
  EventLoop::TimerId survey_timer_ = 0;

  Opening opening_ = Opening::kCompare;
  intent::Authority authority_;
  uint64_t session_epoch_ = 0;

  // Changes.
  intent::Revision head_ = 0;    // Of the log, as far as told.
  intent::Revision cursor_ = 0;  // Everything up to here was sent, or is being compared.
  ChangeWindow window_;
  std::unique_ptr<Comparison> comparison_;
  uint64_t comparison_round_ = 0;
  int comparisons_in_vain_ = 0;  // In a row that a heartbeat asked for.
  absl::Duration next_comparison_;
  intent::Revision acked_ = 0;  // By the agent; to be committed.
  intent::Revision acked_committed_ = 0;
  bool ack_in_flight_ = false;

  bool acks_beside_ = false;  // The agent takes and sends acknowledgements beside other messages.
  StatusIntake statuses_;
  std::optional<v1::StatusBatch> next_statuses_;  // Came while one is on its way to the disk.
  uint64_t statuses_acked_ = 0;                   // Sequence of the last batch told to be stored.

  // What is to be sent.
  bool welcome_due_ = false;
  std::optional<v1::Goodbye> goodbye_;
  bool goodbye_sent_ = false;
  std::optional<v1::HeartbeatAck> heartbeat_ack_;
  std::optional<uint64_t> status_ack_;
  bool status_ack_urgent_ = false;  // Else it goes beside the next message.
  std::vector<OperationRequest> operations_;
  std::set<OperationId> operation_acks_;

  // When the agent's next word is at least as new as: the Welcome, or the HeartbeatAck with that
  // number.
  uint64_t heartbeat_sequence_ = 0;                         // Last received.
  std::vector<std::pair<uint64_t, absl::Time>> acks_sent_;  // Newest last; few.
};

}  // namespace leidang::hub
