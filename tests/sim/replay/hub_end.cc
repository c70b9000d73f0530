#include "tests/sim/replay/hub_end.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "hub/store/memory_store.h"
#include "hub/store/write_batch.h"
#include "tests/sim/replay/deeds_text.h"

namespace leidang::sim {
namespace {

constexpr absl::Duration kFsync = absl::Milliseconds(4);

std::string TextOf(const std::vector<hub::UnclaimedEntry>& entries) {
  return absl::StrJoin(entries, " ", [](std::string* out, const hub::UnclaimedEntry& entry) {
    absl::StrAppend(out, entry.key.ToString(), "/", entry.uid.Hex());
  });
}

std::string TextOf(const hub::Difference& difference) {
  return absl::StrCat("authority=", sim::TextOf(difference.agent_authority),
                      " revision=", difference.agent_revision, " head=", difference.head,
                      " equal=", difference.equal, " add=", TextOf(difference.add),
                      " change=", TextOf(difference.change), " remove=", TextOf(difference.remove),
                      " keep=", TextOf(difference.keep), " other=", difference.other_uid.size(),
                      difference.unknown ? " unknown" : "");
}

}  // namespace

class HubEnd::End final : public hub::AgentStream {
 public:
  End(HubEnd& owner, uint64_t stream) : owner_(owner), stream_(stream) {}
  ~End() override {
    if (!closed_) Gone();
  }

  void Write(v1::HubMessage message) override {
    owner_.loop_.Post(
        [alive = owner_.alive_, &owner = owner_, stream = stream_, message = std::move(message)] {
          if (!*alive) return;
          owner.outlet_.wrote(stream, message);
          const auto place = owner.places_.find(stream);
          if (place != owner.places_.end()) owner.table_->Written(place->second.session);
        });
  }
  void Read() override { owner_.places_[stream_].wants = true; }
  void Close(absl::Status) override {
    closed_ = true;
    Gone();
  }

 private:
  void Gone() {
    // The hub process as a whole ends its streams, too; a stream that the agent ended is not told.
    if (owner_.places_.erase(stream_) == 0) return;
    owner_.loop_.Post([alive = owner_.alive_, &owner = owner_, stream = stream_] {
      if (*alive) owner.outlet_.closed(stream);
    });
  }

  HubEnd& owner_;
  const uint64_t stream_;
  bool closed_ = false;
};

HubEnd::HubEnd(SimLoop& loop, Outlet outlet) : loop_(loop), outlet_(std::move(outlet)) { Start(); }

HubEnd::~HubEnd() {
  *alive_ = false;
  Stop();
}

void HubEnd::Start() {
  auto store = hub::OpenMemoryStore(disk_.get(), &loop_, {.commit_delay = kFsync});
  CHECK(store.ok());
  store_ = *std::move(store);
  table_ = std::make_unique<hub::SessionTable>(loop_, *store_,
                                               hub::SessionOptions{.version = "recorded"}, this);
}

void HubEnd::Stop() {
  table_.reset();
  store_.reset();
}

absl::Status HubEnd::Commit(hub::WriteBatch batch) {
  // What is wrong with a deed shows in the facts: the log is not as it was.
  store_->Commit(std::move(batch), &loop_, [](const hub::CommitResult&) {});
  return absl::OkStatus();
}

absl::Status HubEnd::Change(const Deed& deed) {
  hub::WriteBatch batch;
  if (deed.verb == "open") {
    ASSIGN_OR_RETURN(const intent::Authority authority, AuthorityOf(deed));
    batch.OpenLog(kRecordedCluster, authority);
  } else if (deed.verb == "put") {
    ASSIGN_OR_RETURN(intent::Assignment assignment, AssignmentOf(deed));
    batch.Put(kRecordedCluster, std::move(assignment));
  } else {
    intent::Tombstone tombstone;
    ASSIGN_OR_RETURN(tombstone.key, KeyOf(deed));
    ASSIGN_OR_RETURN(tombstone.uid, UidOf(deed));
    ASSIGN_OR_RETURN(const uint64_t policy, NumberOf(deed, "policy"));
    tombstone.policy = static_cast<intent::DeletionPolicy>(policy);
    batch.Delete(kRecordedCluster, std::move(tombstone));
  }
  return Commit(std::move(batch));
}

absl::Status HubEnd::Operate(const Deed& deed) {
  ASSIGN_OR_RETURN(const std::string raw, BytesOf(deed, "id"));
  const auto id = hub::OperationId::FromRaw(raw);
  if (!id.has_value()) return absl::InvalidArgumentError("an operation's id has 32 hex digits");
  if (deed.verb == "finish") {
    table_->AcknowledgeOperation(kRecordedCluster, *id);
    return absl::OkStatus();
  }
  hub::OperationRequest request;
  request.id = *id;
  ASSIGN_OR_RETURN(request.key, KeyOf(deed));
  ASSIGN_OR_RETURN(request.uid, UidOf(deed));
  ASSIGN_OR_RETURN(const uint64_t kind, NumberOf(deed, "kind"));
  ASSIGN_OR_RETURN(const uint64_t lifetime, NumberOf(deed, "lifetime_ms"));
  request.kind = static_cast<v1::Operation::Kind>(kind);
  request.lifetime = absl::Milliseconds(static_cast<int64_t>(lifetime));
  request.parameters = deed.Get("parameters");
  return table_->Send(kRecordedCluster, request);
}

absl::Status HubEnd::LoseStatuses() {
  hub::WriteBatch batch;
  ASSIGN_OR_RETURN(const auto page, store_->StatusesOfCluster(kRecordedCluster, {}));
  for (const intent::EntryStatus& status : page.items)
    batch.DeleteStatus(kRecordedCluster, status.key, status.uid);
  return Commit(std::move(batch));
}

absl::Status HubEnd::Do(const Deed& deed) {
  if (deed.verb == "open" || deed.verb == "put" || deed.verb == "delete") return Change(deed);
  if (deed.verb == "operate" || deed.verb == "finish") return Operate(deed);
  if (deed.verb == "lose-statuses") return LoseStatuses();
  if (deed.verb == "drain") {
    ASSIGN_OR_RETURN(const uint64_t retry, NumberOf(deed, "retry_ms"));
    ASSIGN_OR_RETURN(const uint64_t spread, NumberOf(deed, "spread_ms"));
    table_->Drain(absl::Milliseconds(static_cast<int64_t>(retry)),
                  absl::Milliseconds(static_cast<int64_t>(spread)));
  } else if (deed.verb == "revoke") {
    table_->Revoke(kRecordedCluster);
  } else if (deed.verb == "restart" || deed.verb == "wipe") {
    Stop();
    if (deed.verb == "wipe") disk_ = std::make_unique<hub::MemoryRows>();
    Start();
  } else if (deed.verb == "hold") {
    table_->Hold({kRecordedCluster},
                 deed.Get("when") == "now" ? hub::Surveys::kNow : hub::Surveys::kLater,
                 [this](const intent::ClusterId&, const hub::Difference& difference) {
                   surveys_.push_back(TextOf(difference));
                 });
  } else if (deed.verb == "release") {
    table_->Hold({}, hub::Surveys::kNow, {});
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("`hub ", deed.verb, "`: hub_end.h has the list"));
  }
  return absl::OkStatus();
}

