#include "tests/sim/replay/agent_end.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/proof/bucketed_digest.h"
#include "tests/sim/replay/deeds_text.h"

namespace leidang::sim {
namespace {

constexpr absl::Duration kFsync = absl::Milliseconds(3);

absl::StatusOr<agent::EntryRef> RefOf(const Deed& deed) {
  agent::EntryRef ref;
  ASSIGN_OR_RETURN(ref.key, KeyOf(deed));
  ASSIGN_OR_RETURN(ref.uid, UidOf(deed));
  return ref;
}

}  // namespace

class AgentEnd::End final : public agent::Stream {
 public:
  End(AgentEnd& owner, uint64_t stream) : owner_(owner), stream_(stream) {}
  ~End() override { Gone(); }

  void Write(v1::AgentMessage message) override {
    owner_.loop_.Post(
        [alive = owner_.alive_, &owner = owner_, stream = stream_, message = std::move(message)] {
          if (!*alive) return;
          owner.outlet_.wrote(stream, message);
          const auto place = owner.places_.find(stream);
          if (place != owner.places_.end()) place->second.observer->OnWritten();
        });
  }
  void Read() override { owner_.places_[stream_].wants = true; }
  // The hub ends the stream then.
  void Finish() override {}

 private:
  void Gone() {
    if (owner_.places_.erase(stream_) == 0 || owner_.silent_) return;
    owner_.loop_.Post([alive = owner_.alive_, &owner = owner_, stream = stream_] {
      if (*alive) owner.outlet_.gone(stream);
    });
  }

