#include "hub/session/agent_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/wire/wire.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kStoreRetry = absl::Milliseconds(200);
constexpr int kDivergedAfter = 2;  // Comparisons in vain.
constexpr char kSurveyFeature[] = "survey";
constexpr char kAcksBesideFeature[] = "acks-beside";
constexpr uint64_t kBatchesInFlightMax = 2;  // Of an agent that names it.

bool Names(const v1::Hello& hello, const char* feature) {
  return std::find(hello.features().begin(), hello.features().end(), feature) !=
         hello.features().end();
}

}  // namespace

AgentSession::AgentSession(SessionTable& table, SessionId id, const intent::ClusterId& cluster,
                           std::unique_ptr<AgentStream> stream)
    : table_(table),
      loop_(table.loop_),
      options_(table.options_),
      id_(id),
      cluster_(cluster),
      stream_(std::move(stream)),
      messages_(options_.messages_per_second, options_.messages_burst),
      bytes_(options_.bytes_per_second, options_.bytes_burst),
      status_rows_(options_.statuses_per_second, options_.statuses_burst),
      window_(options_.window_bytes),
      statuses_(table.store_, cluster, options_) {}

AgentSession::~AgentSession() { Abandon(); }

void AgentSession::Abandon() {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  *alive_ = false;
  loop_.Cancel(timer_);
  loop_.Cancel(read_timer_);
  loop_.Cancel(survey_timer_);
  stream_.reset();
}

absl::Duration AgentSession::Now() const { return loop_.clock().Monotonic(); }

SessionTable::Known& AgentSession::known() {
  table_.touched_.insert(cluster_);
  return table_.known_[cluster_];
}

void AgentSession::Begin() {
  timer_ = loop_.After(options_.hello_deadline, [this] {
    Goodbye(v1::Goodbye::SILENT, options_.unavailable_pause, options_.unavailable_pause,
            "no Hello");
  });
  ReadMore(0, 0);
}

void AgentSession::Goodbye(v1::Goodbye::Why why, absl::Duration retry_after, absl::Duration spread,
                           const std::string& message) {
  if (phase_ == Phase::kLeaving || phase_ == Phase::kEnded) return;
  phase_ = Phase::kLeaving;
  comparison_.reset();
  survey_.reset();
  loop_.Cancel(survey_timer_);
  goodbye_.emplace();
  goodbye_->set_why(why);
  goodbye_->set_retry_after_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(retry_after)));
  goodbye_->set_spread_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(spread)));
  goodbye_->set_message(message);
  loop_.Cancel(timer_);
  timer_ = loop_.After(options_.linger, [this] { table_.Remove(id_); });
  Pump();
}

void AgentSession::Misbehaved(const std::string& what) {
  Goodbye(v1::Goodbye::PROTOCOL, options_.unavailable_pause, options_.superseded_pause, what);
}

void AgentSession::StoreFailed(const absl::Status& status) {
  Goodbye(v1::Goodbye::UNAVAILABLE, options_.unavailable_pause, options_.superseded_pause,
          absl::StrCat("the hub's store: ", status.ToString()));
}

bool AgentSession::LogIsOurs(const intent::Authority& authority) {
  if (authority == authority_) return true;
  Goodbye(v1::Goodbye::DRAINING, absl::ZeroDuration(), absl::Seconds(1),
          "the cluster's log has passed to a newer authority");
  return false;
}

void AgentSession::Commit(WriteBatch batch, std::function<void(const CommitResult&)> then) {
  table_.store_.Commit(std::move(batch), &loop_,
                       [this, alive = alive_, then = std::move(then)](const CommitResult& result) {
                         if (!*alive) return;
                         table_.touched_.insert(cluster_);
                         then(result);
                       });
}

void AgentSession::ReadMore(size_t bytes, size_t statuses) {
  if (reading_ || phase_ == Phase::kLeaving || phase_ == Phase::kEnded) return;
  absl::Duration wait;
  if (bytes > 0) {
    wait = std::max({messages_.Take(1, Now()), bytes_.Take(static_cast<double>(bytes), Now()),
                     status_rows_.Take(static_cast<double>(statuses), Now())});
  }
  reading_ = true;
  if (wait <= absl::ZeroDuration()) return stream_->Read();
  read_timer_ = loop_.After(wait, [this] {
    if (phase_ != Phase::kLeaving && phase_ != Phase::kEnded) stream_->Read();
  });
}

