// The messages of a HubSession, made from what is to be sent when the stream can take one.

#include <algorithm>

#include "agent/link/bucket_answer.h"
#include "agent/link/hub_session.h"
#include "common/proof/bucketed_digest.h"
#include "common/wire/wire.h"

namespace leidang::agent {
namespace {

constexpr const char* kFeatures[] = {"buckets", "operations", "status-digest", "survey",
                                     "acks-beside"};

v1::OperationUpdate::State ToProto(OperationState state) {
  switch (state) {
    case OperationState::kAccepted:
      return v1::OperationUpdate::ACCEPTED;
    case OperationState::kRunning:
      return v1::OperationUpdate::RUNNING;
    case OperationState::kSucceeded:
      return v1::OperationUpdate::SUCCEEDED;
    case OperationState::kFailed:
      return v1::OperationUpdate::FAILED;
    case OperationState::kExpired:
      return v1::OperationUpdate::EXPIRED;
  }
  return v1::OperationUpdate::STATE_UNSPECIFIED;
}

}  // namespace

void HubSession::Pump() {
  if (writing_ || phase_ == Phase::kEnded || phase_ == Phase::kConnecting) return;
  const auto alive = alive_;
  std::optional<v1::AgentMessage> message = NextMessage();
  if (!message.has_value() || !*alive) return;
  if (acks_beside_ && ack_due_.has_value() && phase_ == Phase::kLive)
    FillAck(message->mutable_ack_beside());
  writing_ = true;
  stream_->Write(*std::move(message));
}

std::optional<v1::AgentMessage> HubSession::NextMessage() {
  v1::AgentMessage message;
  if (hello_due_) {
    hello_due_ = false;
    return MakeHello();
  }
  if (phase_ == Phase::kRefusing) {
    if (refused_sent_) return std::nullopt;
    refused_sent_ = true;
    v1::Refused* refused = message.mutable_refused();
    refused->set_why(refusal_->why);
    wire::ToProto(refusal_->offered, refused->mutable_offered());
    wire::ToProto(state_.allegiance().authority, refused->mutable_held());
    refused->set_message(refusal_->message);
    return message;
  }
  if (phase_ == Phase::kGreeting && buckets_asked_.has_value()) return MakeBucketReport();
  if (phase_ != Phase::kLive) return std::nullopt;
  if (ack_due_.has_value() && !acks_beside_) {
    FillAck(message.mutable_ack());
    return message;
  }
  if (buckets_asked_.has_value()) return MakeBucketReport();
  if (!operations_due_.empty()) {
    if (std::optional<v1::AgentMessage> update = MakeOperationUpdate(); update.has_value())
      return update;
  }
  if (heartbeat_due_) return MakeHeartbeat();
  if (statuses_due_) {
    if (std::optional<v1::AgentMessage> batch = MakeStatusBatch();
        batch.has_value() || phase_ != Phase::kLive)
      return batch;
  }
  if (!ack_due_.has_value() || !ack_urgent_) return std::nullopt;
  FillAck(message.mutable_ack());
  return message;
}

void HubSession::FillAck(v1::Ack* ack) {
  wire::ToProto(authority_, ack->mutable_authority());
  ack->set_session_epoch(session_epoch_);
  ack->set_sequence(*ack_due_);
  ack->set_revision(state_.allegiance().revision);
  ack->set_intent_root(intent_root_.Of(state_.intent_digest()).Raw());
  ack_due_.reset();
  ack_urgent_ = false;
  ack_bytes_ = 0;
  loop_.Cancel(ack_timer_);
  ack_timer_ = 0;
}

v1::AgentMessage HubSession::MakeHello() const {
  v1::AgentMessage message;
  v1::Hello* hello = message.mutable_hello();
  const Allegiance& held = state_.allegiance();
  hello->set_cluster_id(options_.cluster.Raw());
  if (!held.authority.hub.IsNone()) wire::ToProto(held.authority, hello->mutable_authority());
  hello->set_revision(held.revision);
  hello->set_intent_root(state_.intent_digest().Root().Raw());
  hello->set_session_epoch(held.session_epoch);
  hello->set_agent_version(options_.version);
  for (const char* feature : kFeatures) hello->add_features(feature);
  hello->set_instance(options_.instance);
  return message;
}

v1::AgentMessage HubSession::MakeHeartbeat() {
  heartbeat_due_ = false;
  v1::AgentMessage message;
  v1::Heartbeat* heartbeat = message.mutable_heartbeat();
  heartbeat->set_session_epoch(session_epoch_);
  heartbeat->set_sequence(++heartbeat_sequence_);
  heartbeat->set_acknowledged(heartbeat_acked_);
  heartbeat->set_revision(state_.allegiance().revision);
  heartbeat->set_intent_root(intent_root_.Of(state_.intent_digest()).Raw());
  heartbeat->set_applied_root(applied_root_.Of(state_.applied_digest()).Raw());
  // The hub gets this after what was sent, and may compare. Of what has ended the digest here knows
  // until the acknowledgement, and the hub's does not.
  const bool told = acks_beside_
                        ? !HasUnsentStatuses() &&
                              std::none_of(batches_.begin(), batches_.end(),
                                           [](const Batch& batch) { return batch.tells_an_end; })
                        : state_.statuses_waiting() == 0 && batches_.empty();
  heartbeat->set_backlog(told ? 0 : state_.statuses_waiting());
  if (told) heartbeat->set_status_digest(state_.status_digest().Raw());
  return message;
}

std::optional<v1::AgentMessage> HubSession::MakeBucketReport() {
  absl::StatusOr<v1::BucketReport> report =
      AnswerBucketRequest(state_, *buckets_asked_, options_.report_bytes_max);
  buckets_asked_.reset();
  if (!report.ok()) {
    Fail(report.status());
    return std::nullopt;
  }
  v1::AgentMessage message;
  *message.mutable_bucket_report() = *std::move(report);
  return message;
}

std::optional<v1::AgentMessage> HubSession::MakeOperationUpdate() {
  const absl::StatusOr<std::vector<OperationRecord>> held = state_.Operations();
  if (!held.ok()) {
    Fail(held.status());
    return std::nullopt;
  }
  while (!operations_due_.empty()) {
    const OperationId id = *operations_due_.begin();
    operations_due_.erase(operations_due_.begin());
    const auto record = std::find_if(held->begin(), held->end(),
                                     [&](const OperationRecord& r) { return r.id == id; });
    if (record == held->end()) continue;
    v1::AgentMessage message;
    v1::OperationUpdate* update = message.mutable_operation_update();
    update->set_id(id.Raw());
    update->set_state(ToProto(record->state));
    update->set_message(record->message);
    update->set_session_epoch(session_epoch_);
    return message;
  }
  return std::nullopt;
}

std::optional<v1::AgentMessage> HubSession::MakeStatusBatch() {
  statuses_due_ = false;
  const absl::StatusOr<std::vector<NumberedStatus>> waiting =
      state_.StatusesWaiting(sent_number_, options_.statuses_per_batch);
  if (!waiting.ok()) {
    Fail(waiting.status());
    return std::nullopt;
  }
  if (waiting->empty()) return std::nullopt;
  v1::AgentMessage message;
  v1::StatusBatch* batch = message.mutable_status();
  batch->set_session_epoch(session_epoch_);
  batch->set_sequence(++batch_sequence_);
  Batch& sent = batches_.emplace_back();
  sent.sequence = batch_sequence_;
  size_t bytes = 0;
  for (const NumberedStatus& status : *waiting) {
    v1::EntryStatus* out = batch->add_statuses();
    wire::ToProto(status.status, out);
    bytes += out->ByteSizeLong();
    if (bytes > options_.report_bytes_max && batch->statuses_size() > 1) {
      batch->mutable_statuses()->RemoveLast();
      break;
    }
    sent.statuses.emplace_back(EntryRef{status.status.key, status.status.uid}, status.number);
    sent.tells_an_end |= status.status.gone;
    sent_number_ = status.number;
  }
  next_batch_at_ = loop_.clock().Monotonic() + options_.status_interval;
  return message;
}

}  // namespace leidang::agent