void HubEnd::Accept(uint64_t stream) {
  places_[stream] = {};
  const hub::SessionId session =
      table_->Accept(kRecordedCluster, std::make_unique<End>(*this, stream));
  places_[stream].session = session;
}

bool HubEnd::Has(uint64_t stream) const { return places_.contains(stream); }

bool HubEnd::Wants(uint64_t stream) const {
  const auto place = places_.find(stream);
  return place != places_.end() && place->second.wants;
}

void HubEnd::Say(uint64_t stream, const v1::AgentMessage& message) {
  CHECK(Wants(stream));
  places_[stream].wants = false;
  table_->Received(places_[stream].session, message);
}

void HubEnd::Close(uint64_t stream) {
  const auto place = places_.find(stream);
  if (place == places_.end()) return;
  const hub::SessionId session = place->second.session;
  places_.erase(place);
  table_->Closed(session, absl::UnavailableError("connection reset"));
}

Facts HubEnd::Show() const {
  Facts facts;
  const hub::ClusterView view = table_->View(kRecordedCluster);
  const auto log = store_->Log(kRecordedCluster);
  CHECK(log.ok());
  facts["authority"] = TextOf(log->authority);
  facts["head"] = absl::StrCat(log->head);
  facts["acked"] = absl::StrCat(log->acked);
  facts["resumable-from"] = absl::StrCat(log->resumable_from);
  facts["session-epoch"] = absl::StrCat(log->session_epoch);
  facts["live"] = absl::StrCat(log->live);
  facts["tombstones"] = absl::StrCat(log->tombstones);
  facts["root"] = store_->Root(kRecordedCluster)->Hex();
  facts["verdict"] = std::string(hub::LinkVerdictName(view.verdict));
  facts["trouble"] = absl::StrCat(static_cast<int>(view.trouble));
  facts["agent-version"] = view.agent_version;
  facts["agent-authority"] = TextOf(view.agent_authority);
  facts["agent-revision"] = absl::StrCat(view.agent_revision);
  facts["agent-session-epoch"] = absl::StrCat(view.agent_session_epoch);
  facts["status-backlog"] = absl::StrCat(view.status_backlog);
  facts["unclaimed"] = TextOf(view.unclaimed);
  if (view.proof.has_value()) {
    facts["proof"] = absl::StrCat(view.proof->root.Hex(), " at ", view.proof->revision,
                                  view.proof->applied_at == absl::InfinitePast() ? "" : " applied");
  }
  const auto statuses = store_->StatusesOfCluster(kRecordedCluster, {});
  CHECK(statuses.ok());
  for (const intent::EntryStatus& status : statuses->items)
    facts[absl::StrCat("status ", status.key.ToString(), "/", status.uid.Hex())] =
        sim::TextOf(status);
  for (size_t i = 0; i < updates_.size(); ++i) facts[absl::StrCat("update ", i)] = updates_[i];
  for (size_t i = 0; i < surveys_.size(); ++i) facts[absl::StrCat("survey ", i)] = surveys_[i];
  return facts;
}

void HubEnd::OnSessionLive(const intent::ClusterId&) {}
void HubEnd::OnSessionEnded(const intent::ClusterId&) {}
void HubEnd::OnStatuses(const intent::ClusterId&, const std::vector<intent::EntryStatus>&) {}

void HubEnd::OnOperationUpdate(const intent::ClusterId&, const hub::OperationId& id,
                               v1::OperationUpdate::State state, const std::string& message) {
  updates_.push_back(absl::StrCat(id.Hex(), " ", static_cast<int>(state), " <", message, ">"));
}

}  // namespace leidang::sim