void AgentSession::Received(const v1::AgentMessage& message) {
  reading_ = false;
  if (phase_ == Phase::kLeaving || phase_ == Phase::kEnded) return;
  last_heard_ = Now();
  known().last_seen = loop_.clock().Now();
  const size_t bytes = message.ByteSizeLong();
  const auto alive = alive_;
  if (bytes > options_.message_bytes_max) {
    Misbehaved(
        absl::StrCat("a message of ", bytes, " bytes, at most ", options_.message_bytes_max));
  } else if (phase_ == Phase::kAwaitHello) {
    if (message.has_hello()) {
      OnHello(message.hello());
    } else {
      Misbehaved("a message before Hello");
    }
  } else if (phase_ == Phase::kHeld && message.has_bucket_report()) {
    OnSurveyReport(message.bucket_report());
  } else if (phase_ == Phase::kFencing || phase_ == Phase::kHeld) {
    Misbehaved("a message between Hello and Welcome");
  } else {
    if (message.has_ack_beside()) OnAck(message.ack_beside());
    if (*alive && phase_ == Phase::kLive) LiveReceived(message);
  }
  if (*alive) {
    ReadMore(std::max<size_t>(bytes, 1), static_cast<size_t>(message.status().statuses_size()));
  }
}

void AgentSession::LiveReceived(const v1::AgentMessage& message) {
  switch (message.message_case()) {
    case v1::AgentMessage::kHello:
      Misbehaved("a second Hello");
      break;
    case v1::AgentMessage::kAck:
      OnAck(message.ack());
      break;
    case v1::AgentMessage::kStatus:
      OnStatusBatch(message.status());
      break;
    case v1::AgentMessage::kHeartbeat:
      OnHeartbeat(message.heartbeat());
      break;
    case v1::AgentMessage::kOperationUpdate:
      OnOperationUpdate(message.operation_update());
      break;
    case v1::AgentMessage::kBucketReport:
      OnBucketReport(message.bucket_report());
      break;
    case v1::AgentMessage::kRefused:
      OnRefused(message.refused());
      break;
    case v1::AgentMessage::MESSAGE_NOT_SET:
      break;  // Of a later version.
  }
}

void AgentSession::OnHello(const v1::Hello& hello) {
  const absl::StatusOr<Greeting> greeting = ParseHello(hello);
  if (!greeting.ok()) return Misbehaved(std::string(greeting.status().message()));
  if (greeting->cluster != cluster_) {
    return Misbehaved(absl::StrCat("hello.cluster_id is ", greeting->cluster.Hex(),
                                   ", but the certificate names cluster ", cluster_.Hex()));
  }
  greeting_ = *greeting;
  surveyable_ = Names(hello, kSurveyFeature);
  acks_beside_ = Names(hello, kAcksBesideFeature);
  phase_ = Phase::kHeld;
  table_.TakeOver(*this, hello.instance());
  SessionTable::Known& seen = known();
  seen.agent_version = hello.agent_version();
  seen.agent_authority = greeting_.authority;
  seen.agent_revision = greeting_.revision;
  seen.agent_session_epoch = greeting_.session_epoch;
  if (MustHold()) return BeginHold();
  BeginFencing();
}

void AgentSession::BeginFencing() {
  phase_ = Phase::kFencing;
  WriteBatch batch;
  batch.NextSessionEpoch(cluster_, greeting_.session_epoch);
  table_.AddRecord(cluster_, &batch);
  Commit(std::move(batch), [this](const CommitResult& result) { OnFenced(result); });
}