  AgentEnd& owner_;
  const uint64_t stream_;
};

AgentEnd::AgentEnd(SimLoop& loop, Outlet outlet) : loop_(loop), outlet_(std::move(outlet)) {}

AgentEnd::~AgentEnd() {
  *alive_ = false;
  link_.reset();
}

std::unique_ptr<agent::Stream> AgentEnd::Open(const agent::HubAddress&,
                                              agent::StreamObserver* observer) {
  const uint64_t stream = ++streams_;
  places_[stream].observer = observer;
  loop_.Post([alive = alive_, this, stream] {
    if (*alive) outlet_.opened(stream);
  });
  return std::make_unique<End>(*this, stream);
}

absl::Status AgentEnd::Start(const Deed& deed) {
  ASSIGN_OR_RETURN(const std::string instance, BytesOf(deed, "instance"));
  state_ = std::make_unique<agent::MemoryState>(
      loop_, disk_,
      agent::MemoryState::Options{.sync_delay = [] { return kFsync; }, .sync_fault = {}});
  link_ = std::make_unique<agent::Link>(loop_, random_, *state_, *this,
                                        agent::LinkOptions{.cluster = kRecordedCluster,
                                                           .version = "recorded",
                                                           .instance = instance,
                                                           .hubs = {{"hub:7443", ""}}});
  link_->Start();
  return absl::OkStatus();
}

absl::Status AgentEnd::Mark(const Deed& deed) {
  ASSIGN_OR_RETURN(const agent::EntryRef ref, RefOf(deed));
  object::Sha256 element;
  if (deed.verb == "applied") {
    ASSIGN_OR_RETURN(const agent::Entry entry, state_->Find(ref));
    element = entry.head.element;
  }
  state_->Commit({agent::MarkApplied{ref, element}}, [](absl::Status) {});
  return absl::OkStatus();
}

absl::Status AgentEnd::Report(const Deed& deed) {
  agent::Transaction transaction;
  ASSIGN_OR_RETURN(intent::EntryStatus status, StatusOf(deed));
  const agent::EntryRef ref{status.key, status.uid};
  if (deed.verb == "finish") {
    transaction.push_back(agent::FinishDeletion{ref});
  } else if (deed.Get("element") == "held") {
    ASSIGN_OR_RETURN(const agent::Entry entry, state_->Find(ref));
    status.applied_element = entry.head.element;
  }
  transaction.push_back(agent::PutStatus{std::move(status)});
  state_->Commit(std::move(transaction), [](absl::Status) {});
  return absl::OkStatus();
}

absl::Status AgentEnd::Operation(const Deed& deed) {
  ASSIGN_OR_RETURN(const std::string id, BytesOf(deed, "id"));
  ASSIGN_OR_RETURN(const uint64_t state, NumberOf(deed, "state"));
  ASSIGN_OR_RETURN(const std::vector<agent::OperationRecord> held, state_->Operations());
  for (agent::OperationRecord record : held) {
    if (record.id.Raw() != id) continue;
    record.state = static_cast<agent::OperationState>(state);
    record.message = deed.Get("message");
    state_->Commit({agent::PutOperation{std::move(record)}}, [](absl::Status) {});
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat("operation ", deed.Get("id"), " did not arrive"));
}

absl::Status AgentEnd::Do(const Deed& deed) {
  if (deed.verb == "start") return Start(deed);
  if (deed.verb == "stop" || deed.verb == "vanish") {
    silent_ = deed.verb == "vanish";
    link_.reset();
    silent_ = false;
    state_.reset();
    return absl::OkStatus();
  }
  if (deed.verb == "trust") {
    const auto hub = intent::HubId::FromHex(deed.Get("hub"));
    if (!hub.has_value()) return absl::InvalidArgumentError("`agent trust` without hub=");
    link_->Trust(*hub, [](absl::Status) {});
    return absl::OkStatus();
  }
  if (deed.verb == "applied" || deed.verb == "drifted") return Mark(deed);
  if (deed.verb == "status" || deed.verb == "finish") return Report(deed);
  if (deed.verb == "operation") return Operation(deed);
  return absl::InvalidArgumentError(
      absl::StrCat("`agent ", deed.verb, "`: agent_end.h has the list"));
}

bool AgentEnd::Has(uint64_t stream) const { return places_.contains(stream); }

void AgentEnd::Accept(uint64_t stream) {
  CHECK(Has(stream));
  places_[stream].observer->OnOpen();
}

bool AgentEnd::Wants(uint64_t stream) const {
  const auto place = places_.find(stream);
  return place != places_.end() && place->second.wants;
}

void AgentEnd::Say(uint64_t stream, const v1::HubMessage& message) {
  CHECK(Wants(stream));
  places_[stream].wants = false;
  places_[stream].observer->OnMessage(message);
}

void AgentEnd::Close(uint64_t stream, absl::Status status) {
  const auto place = places_.find(stream);
  if (place == places_.end()) return;
  agent::StreamObserver* const observer = place->second.observer;
  places_.erase(place);
  observer->OnClosed(std::move(status));
}

uint64_t AgentEnd::ignored() const {
  return link_ == nullptr ? 0 : link_->Snapshot().ignored_messages;
}

Facts AgentEnd::Show() const {
  Facts facts;
  CHECK(state_ != nullptr && link_ != nullptr);
  const agent::Allegiance& held = state_->allegiance();
  facts["authority"] = TextOf(held.authority);
  facts["session-epoch"] = absl::StrCat(held.session_epoch);
  facts["revision"] = absl::StrCat(held.revision);
  facts["intent-root"] = state_->intent_digest().Root().Hex();
  facts["applied-root"] = state_->applied_digest().Root().Hex();
  facts["status-digest"] = state_->status_digest().Hex();
  facts["statuses-waiting"] = absl::StrCat(state_->statuses_waiting());
  const agent::LinkSnapshot link = link_->Snapshot();
  facts["live"] = link.phase == agent::LinkPhase::kLive ? "yes" : "no";
  if (link.refusal.has_value()) {
    facts["refusal"] =
        absl::StrCat(static_cast<int>(link.refusal->why), " ", TextOf(link.refusal->offered));
  }
  const auto heads = state_->Heads();
  CHECK(heads.ok());
  for (const agent::EntryHead& head : *heads) {
    const auto entry = state_->Find(head.ref);
    CHECK(entry.ok());
    facts[absl::StrCat("entry ", head.ref.key.ToString(), "/", head.ref.uid.Hex())] = absl::StrCat(
        static_cast<int>(head.phase), " ", head.epoch, ".", head.revision, " ", head.element.Hex(),
        " ", head.applied.Hex(), " ", static_cast<int>(entry->policy), " ",
        entry->assignment.has_value() ? TextOf(*entry->assignment) : "none");
  }
  const auto operations = state_->Operations();
  CHECK(operations.ok());
  for (const agent::OperationRecord& record : *operations) {
    facts[absl::StrCat("operation ", record.id.Hex())] = absl::StrCat(
        record.entry.key.ToString(), "/", record.entry.uid.Hex(), " ",
        static_cast<int>(record.kind), " ", static_cast<int>(record.state), " ", record.parameters,
        " ", record.message, " for ",
        absl::ToInt64Minutes(record.expires - absl::FromUnixSeconds(1'700'000'000)), " minutes");
  }
  return facts;
}

}  // namespace leidang::sim
