#include "agent/link/hub_session.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "absl/strings/str_cat.h"

#include "agent/link/bucket_answer.h"
#include "common/base/check.h"
#include "common/proof/bucketed_digest.h"
#include "common/wire/wire.h"

namespace leidang::agent {
namespace {

// Both bounds keep a hub's mistake from making a busy or a silent agent.
constexpr absl::Duration kHeartbeatMin = absl::Milliseconds(100);
constexpr absl::Duration kHeartbeatMax = absl::Minutes(5);
constexpr int kSilentHeartbeatsMax = 3;
constexpr char kAcksBesideFeature[] = "acks-beside";

absl::Status ProtocolError(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the hub broke the link's protocol: ", what));
}

}  // namespace

HubSession::HubSession(Link& link, HubAddress hub)
    : link_(link),
      loop_(link.loop_),
      state_(link.state_),
      options_(link.options_),
      hub_(std::move(hub)) {
  state_.AddObserver(this);
}

HubSession::~HubSession() { Abandon(); }

void HubSession::Open() {
  SetDeadline();
  stream_ = link_.transport_.Open(hub_, this);
}

void HubSession::SetDeadline() {
  deadline_ = loop_.After(options_.connect_deadline, [this] {
    Fail(
        absl::DeadlineExceededError(absl::StrCat("no welcome from ", hub_.target, " within ",
                                                 absl::FormatDuration(options_.connect_deadline))));
  });
}

void HubSession::Abandon() {
  if (!*alive_) return;
  *alive_ = false;
  phase_ = Phase::kEnded;
  loop_.Cancel(deadline_);
  loop_.Cancel(beat_);
  loop_.Cancel(statuses_timer_);
  loop_.Cancel(ack_timer_);
  state_.RemoveObserver(this);
  stream_.reset();
}

void HubSession::End(Link::Ended ended) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  link_.SessionEnded(std::move(ended));
}

void HubSession::Fail(absl::Status status) {
  End({.status = std::move(status),
       .refusal = refusal_,
       .retry_after = std::nullopt,
       .spread = {}});
}

void HubSession::OnOpen() {
  CHECK(phase_ == Phase::kConnecting);
  phase_ = Phase::kGreeting;
  hello_due_ = true;
  Pump();
  ReadMore();
}

void HubSession::OnWritten() {
  writing_ = false;
  if (phase_ == Phase::kRefusing && refused_sent_) {
    stream_->Finish();
    return;
  }
  // A batch may have left some behind, as they were too large.
  const auto alive = alive_;
  OnStatusWaiting();
  if (*alive) Pump();
}

void HubSession::OnClosed(absl::Status status) {
  if (phase_ == Phase::kRefusing) return Fail(absl::FailedPreconditionError(refusal_->message));
  Fail(status.ok() ? absl::UnavailableError(absl::StrCat(hub_.target, " ended the session"))
                   : std::move(status));
}

void HubSession::ReadMore() {
  if (reading_ || phase_ == Phase::kEnded || receive_bytes_ > options_.receive_bytes_max) return;
  reading_ = true;
  stream_->Read();
}

void HubSession::OnMessage(v1::HubMessage message) {
  reading_ = false;
  last_heard_ = loop_.clock().Monotonic();
  const auto alive = alive_;
  if (message.has_status_ack_beside() && phase_ == Phase::kLive)
    OnStatusAck(message.status_ack_beside());
  if (*alive && phase_ != Phase::kRefusing) {
    const bool welcomed = phase_ == Phase::kObeying || phase_ == Phase::kLive;
    switch (message.message_case()) {
      case v1::HubMessage::kWelcome:
        OnWelcome(message.welcome());
        break;
      case v1::HubMessage::kGoodbye:
        OnGoodbye(message.goodbye());
        break;
      case v1::HubMessage::kRedirect:
      case v1::HubMessage::kRebase:
      case v1::HubMessage::MESSAGE_NOT_SET:
        ++ignored_;
        break;
      default:
        if (phase_ == Phase::kGreeting && message.has_bucket_request()) {
          OnSurvey(std::move(*message.mutable_bucket_request()));
        } else if (!welcomed) {
          Fail(ProtocolError("a message before Welcome"));
        } else if (message.has_changes()) {
          OnChanges(message.changes());
        } else if (message.has_status_ack()) {
          OnStatusAck(message.status_ack());
        } else if (message.has_operation()) {
          OnOperation(message.operation());
        } else if (message.has_operation_ack()) {
          OnOperationAck(message.operation_ack());
        } else if (message.has_bucket_request()) {
          OnBucketRequest(std::move(*message.mutable_bucket_request()));
        } else if (message.has_heartbeat_ack()) {
          OnHeartbeatAck(message.heartbeat_ack());
        } else {
          ++ignored_;
        }
    }
  }
  if (*alive) ReadMore();
}