void AgentSession::OnFenced(const CommitResult& result) {
  if (phase_ != Phase::kFencing) return;
  if (!result.status.ok()) return StoreFailed(result.status);
  const absl::StatusOr<ClusterLog> log = table_.store_.Log(cluster_);
  if (!log.ok()) return StoreFailed(log.status());
  authority_ = log->authority;
  session_epoch_ = result.session_epochs.at(cluster_);
  head_ = log->head;
  opening_ = OpeningFor(greeting_, *log);
  SessionTable::Known& seen = known();
  if (opening_ == Opening::kBehind) {
    TellBehind(*log);
    return Goodbye(v1::Goodbye::BEHIND, options_.behind_pause, options_.behind_pause,
                   seen.trouble_message);
  }
  seen.since = loop_.clock().Now();
  seen.statuses_refused = false;
  phase_ = Phase::kLive;
  loop_.Cancel(timer_);
  CheckSilence();
  cursor_ = greeting_.revision;
  welcome_due_ = true;
  if (opening_ == Opening::kCompare) {
    StartComparison();
  } else {
    // What it resumes from it holds durably, also where the acknowledgement of it was lost.
    acked_ = greeting_.revision;
    acked_committed_ = log->acked;
    CommitAck();
  }
  if (table_.observer_ != nullptr) {
    loop_.Post([this, alive = alive_] {
      if (*alive && phase_ == Phase::kLive) table_.observer_->OnSessionLive(cluster_);
    });
  }
  Pump();
}

void AgentSession::CheckSilence() {
  if (phase_ != Phase::kLive) return;
  const absl::Duration silent = Now() - last_heard_;
  if (silent > options_.heartbeat * options_.silent_heartbeats_max) {
    return Goodbye(v1::Goodbye::SILENT, absl::ZeroDuration(), options_.unavailable_pause,
                   absl::StrCat("silent for ", absl::FormatDuration(silent)));
  }
  timer_ = loop_.After(options_.heartbeat, [this] { CheckSilence(); });
}

void AgentSession::HeadMoved(intent::Revision head) {
  head_ = std::max(head_, head);
  if (phase_ == Phase::kHeld) return StartSurvey();
  Pump();
}

void AgentSession::StartComparison() {
  comparison_ =
      std::make_unique<Comparison>(table_.store_, cluster_, ++comparison_round_, options_);
}

void AgentSession::ComparisonDone() {
  cursor_ = comparison_->to();
  SessionTable::Known& seen = known();
  seen.unclaimed = comparison_->unclaimed();
  comparison_.reset();
}

void AgentSession::OnBucketReport(const v1::BucketReport& report) {
  if (comparison_ == nullptr || report.session_epoch() != session_epoch_) {
    return Misbehaved("a bucket report that was not asked for");
  }
  const absl::Status status = comparison_->OnReport(report);
  if (absl::IsInvalidArgument(status)) return Misbehaved(std::string(status.message()));
  if (!status.ok()) return StoreFailed(status);
  Pump();
}

void AgentSession::OnAck(const v1::Ack& ack) {
  if (ack.session_epoch() != session_epoch_)
    return Misbehaved("an acknowledgement of another session");
  const std::optional<intent::Revision> through = window_.Acknowledged(ack.sequence());
  if (!through.has_value()) {
    return Misbehaved(
        absl::StrCat("acknowledgement ", ack.sequence(), " of what is not in flight"));
  }
  acked_ = std::max(acked_, *through);
  CommitAck();
  Pump();
}

void AgentSession::CommitAck() {
  if (ack_in_flight_ || acked_ <= acked_committed_) return;
  ack_in_flight_ = true;
  WriteBatch batch;
  batch.AckedThrough(cluster_, authority_, acked_);
  Commit(std::move(batch), [this, through = acked_](const CommitResult& result) {
    ack_in_flight_ = false;
    if (absl::IsResourceExhausted(result.status)) {
      loop_.After(kStoreRetry, [this, alive = alive_] {
        if (*alive) CommitAck();
      });
      return;
    }
    if (!result.status.ok()) return StoreFailed(result.status);
    acked_committed_ = through;
    CommitAck();
  });
}

