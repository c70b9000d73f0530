#include "agent/swarm/swarm_agent.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace leidang::agent {
namespace {

LinkOptions OptionsOf(const intent::ClusterId& cluster, const std::string& hub, Random& random) {
  LinkOptions options;
  options.cluster = cluster;
  options.version = "swarm";
  options.instance = random.Bytes(16);
  options.hubs = {{hub, ""}};
  return options;
}

}  // namespace

// Between a stream and the link.
class SwarmAgent::CountingTransport::Counter final : public Stream, private StreamObserver {
 public:
  Counter(CountingTransport& transport, const HubAddress& hub, StreamObserver* observer)
      : transport_(transport), observer_(observer), stream_(transport.inner.Open(hub, this)) {}

  void Write(v1::AgentMessage message) override {
    if (message.has_ack() || message.has_ack_beside())
      transport_.acked_at = transport_.clock.Monotonic();
    stream_->Write(std::move(message));
  }
  void Read() override { stream_->Read(); }
  void Finish() override { stream_->Finish(); }

 private:
  void OnOpen() override { observer_->OnOpen(); }
  void OnMessage(v1::HubMessage message) override {
    if (message.has_changes())
      transport_.received += static_cast<uint64_t>(message.changes().changes_size());
    if (message.has_status_ack() || message.has_status_ack_beside())
      transport_.statuses_taken_at = transport_.clock.Monotonic();
    observer_->OnMessage(std::move(message));
  }
  void OnWritten() override { observer_->OnWritten(); }
  void OnClosed(absl::Status status) override { observer_->OnClosed(std::move(status)); }

  CountingTransport& transport_;
  StreamObserver* const observer_;
  const std::unique_ptr<Stream> stream_;
};

SwarmAgent::CountingTransport::CountingTransport(EventLoop& loop, Identity identity)
    : clock(loop.clock()), inner(loop, [identity = std::move(identity)] { return identity; }) {}

std::unique_ptr<Stream> SwarmAgent::CountingTransport::Open(const HubAddress& hub,
                                                            StreamObserver* observer) {
  return std::make_unique<Counter>(*this, hub, observer);
}

SwarmAgent::SwarmAgent(EventLoop& loop, Random& random, SwarmIdentity identity,
                       const std::string& hub, absl::Duration apply_max)
    : loop_(loop),
      random_(random),
      apply_max_(apply_max),
      state_(loop, disk_),
      transport_(loop, std::move(identity.certificate)),
      link_(loop, random, state_, transport_, OptionsOf(identity.cluster, hub, random)) {
  state_.AddObserver(this);
  link_.OnPhase([this](LinkPhase phase) {
    live_ = phase == LinkPhase::kLive;
    if (live_) live_at_ = loop_.clock().Monotonic();
    if (phase == LinkPhase::kConnecting) ++attempts_;
  });
}

SwarmAgent::~SwarmAgent() {
  *alive_ = false;
  link_.OnPhase(nullptr);
  state_.RemoveObserver(this);
}

void SwarmAgent::Start(absl::Duration delay) {
  loop_.After(delay, [this, alive = alive_] {
    if (*alive) link_.Start();
  });
}

void SwarmAgent::OnEntryChanged(const EntryRef& entry) {
  ++changes_;
  changed_at_ = loop_.clock().Monotonic();
  if (dirty_.empty()) {
    loop_.After(apply_max_ * random_.Unit(), [this, alive = alive_] {
      if (*alive) Apply();
    });
  }
  dirty_.insert(entry);
}

void SwarmAgent::OnOperationChanged(const OperationId& id) {
  const absl::StatusOr<std::vector<OperationRecord>> operations = state_.Operations();
  if (!operations.ok()) return;
  for (OperationRecord record : *operations) {
    if (record.id != id || IsFinal(record.state)) continue;
    record.state = OperationState::kSucceeded;
    state_.Commit({PutOperation{std::move(record)}}, [](const absl::Status&) {});
  }
}

intent::EntryStatus SwarmAgent::StatusOf(const EntryHead& head) const {
  intent::EntryStatus status;
  status.key = head.ref.key;
  status.uid = head.ref.uid;
  status.received = head.revision;
  status.unclaimed = head.phase == EntryPhase::kUnclaimed;
  status.gone = head.phase == EntryPhase::kDeleting;
  status.observed_at = absl::FromUnixMicros(absl::ToUnixMicros(loop_.clock().Now()));
  if (head.phase != EntryPhase::kLive) return status;
  status.applied = head.revision;
  status.applied_element = head.element;
  status.sync = intent::SyncState::kSynced;
  status.health = intent::HealthState::kHealthy;
  status.operation = intent::OperationPhase::kSucceeded;
  status.objects = 2;
  return status;
}

void SwarmAgent::Apply() {
  Transaction transaction;
  for (const EntryRef& ref : std::exchange(dirty_, {})) {
    const absl::StatusOr<Entry> entry = state_.Find(ref);
    if (!entry.ok()) continue;  // It has ended.
    if (entry->head.phase == EntryPhase::kLive) {
      if (entry->head.applied == entry->head.element) continue;
      transaction.push_back(MarkApplied{ref, entry->head.element});
    }
    if (entry->head.phase == EntryPhase::kDeleting) transaction.push_back(FinishDeletion{ref});
    transaction.push_back(PutStatus{StatusOf(entry->head)});
  }
  if (transaction.empty()) return;
  state_.Commit(std::move(transaction), [](const absl::Status& status) {
    CHECK(status.ok());  // In memory, and by the state's own rules.
  });
}

size_t SwarmAgent::ReportAnew(uint64_t edition) {
  const absl::StatusOr<std::vector<EntryHead>> heads = state_.Heads();
  if (!heads.ok()) return 0;
  Transaction transaction;
  for (const EntryHead& head : *heads) {
    intent::EntryStatus status = StatusOf(head);
    status.message = absl::StrCat("successfully synced (", edition, ")");
    transaction.push_back(PutStatus{std::move(status)});
  }
  const size_t count = transaction.size();
  state_.Commit(std::move(transaction), [](const absl::Status& status) { CHECK(status.ok()); });
  return count;
}

}  // namespace leidang::agent