void HubSession::OnWelcome(const v1::Welcome& welcome) {
  if (phase_ != Phase::kGreeting) return Fail(ProtocolError("a second Welcome"));
  const absl::StatusOr<intent::Authority> authority = wire::FromProto(welcome.authority());
  if (!authority.ok()) return Fail(ProtocolError(authority.status().message()));
  const Allegiance& held = state_.allegiance();
  const intent::Standing standing = intent::Compare(held.authority, *authority);
  if (!intent::MayObey(standing)) {
    return Refuse(
        standing == intent::Standing::kOlder ? v1::Refused::OLDER : v1::Refused::FOREIGN,
        *authority,
        absl::StrCat(hub_.target, " offers ", authority->ToString(), ", but this agent obeys ",
                     held.authority.ToString(), "; to accept it run leidang-agent trust-hub ",
                     authority->hub.Hex()));
  }
  if (standing == intent::Standing::kSame) {
    if (welcome.head() < held.revision) {
      return Refuse(
          v1::Refused::BEHIND, *authority,
          absl::StrCat(hub_.target, " is at revision ", welcome.head(), ", but this agent holds ",
                       held.revision, ": the hub has lost changes and must be recovered"));
    }
    if (welcome.session_epoch() <= held.session_epoch) {
      return Refuse(v1::Refused::FENCED, *authority,
                    absl::StrCat("session epoch ", welcome.session_epoch(), " is not above ",
                                 held.session_epoch, ", the highest seen"));
    }
  }
  phase_ = Phase::kObeying;
  authority_ = *authority;
  session_epoch_ = welcome.session_epoch();
  heartbeat_every_ =
      std::clamp(absl::Milliseconds(welcome.heartbeat_ms()), kHeartbeatMin, kHeartbeatMax);
  acks_beside_ = std::find(welcome.features().begin(), welcome.features().end(),
                           kAcksBesideFeature) != welcome.features().end();
  ack_bytes_max_ = std::min<size_t>(options_.ack_bytes, welcome.window_bytes() / 4);
  // Changes may follow at once: State takes them in this order, and refuses them if it refuses
  // this.
  Commit({Obey{authority_, session_epoch_}},
         [this](absl::Status status) { OnObeyed(std::move(status)); });
}

void HubSession::OnObeyed(absl::Status status) {
  if (!status.ok()) return Fail(std::move(status));
  loop_.Cancel(deadline_);
  phase_ = Phase::kLive;
  link_.SessionLive();
  absl::StatusOr<std::vector<OperationRecord>> operations = state_.Operations();
  if (!operations.ok()) return Fail(operations.status());
  for (const OperationRecord& operation : *operations) operations_due_.insert(operation.id);
  Beat();
  OnStatusWaiting();
}

void HubSession::Refuse(v1::Refused::Why why, const intent::Authority& offered,
                        std::string message) {
  phase_ = Phase::kRefusing;
  refusal_ = Refusal{
      .why = why, .offered = offered, .message = std::move(message), .at = loop_.clock().Now()};
  Pump();
}

bool HubSession::FromThisSession(const v1::Authority& authority, uint64_t session_epoch) const {
  return session_epoch == session_epoch_ && authority.hub_id() == authority_.hub.Raw() &&
         authority.epoch() == authority_.epoch && authority.incarnation() == authority_.incarnation;
}

void HubSession::OnChanges(const v1::Changes& changes) {
  if (!FromThisSession(changes.authority(), changes.session_epoch())) {
    return Fail(ProtocolError("changes of another authority or session"));
  }
  if (changes.sequence() != changes_sequence_ + 1) {
    return Fail(
        ProtocolError(absl::StrCat("changes ", changes.sequence(), " after ", changes_sequence_)));
  }
  changes_sequence_ = changes.sequence();
  Receive receive{.authority = authority_,
                  .session_epoch = session_epoch_,
                  .from = changes.from(),
                  .to = changes.to(),
                  .changes = {},
                  .unclaimed = {},
                  .comparison = Comparison::kNone};
  if (changes.part() == v1::Changes::COMPARISON) receive.comparison = Comparison::kPart;
  if (changes.part() == v1::Changes::COMPARISON_LAST) receive.comparison = Comparison::kLast;
  for (const v1::Change& change : changes.changes()) {
    absl::StatusOr<intent::Change> converted = wire::FromProto(change);
    if (!converted.ok()) return Fail(ProtocolError(converted.status().message()));
    receive.changes.push_back(*std::move(converted));
  }
  for (const v1::EntryRef& entry : changes.unclaimed()) {
    const absl::StatusOr<intent::EntryKey> key = intent::EntryKey::FromString(entry.key());
    const absl::StatusOr<intent::Uid> uid = wire::UidFromProto(entry.uid());
    if (!key.ok() || !uid.ok()) return Fail(ProtocolError("an unclaimed entry without key or uid"));
    receive.unclaimed.push_back({*key, *uid});
  }
  const size_t bytes = changes.ByteSizeLong();
  receive_bytes_ += bytes;
  // A comparison goes on only once everything of it is acknowledged.
  const AckWhen when = acks_beside_ && changes.part() == v1::Changes::LOG
                           ? AckWhen::kWithTheNextMessage
                           : AckWhen::kAtOnce;
  Commit({std::move(receive)},
         [this, sequence = changes.sequence(), bytes, when](absl::Status status) {
           OnReceived(sequence, bytes, when, std::move(status));
         });
}

