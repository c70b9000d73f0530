// The messages of an AgentSession, made from what is to be sent when the stream can take one.

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/wire/wire.h"
#include "hub/session/agent_session.h"

namespace leidang::hub {
namespace {

constexpr const char* kFeatures[] = {"buckets", "operations", "status-digest", "acks-beside"};
constexpr size_t kAcksRememberedMax = 16;

}  // namespace

void AgentSession::Written() {
  writing_ = false;
  if (phase_ == Phase::kLeaving && goodbye_sent_) {
    stream_->Close(absl::OkStatus());
    table_.Remove(id_);
    return;
  }
  Pump();
}

void AgentSession::Pump() {
  if (writing_ || phase_ == Phase::kEnded) return;
  const auto alive = alive_;
  std::optional<v1::HubMessage> message = NextMessage();
  // Making a message may have ended the session, or begun its end.
  if (!*alive || writing_) return;
  if (phase_ == Phase::kLeaving && !goodbye_sent_) message = NextMessage();
  if (!message.has_value()) return;
  if (acks_beside_ && status_ack_.has_value() && phase_ == Phase::kLive)
    FillStatusAck(message->mutable_status_ack_beside());
  writing_ = true;
  stream_->Write(*std::move(message));
}

std::optional<v1::HubMessage> AgentSession::NextMessage() {
  v1::HubMessage message;
  if (phase_ == Phase::kLeaving) {
    if (goodbye_sent_) return std::nullopt;
    goodbye_sent_ = true;
    *message.mutable_goodbye() = *goodbye_;
    return message;
  }
  if (phase_ == Phase::kHeld && survey_ != nullptr) {
    if (std::optional<v1::BucketRequest> request = survey_->NextRequest(); request.has_value()) {
      *message.mutable_bucket_request() = *std::move(request);
      return message;
    }
  }
  if (phase_ != Phase::kLive) return std::nullopt;
  if (welcome_due_) return MakeWelcome();
  if (!operation_acks_.empty()) {
    message.mutable_operation_ack()->set_id(operation_acks_.begin()->Raw());
    operation_acks_.erase(operation_acks_.begin());
    return message;
  }
  if (!operations_.empty()) return MakeOperation();
  if (heartbeat_ack_.has_value()) {
    if (acks_sent_.size() == kAcksRememberedMax) acks_sent_.erase(acks_sent_.begin());
    acks_sent_.emplace_back(heartbeat_ack_->sequence(), loop_.clock().Now());
    *message.mutable_heartbeat_ack() = *std::exchange(heartbeat_ack_, std::nullopt);
    return message;
  }
  if (status_ack_.has_value() && !acks_beside_) {
    FillStatusAck(message.mutable_status_ack());
    return message;
  }
  if (std::optional<v1::HubMessage> changes = MakeChanges();
      changes.has_value() || phase_ != Phase::kLive)
    return changes;
  if (!status_ack_.has_value() || !status_ack_urgent_) return std::nullopt;
  FillStatusAck(message.mutable_status_ack());
  return message;
}

void AgentSession::FillStatusAck(v1::StatusAck* ack) {
  statuses_acked_ = *std::exchange(status_ack_, std::nullopt);
  status_ack_urgent_ = false;
  ack->set_sequence(statuses_acked_);
}

v1::HubMessage AgentSession::MakeWelcome() {
  welcome_due_ = false;
  v1::HubMessage message;
  v1::Welcome* welcome = message.mutable_welcome();
  wire::ToProto(authority_, welcome->mutable_authority());
  welcome->set_session_epoch(session_epoch_);
  welcome->set_head(head_);
  welcome->set_mode(opening_ == Opening::kResume ? v1::Welcome::RESUME : v1::Welcome::COMPARE);
  for (const char* feature : kFeatures) welcome->add_features(feature);
  welcome->set_heartbeat_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(options_.heartbeat)));
  welcome->set_window_bytes(options_.window_bytes);
  welcome->set_hub_version(options_.version);
  acks_sent_.emplace_back(0, loop_.clock().Now());
  return message;
}

std::optional<v1::HubMessage> AgentSession::MakeOperation() {
  const OperationRequest request = std::move(operations_.front());
  operations_.erase(operations_.begin());
  v1::HubMessage message;
  v1::Operation* operation = message.mutable_operation();
  wire::ToProto(authority_, operation->mutable_authority());
  operation->set_session_epoch(session_epoch_);
  operation->set_id(request.id.Raw());
  operation->set_key(request.key.ToString());
  operation->set_uid(request.uid.Raw());
  operation->set_kind(request.kind);
  operation->set_lifetime_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(request.lifetime)));
  operation->set_parameters(request.parameters);
  return message;
}

absl::StatusOr<std::optional<v1::Changes>> AgentSession::ChangesOfLog() {
  if (cursor_ >= head_) return std::nullopt;
  absl::StatusOr<ChangePage> page =
      table_.store_.ChangesAfter(cluster_, cursor_, options_.changes_bytes);
  if (!page.ok()) return page.status();
  if (!LogIsOurs(page->authority)) return std::nullopt;
  head_ = std::max(head_, page->head);
  v1::Changes changes;
  changes.set_part(v1::Changes::LOG);
  changes.set_from(cursor_);
  changes.set_to(page->to);
  for (const intent::Change& change : page->changes) wire::ToProto(change, changes.add_changes());
  cursor_ = page->to;
  return changes;
}

std::optional<v1::HubMessage> AgentSession::MakeChanges() {
  v1::HubMessage message;
  if (comparison_ != nullptr) {
    // Asked with nothing in flight, so that the agent's durable state is all that there is.
    if (window_.empty()) {
      if (std::optional<v1::BucketRequest> request = comparison_->NextRequest();
          request.has_value()) {
        request->set_session_epoch(session_epoch_);
        *message.mutable_bucket_request() = *std::move(request);
        return message;
      }
    }
  }
  if (!window_.open()) return std::nullopt;
  absl::StatusOr<std::optional<v1::Changes>> changes =
      comparison_ != nullptr ? comparison_->NextChanges() : ChangesOfLog();
  if (!changes.ok()) {
    StoreFailed(changes.status());
    return std::nullopt;
  }
  // A stage without changes may be followed by one that asks.
  if (!changes->has_value()) {
    if (comparison_ == nullptr || !comparison_->wants_to_ask() || !window_.empty())
      return std::nullopt;
    return MakeChanges();
  }
  v1::Changes& out = **changes;
  wire::ToProto(authority_, out.mutable_authority());
  out.set_session_epoch(session_epoch_);
  const intent::Revision through = out.part() == v1::Changes::COMPARISON ? 0 : out.to();
  out.set_sequence(window_.Sent(out.ByteSizeLong(), through));
  if (comparison_ != nullptr && comparison_->done()) ComparisonDone();
  *message.mutable_changes() = std::move(out);
  return message;
}

}  // namespace leidang::hub
