#include "agent/swarm/hostile_agent.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/proof/bucketed_digest.h"

namespace leidang::agent {
namespace {

constexpr size_t kStatusesPerBatch = 1'000;
constexpr size_t kStatusBytes = 500;
constexpr size_t kFetchersMax = 16;  // Twice what the hub serves one agent at a time.

}  // namespace

// Fetches one content for ever.
class HostileAgent::Fetcher final : public FetchObserver {
 public:
  Fetcher(HostileAgent& agent, const object::Sha256& digest) : agent_(agent), digest_(digest) {
    Again();
  }
  ~Fetcher() override { *alive_ = false; }

 private:
  void Again() { fetch_ = agent_.transport_.Start(digest_, 0, this); }
  void OnChunk(std::string data, uint64_t) override { agent_.fetched_bytes_ += data.size(); }
  void OnFetched(absl::Status status) override {
    if (status.ok()) ++agent_.fetches_;
    agent_.loop_.Post([this, alive = alive_] {
      if (*alive && !agent_.ended_) Again();
    });
  }

  HostileAgent& agent_;
  const object::Sha256 digest_;
  std::unique_ptr<Fetch> fetch_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

HostileAgent::HostileAgent(EventLoop& loop, SwarmIdentity identity, std::string hub,
                           Hostility hostility)
    : loop_(loop),
      identity_(std::move(identity)),
      hub_(std::move(hub)),
      hostility_(hostility),
      transport_(loop, [this] { return identity_.certificate; }) {}

HostileAgent::~HostileAgent() = default;

uint64_t HostileAgent::statuses() const { return status_batches_ * kStatusesPerBatch; }

void HostileAgent::Start() { stream_ = transport_.Open({hub_, ""}, this); }

void HostileAgent::Write(v1::AgentMessage message) {
  writing_ = true;
  stream_->Write(std::move(message));
}

void HostileAgent::OnOpen() {
  v1::AgentMessage message;
  v1::Hello* hello = message.mutable_hello();
  hello->set_cluster_id(identity_.cluster.Raw());
  hello->set_intent_root(proof::BucketedDigest().Root().Raw());
  hello->set_agent_version("swarm, hostile");
  hello->set_instance(identity_.cluster.Raw());
  Write(std::move(message));
  stream_->Read();
}

void HostileAgent::OnMessage(v1::HubMessage message) {
  if (message.has_welcome()) {
    welcome_ = message.welcome();
    session_epoch_ = welcome_.session_epoch();
    if (hostility_ == Hostility::kStalls) return;
  }
  if (message.has_changes()) OnChanges(message.changes());
  if (message.has_status_ack()) {
    statuses_in_flight_ = false;
    ++status_batches_;
  }
  if (message.has_heartbeat_ack()) heartbeat_acknowledged_ = message.heartbeat_ack().sequence();
  stream_->Read();
  WriteMore();
}

void HostileAgent::OnChanges(const v1::Changes& changes) {
  ack_due_ = changes.sequence();
  revision_ = changes.to();
  for (const v1::Change& change : changes.changes()) {
    for (const v1::Source& source : change.put().sources()) {
      const auto tree = object::Sha256::FromRaw(source.tree());
      while (hostility_ == Hostility::kBeats && tree && fetchers_.size() < kFetchersMax)
        fetchers_.push_back(std::make_unique<Fetcher>(*this, *tree));
    }
  }
}

void HostileAgent::OnWritten() {
  writing_ = false;
  WriteMore();
}

v1::AgentMessage HostileAgent::MakeStatuses() {
  v1::AgentMessage message;
  v1::StatusBatch* batch = message.mutable_status();
  batch->set_session_epoch(session_epoch_);
  batch->set_sequence(++status_sequence_);
  for (size_t i = 0; i < kStatusesPerBatch; ++i) {
    v1::EntryStatus* status = batch->add_statuses();
    status->set_key(absl::StrCat("application:leidang/flood-", i));
    status->set_uid(identity_.cluster.Raw());
    status->set_received(revision_);
    status->set_message(std::string(kStatusBytes, 'x'));
  }
  return message;
}

void HostileAgent::WriteMore() {
  if (writing_ || ended_ || session_epoch_ == 0 || hostility_ == Hostility::kStalls) return;
  v1::AgentMessage message;
  if (ack_due_ > 0) {
    v1::Ack* ack = message.mutable_ack();
    *ack->mutable_authority() = welcome_.authority();
    ack->set_session_epoch(session_epoch_);
    ack->set_sequence(std::exchange(ack_due_, 0));
    ack->set_revision(revision_);
  } else if (hostility_ == Hostility::kReports) {
    if (statuses_in_flight_) return;
    statuses_in_flight_ = true;
    message = MakeStatuses();
  } else {
    v1::Heartbeat* heartbeat = message.mutable_heartbeat();
    heartbeat->set_session_epoch(session_epoch_);
    heartbeat->set_revision(revision_);
    heartbeat->set_intent_root(proof::BucketedDigest().Root().Raw());
    heartbeat->set_applied_root(heartbeat->intent_root());
    heartbeat->set_sequence(++heartbeat_sequence_);
    heartbeat->set_acknowledged(heartbeat_acknowledged_);
  }
  Write(std::move(message));
}

void HostileAgent::OnClosed(absl::Status status) {
  ended_ = true;
  error_ = status.ToString();
}

}  // namespace leidang::agent