void HubSession::OnReceived(uint64_t sequence, size_t bytes, AckWhen when, absl::Status status) {
  if (!status.ok()) return Fail(std::move(status));
  receive_bytes_ -= bytes;
  ack_due_ = sequence;
  ack_bytes_ += bytes;
  if (when == AckWhen::kAtOnce || ack_bytes_ > ack_bytes_max_) {
    ack_urgent_ = true;
  } else if (ack_timer_ == 0) {
    ack_timer_ = loop_.After(options_.ack_wait, [this] {
      ack_timer_ = 0;
      ack_urgent_ = true;
      Pump();
    });
  }
  Pump();
  ReadMore();
}

void HubSession::OnStatusAck(const v1::StatusAck& ack) {
  const auto acknowledged =
      std::find_if(batches_.begin(), batches_.end(), [&ack](const Batch& batch) {
        return batch.sequence == ack.sequence() && !batch.acknowledged;
      });
  if (acknowledged == batches_.end()) {
    return Fail(ProtocolError(absl::StrCat("acknowledgement of statuses ", ack.sequence())));
  }
  Transaction transaction;
  for (auto batch = batches_.begin(); batch != std::next(acknowledged); ++batch) {
    if (batch->acknowledged) continue;
    batch->acknowledged = true;
    for (const auto& [entry, number] : batch->statuses)
      transaction.push_back(AcknowledgeStatus{entry, number});
  }
  Commit(std::move(transaction), [this, through = ack.sequence()](absl::Status status) {
    if (!status.ok()) return Fail(std::move(status));
    while (!batches_.empty() && batches_.front().sequence <= through) batches_.pop_front();
    OnStatusWaiting();
  });
}

void HubSession::OnBucketRequest(v1::BucketRequest request) {
  if (request.session_epoch() != session_epoch_)
    return Fail(ProtocolError("buckets asked for by another session"));
  buckets_asked_ = std::move(request);
  Pump();
}

// A hub that is recovering asks what is held before it says anything. To answer obeys nothing.
void HubSession::OnSurvey(v1::BucketRequest request) {
  if (request.session_epoch() != 0)
    return Fail(ProtocolError("buckets asked for by a session that has not begun"));
  loop_.Cancel(deadline_);
  SetDeadline();
  buckets_asked_ = std::move(request);
  Pump();
}

void HubSession::OnOperation(const v1::Operation& operation) {
  if (!FromThisSession(operation.authority(), operation.session_epoch())) {
    return Fail(ProtocolError("an operation of another authority or session"));
  }
  const auto id = OperationId::FromRaw(operation.id());
  const absl::StatusOr<intent::EntryKey> key = intent::EntryKey::FromString(operation.key());
  const absl::StatusOr<intent::Uid> uid = wire::UidFromProto(operation.uid());
  if (!id.has_value() || !key.ok() || !uid.ok())
    return Fail(ProtocolError("an operation without id, key or uid"));
  if (operation.kind() < v1::Operation::SYNC || operation.kind() > v1::Operation::HISTORY) {
    ++ignored_;
    return;
  }
  const absl::StatusOr<std::vector<OperationRecord>> held = state_.Operations();
  if (!held.ok()) return Fail(held.status());
  const bool known = std::any_of(held->begin(), held->end(),
                                 [&](const OperationRecord& record) { return record.id == *id; });
  if (known) {
    // The hub asks again: it may not have heard the outcome.
    operations_due_.insert(*id);
    return Pump();
  }
  // Beyond the limit nothing is kept and nothing is answered: the hub sends it again in the next
  // session, or lets it expire.
  if (held->size() >= State::kOperationsMax) return;
  const absl::Duration lifetime = absl::Milliseconds(
      static_cast<int64_t>(std::min<uint64_t>(operation.lifetime_ms(), uint64_t{1} << 40)));
  // Sent without time left, it is a question for an outcome that this agent does not have: nothing
  // may begin it, whatever becomes of the clock here.
  const bool expired = lifetime == absl::ZeroDuration();
  Commit({PutOperation{{.id = *id,
                        .entry = {*key, *uid},
                        .kind = static_cast<OperationKind>(operation.kind()),
                        .parameters = operation.parameters(),
                        .expires = loop_.clock().Now() + lifetime,
                        .state = expired ? OperationState::kExpired : OperationState::kAccepted,
                        .message = expired ? "its time was over before it came here" : ""}}},
         [this](absl::Status status) {
           if (!status.ok() && !absl::IsResourceExhausted(status)) Fail(std::move(status));
         });
}