void AgentSession::OnStatusBatch(const v1::StatusBatch& batch) {
  if (batch.session_epoch() != session_epoch_) return Misbehaved("statuses of another session");
  if (!acks_beside_ || !statuses_.busy()) return BeginStatuses(batch);
  if (next_statuses_.has_value() || batch.sequence() > statuses_acked_ + kBatchesInFlightMax) {
    return Misbehaved(absl::StrCat("statuses ", batch.sequence(), ", and none after ",
                                   statuses_acked_, " were acknowledged"));
  }
  next_statuses_ = batch;
}

void AgentSession::BeginStatuses(const v1::StatusBatch& batch) {
  absl::StatusOr<WriteBatch> rows = statuses_.Begin(batch);
  if (!rows.ok()) return Misbehaved(std::string(rows.status().message()));
  CommitStatuses(*std::move(rows));
}

void AgentSession::CommitStatuses(WriteBatch rows) {
  Commit(std::move(rows), [this](const CommitResult& result) {
    if (absl::IsResourceExhausted(result.status)) {
      loop_.After(kStoreRetry, [this, alive = alive_] {
        if (*alive) CommitStatuses(statuses_.Again());
      });
      return;
    }
    if (!result.status.ok()) return StoreFailed(result.status);
    StatusesCommitted(result);
  });
}

void AgentSession::StatusesCommitted(const CommitResult& result) {
  // Few keep little at the agent until they are acknowledged; what has ended keeps a deletion open.
  const bool unhurried = acks_beside_ && !statuses_.tells_an_end() &&
                         statuses_.statuses().size() <= options_.statuses_unhurried_max;
  statuses_.Committed(result);
  if (!result.refused.empty()) known().statuses_refused = true;
  if (table_.observer_ != nullptr) table_.observer_->OnStatuses(cluster_, statuses_.statuses());
  // A second one stops the agent from sending more.
  if (!unhurried || status_ack_.has_value()) status_ack_urgent_ = true;
  status_ack_ = statuses_.End();
  if (next_statuses_.has_value()) BeginStatuses(*std::exchange(next_statuses_, std::nullopt));
  Pump();
}

void AgentSession::OnHeartbeat(const v1::Heartbeat& heartbeat) {
  if (heartbeat.session_epoch() != session_epoch_)
    return Misbehaved("a heartbeat of another session");
  if (heartbeat.sequence() != heartbeat_sequence_ + 1 ||
      heartbeat.acknowledged() >= heartbeat.sequence()) {
    return Misbehaved(
        absl::StrCat("heartbeat ", heartbeat.sequence(), " after ", heartbeat_sequence_));
  }
  heartbeat_sequence_ = heartbeat.sequence();
  known().status_backlog = heartbeat.backlog();
  heartbeat_ack_.emplace();
  heartbeat_ack_->set_sequence(heartbeat_sequence_);
  Prove(heartbeat);
  if (phase_ == Phase::kLive) {
    table_.RecordIfDue(cluster_);
    CompareStatuses(heartbeat);
  }
  Pump();
}

void AgentSession::Prove(const v1::Heartbeat& heartbeat) {
  const absl::StatusOr<ClusterLog> before = table_.store_.Log(cluster_);
  if (!before.ok()) return StoreFailed(before.status());
  if (!LogIsOurs(before->authority)) return;
  const absl::StatusOr<object::Sha256> root = table_.store_.Root(cluster_);
  if (!root.ok()) return StoreFailed(root.status());
  const absl::StatusOr<ClusterLog> after = table_.store_.Log(cluster_);
  if (!after.ok()) return StoreFailed(after.status());
  heartbeat_ack_->set_head(after->head);
  known().agent_revision = heartbeat.revision();
  std::erase_if(acks_sent_,
                [&](const auto& sent) { return sent.first < heartbeat.acknowledged(); });
  // Root and head belong together only if nothing was committed between the two looks; there will
  // be another heartbeat. The same holds for an agent that has not taken in everything yet.
  if (before->head != after->head || heartbeat.revision() != after->head) return;
  if (acks_sent_.empty() || acks_sent_.front().first != heartbeat.acknowledged()) return;
  SessionTable::Known& seen = known();
  if (heartbeat.intent_root() == root->Raw()) {
    const absl::Time at = acks_sent_.front().second;
    const bool applied = heartbeat.applied_root() == root->Raw();
    seen.proof = Proof{.root = *root,
                       .revision = after->head,
                       .received_at = at,
                       .applied_at = applied ? at : absl::InfinitePast()};
    if (applied) seen.applied_proof = seen.proof;
    seen.proven_here = true;
    seen.diverged = false;
    if (seen.trouble != LinkTrouble::kContested) {
      seen.trouble = LinkTrouble::kNone;
      seen.trouble_message.clear();
    }
    comparisons_in_vain_ = 0;
    next_comparison_ = absl::ZeroDuration();
    return;
  }
  if (comparison_ != nullptr || !window_.empty() || Now() < next_comparison_) return;
  if (comparisons_in_vain_ >= kDivergedAfter) seen.diverged = true;
  next_comparison_ =
      Now() + std::min(options_.compare_pause_max,
                       options_.compare_pause * (1 << std::min(comparisons_in_vain_, 10)));
  ++comparisons_in_vain_;
  StartComparison();
}

void AgentSession::CompareStatuses(const v1::Heartbeat& heartbeat) {
  if (heartbeat.status_digest().empty() || statuses_.busy()) return;
  const absl::StatusOr<object::Sha256> digest =
      wire::Sha256FromProto("heartbeat.status_digest", heartbeat.status_digest());
  if (!digest.ok()) return Misbehaved(std::string(digest.status().message()));
  const absl::StatusOr<StatusIntake::Verdict> verdict = statuses_.Compare(*digest, Now());
  if (!verdict.ok()) return StoreFailed(verdict.status());
  if (*verdict == StatusIntake::Verdict::kEqual) known().statuses_refused = false;
  if (*verdict == StatusIntake::Verdict::kReportAll) heartbeat_ack_->set_send_all_status(true);
  if (*verdict != StatusIntake::Verdict::kStartOver) return;
  heartbeat_ack_->set_send_all_status(true);
  absl::StatusOr<WriteBatch> rows = statuses_.DeleteAll();
  if (!rows.ok()) return StoreFailed(rows.status());
  // Commits keep their order: what the agent reports next comes after it.
  Commit(*std::move(rows), [this](const CommitResult& result) {
    if (!result.status.ok() && !absl::IsResourceExhausted(result.status))
      StoreFailed(result.status);
  });
}

void AgentSession::OnOperationUpdate(const v1::OperationUpdate& update) {
  const auto id = OperationId::FromRaw(update.id());
  if (!id.has_value()) return Misbehaved("an operation update without id");
  if (table_.observer_ != nullptr) {
    table_.observer_->OnOperationUpdate(cluster_, *id, update.state(), update.message());
  }
}

void AgentSession::OnRefused(const v1::Refused& refused) {
  SessionTable::Known& seen = known();
  seen.trouble = LinkTrouble::kRefusedByAgent;
  seen.trouble_message = refused.message();
  const absl::StatusOr<intent::Authority> held = wire::FromProto(refused.held());
  if (held.ok()) seen.agent_authority = *held;
  stream_->Close(absl::OkStatus());
  table_.Remove(id_);
}

absl::Status AgentSession::Send(const OperationRequest& request) {
  if (phase_ != Phase::kLive) {
    return absl::UnavailableError(absl::StrCat("cluster ", cluster_.Hex(), " has no live session"));
  }
  if (operations_.size() >= options_.operations_max) {
    return absl::ResourceExhaustedError(absl::StrCat(
        options_.operations_max, " operations wait for cluster ", cluster_.Hex(), " already"));
  }
  operations_.push_back(request);
  Pump();
  return absl::OkStatus();
}

void AgentSession::AcknowledgeOperation(const OperationId& id) {
  if (phase_ != Phase::kLive || operation_acks_.size() >= options_.operations_max) return;
  // The agent forgets it then, and would begin it anew.
  std::erase_if(operations_, [&id](const OperationRequest& waiting) { return waiting.id == id; });
  operation_acks_.insert(id);
  Pump();
}

}  // namespace leidang::hub