void HubSession::OnOperationAck(const v1::OperationAck& ack) {
  const auto id = OperationId::FromRaw(ack.id());
  if (!id.has_value()) return Fail(ProtocolError("acknowledgement of an operation without id"));
  const absl::StatusOr<std::vector<OperationRecord>> held = state_.Operations();
  if (!held.ok()) return Fail(held.status());
  for (const OperationRecord& record : *held) {
    if (record.id != *id || !IsFinal(record.state)) continue;
    operations_due_.erase(*id);
    Commit({RemoveOperation{*id}}, [this](absl::Status status) {
      if (!status.ok()) Fail(std::move(status));
    });
  }
}

void HubSession::OnHeartbeatAck(const v1::HeartbeatAck& ack) {
  heartbeat_acked_ = std::max(heartbeat_acked_, std::min(ack.sequence(), heartbeat_sequence_));
  if (!ack.send_all_status()) return;
  Commit({ReportAllStatus{}}, [this](absl::Status status) {
    if (!status.ok()) return Fail(std::move(status));
    sent_number_ = 0;  // They keep their numbers.
    OnStatusWaiting();
  });
}

void HubSession::OnGoodbye(const v1::Goodbye& goodbye) {
  Link::Ended ended{.status = absl::UnavailableError(absl::StrCat(
                        hub_.target, " said goodbye (", v1::Goodbye::Why_Name(goodbye.why()),
                        "): ", goodbye.message())),
                    .refusal = std::nullopt,
                    .retry_after = std::nullopt,
                    .spread = absl::Milliseconds(goodbye.spread_ms())};
  if (goodbye.retry_after_ms() > 0 || goodbye.spread_ms() > 0) {
    ended.retry_after = absl::Milliseconds(goodbye.retry_after_ms());
  }
  End(std::move(ended));
}

void HubSession::OnEntryChanged(const EntryRef&) {}

void HubSession::OnOperationChanged(const OperationId& id) {
  if (phase_ != Phase::kLive) return;
  operations_due_.insert(id);
  Pump();
}

void HubSession::OnStatusWaiting() {
  if (phase_ != Phase::kLive || statuses_due_ || statuses_timer_ != 0) return;
  if (batches_.size() >= batches_max() || !HasUnsentStatuses()) return;
  const absl::Duration now = loop_.clock().Monotonic();
  if (next_batch_at_ <= now) {
    statuses_due_ = true;
    return Pump();
  }
  statuses_timer_ = loop_.After(next_batch_at_ - now, [this] {
    statuses_timer_ = 0;
    OnStatusWaiting();
  });
}

bool HubSession::HasUnsentStatuses() const {
  if (state_.statuses_waiting() == 0) return false;
  if (sent_number_ == 0) return true;
  const absl::StatusOr<std::vector<NumberedStatus>> next = state_.StatusesWaiting(sent_number_, 1);
  return !next.ok() || !next->empty();  // The next batch meets the error, and says it.
}

void HubSession::Beat() {
  if (phase_ != Phase::kLive) return;
  const absl::Duration silent = loop_.clock().Monotonic() - last_heard_;
  if (silent > heartbeat_every_ * kSilentHeartbeatsMax) {
    return Fail(absl::DeadlineExceededError(
        absl::StrCat(hub_.target, " was silent for ", absl::FormatDuration(silent))));
  }
  heartbeat_due_ = true;
  // Somewhat early and never at the same moment as other agents.
  beat_ = loop_.After(heartbeat_every_ * (0.75 + 0.25 * link_.random_.Unit()), [this] { Beat(); });
  Pump();
}

void HubSession::Commit(Transaction transaction, std::function<void(absl::Status)> then) {
  link_.Commit(std::move(transaction),
               [alive = alive_, then = std::move(then)](absl::Status status) {
                 if (*alive) then(std::move(status));
               });
}

}  // namespace leidang::agent
