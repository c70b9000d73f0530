#include "hub/session/session_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "hub/session/agent_session.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kTakeoversApart = absl::Minutes(5);
constexpr int kContestedTakeovers = 3;
constexpr size_t kVersionStoredMax = 100;

// Agents that came together do not all store what is known of them at the same moments.
absl::Duration ShareOf(const intent::ClusterId& cluster, absl::Duration interval) {
  const auto& bytes = cluster.bytes();
  return interval * (bytes[bytes.size() - 1] * 256 + bytes[bytes.size() - 2]) / 65'536;
}

}  // namespace

SessionTable::SessionTable(EventLoop& loop, Store& store, SessionOptions options,
                           SessionObserver* observer)
    : loop_(loop),
      store_(store),
      options_(std::move(options)),
      observer_(observer),
      content_(store, options_) {
  subscription_ = store_.Subscribe(&loop_, [this, alive = alive_](const CommitResult& result) {
    if (*alive) OnCommitted(result);
  });
  const absl::StatusOr<std::vector<LinkRecord>> links = store_.Links();
  if (!links.ok()) return;  // Nothing is known then, which is what is shown.
  for (const LinkRecord& link : *links) {
    Known& known = known_[link.cluster];
    known.agent_version = link.agent_version;
    known.since = link.last_seen;
    known.last_seen = link.last_seen;
    known.status_backlog = link.status_backlog;
    known.agent_revision = link.agent_revision;
    known.proof = link.proof;
    known.applied_proof = link.applied_proof;
  }
}

SessionTable::~SessionTable() {
  *alive_ = false;
  store_.Unsubscribe(subscription_);
  for (const auto& [id, session] : sessions_) session->Abandon();
}

SessionId SessionTable::Accept(const intent::ClusterId& cluster,
                               std::unique_ptr<AgentStream> stream) {
  const SessionId id = next_id_++;
  AgentSession* session =
      sessions_.emplace(id, std::make_unique<AgentSession>(*this, id, cluster, std::move(stream)))
          .first->second.get();
  of_cluster_[cluster].insert(id);
  LimitUngreeted(cluster);
  session->Begin();
  if (draining_) {
    session->Goodbye(v1::Goodbye::DRAINING, drain_retry_, drain_spread_, "the hub is going down");
  }
  return id;
}

void SessionTable::LimitUngreeted(const intent::ClusterId& cluster) {
  std::vector<SessionId> ungreeted;
  for (const SessionId id : of_cluster_[cluster]) {
    if (!sessions_.at(id)->greeted()) ungreeted.push_back(id);
  }
  // The oldest go: they are the likeliest to be dead.
  for (size_t i = 0; i + options_.ungreeted_max < ungreeted.size(); ++i) Remove(ungreeted[i]);
}

void SessionTable::Received(SessionId id, const v1::AgentMessage& message) {
  if (AgentSession* session = Find(id)) session->Received(message);
}

void SessionTable::Written(SessionId id) {
  if (AgentSession* session = Find(id)) session->Written();
}

void SessionTable::Closed(SessionId id, const absl::Status&) { Remove(id); }

AgentSession* SessionTable::Find(SessionId id) const {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second.get();
}

AgentSession* SessionTable::Current(const intent::ClusterId& cluster) const {
  const auto it = current_.find(cluster);
  return it == current_.end() ? nullptr : Find(it->second);
}

void SessionTable::Remove(SessionId id) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  const std::shared_ptr<AgentSession> ended = std::move(it->second);
  sessions_.erase(it);
  const intent::ClusterId cluster = ended->cluster();
  touched_.insert(cluster);
  ended->Abandon();
  if (const auto ids = of_cluster_.find(cluster); ids != of_cluster_.end()) {
    ids->second.erase(id);
    if (ids->second.empty()) of_cluster_.erase(ids);
  }
  if (const auto current = current_.find(cluster);
      current != current_.end() && current->second == id) {
    current_.erase(current);
    if (const auto known = known_.find(cluster); known != known_.end()) {
      known->second.since = loop_.clock().Now();
      Record(cluster);
    }
    if (observer_ != nullptr) {
      loop_.Post([this, alive = alive_, cluster] {
        if (*alive) observer_->OnSessionEnded(cluster);
      });
    }
  }
  // The session may be the caller: it goes when the stack is gone.
  loop_.Post([ended] {});
}

void SessionTable::AddRecord(const intent::ClusterId& cluster, WriteBatch* batch) {
  Known& known = known_[cluster];
  known.recorded = loop_.clock().Monotonic() - ShareOf(cluster, options_.record_every);
  batch->PutLink({.cluster = cluster,
                  .last_seen = known.last_seen,
                  .agent_version = known.agent_version.substr(0, kVersionStoredMax),
                  .agent_revision = known.agent_revision,
                  .status_backlog = known.status_backlog,
                  .proof = known.proof,
                  .applied_proof = known.applied_proof});
}

void SessionTable::Record(const intent::ClusterId& cluster) {
  WriteBatch batch;
  AddRecord(cluster, &batch);
  known_[cluster].recorded = loop_.clock().Monotonic();
  // If this is lost, what was stored before is older and as true.
  store_.Commit(std::move(batch), &loop_, [](const CommitResult&) {});
}

void SessionTable::RecordIfDue(const intent::ClusterId& cluster) {
  if (loop_.clock().Monotonic() - known_[cluster].recorded >= options_.record_every)
    Record(cluster);
}

void SessionTable::TakeOver(AgentSession& session, const std::string& instance) {
  touched_.insert(session.cluster());
  Known& known = known_[session.cluster()];
  if (AgentSession* old = Current(session.cluster()); old != nullptr && old != &session) {
    if (old->live() && known.instance != instance) {
      const absl::Duration now = loop_.clock().Monotonic();
      known.takeovers = now - known.last_takeover < kTakeoversApart ? known.takeovers + 1 : 1;
      known.last_takeover = now;
      if (known.takeovers >= kContestedTakeovers) {
        known.trouble = LinkTrouble::kContested;
        known.trouble_message =
            "several agents with the identity of this cluster take the session from each other; "
            "enrol "
            "each cluster by itself";
      }
    }
    old->Goodbye(v1::Goodbye::SUPERSEDED, options_.superseded_pause, options_.superseded_pause,
                 "a newer session of this cluster has begun");
  }
  known.instance = instance;
  current_[session.cluster()] = session.id();
}

void SessionTable::OnCommitted(const CommitResult& result) {
  for (const auto& [cluster, head] : result.heads) {
    touched_.insert(cluster);
    if (AgentSession* session = Current(cluster)) session->HeadMoved(head);
  }
}

void SessionTable::Hold(std::set<intent::ClusterId> clusters, Surveys when, OnSurvey on_survey) {
  held_ = std::move(clusters);
  surveys_ = when;
  on_survey_ = std::move(on_survey);
  std::vector<SessionId> ids;
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  for (const SessionId id : ids) {
    if (AgentSession* session = Find(id)) session->HoldChanged();
  }
}

absl::Status SessionTable::Send(const intent::ClusterId& cluster, const OperationRequest& request) {
  AgentSession* session = Current(cluster);
  if (session == nullptr) {
    return absl::UnavailableError(absl::StrCat("cluster ", cluster.Hex(), " has no live session"));
  }
  return session->Send(request);
}

void SessionTable::AcknowledgeOperation(const intent::ClusterId& cluster, const OperationId& id) {
  if (AgentSession* session = Current(cluster)) session->AcknowledgeOperation(id);
}

void SessionTable::Revoke(const intent::ClusterId& cluster) {
  const auto ids = of_cluster_.find(cluster);
  if (ids == of_cluster_.end()) return;
  for (const SessionId id : std::set<SessionId>(ids->second)) {
    if (AgentSession* session = Find(id)) {
      session->Goodbye(v1::Goodbye::REVOKED, options_.superseded_pause, options_.superseded_pause,
                       "the identity of this cluster is revoked");
    }
  }
}

void SessionTable::Forget(const intent::ClusterId& cluster) {
  Revoke(cluster);
  known_.erase(cluster);
  touched_.insert(cluster);
}

void SessionTable::Drain(absl::Duration retry_after, absl::Duration spread) {
  draining_ = true;
  drain_retry_ = retry_after;
  drain_spread_ = spread;
  std::vector<SessionId> ids;
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  for (const SessionId id : ids) {
    if (AgentSession* session = Find(id)) {
      session->Goodbye(v1::Goodbye::DRAINING, retry_after, spread, "the hub is going down");
    }
  }
}

ClusterView SessionTable::View(const intent::ClusterId& cluster) const {
  ClusterView view{.cluster = cluster};
  absl::StatusOr<object::Sha256> root = store_.Root(cluster);
  if (const absl::StatusOr<ClusterLog> log = store_.Log(cluster); log.ok()) {
    view.head = log->head;
    view.acked = log->acked;
    view.pending_tombstones = log->tombstones;
  }
  const auto it = known_.find(cluster);
  if (it == known_.end()) return view;
  const Known& known = it->second;
  view.since = known.since;
  view.last_seen = known.last_seen;
  view.agent_version = known.agent_version;
  view.status_backlog = known.status_backlog;
  view.proof = known.proof;
  view.applied_proof = known.applied_proof;
  // Agents that stopped taking turns contest nothing any more.
  if (known.trouble != LinkTrouble::kContested ||
      loop_.clock().Monotonic() - known.last_takeover < kTakeoversApart) {
    view.trouble = known.trouble;
    view.trouble_message = known.trouble_message;
  }
  if (view.trouble == LinkTrouble::kNone && known.statuses_refused) {
    view.trouble = LinkTrouble::kStatusesRefused;
    view.trouble_message = absl::StrCat(
        "the agent reports of more that is not assigned to its cluster than the ",
        options_.unassigned_statuses_max,
        " entries of which the hub keeps a status; the rest is not shown. See `leidang unclaimed "
        "list`: what is adopted or released is kept again");
  }
  view.agent_authority = known.agent_authority;
  view.agent_revision = known.agent_revision;
  view.agent_session_epoch = known.agent_session_epoch;
  view.unclaimed = known.unclaimed;
  const AgentSession* session = Current(cluster);
  if (session == nullptr || !session->live()) {
    view.verdict = LinkVerdict::kOffline;
    return view;
  }
  view.session_epoch = session->session_epoch();
  view.verdict = known.diverged ? LinkVerdict::kDiverged : LinkVerdict::kPending;
  if (!known.proven_here || !known.proof.has_value() || !root.ok() || known.proof->root != *root ||
      known.proof->revision != view.head) {
    return view;
  }
  const absl::Duration silent = loop_.clock().Monotonic() - session->last_heard();
  if (silent > options_.heartbeat * options_.silent_heartbeats_max) return view;
  view.verdict = known.proof->applied_at != absl::InfinitePast() ? LinkVerdict::kInSync
                                                                 : LinkVerdict::kReceived;
  return view;
}

std::vector<ClusterView> SessionTable::Views() const {
  std::vector<ClusterView> views;
  views.reserve(known_.size());
  for (const auto& [cluster, known] : known_) views.push_back(View(cluster));
  return views;
}

std::vector<ClusterView> SessionTable::TakeChangedViews() {
  std::vector<ClusterView> views;
  views.reserve(touched_.size());
  for (const intent::ClusterId& cluster : std::exchange(touched_, {}))
    views.push_back(View(cluster));
  return views;
}

absl::string_view LinkTroubleName(LinkTrouble trouble) {
  switch (trouble) {
    case LinkTrouble::kNone:
      return "None";
    case LinkTrouble::kHubBehind:
      return "HubBehind";
    case LinkTrouble::kRefusedByAgent:
      return "RefusedByAgent";
    case LinkTrouble::kContested:
      return "Contested";
    case LinkTrouble::kStatusesRefused:
      return "StatusesRefused";
  }
  return "Unknown";
}

absl::string_view LinkVerdictName(LinkVerdict verdict) {
  switch (verdict) {
    case LinkVerdict::kNeverSeen:
      return "NeverSeen";
    case LinkVerdict::kOffline:
      return "Offline";
    case LinkVerdict::kPending:
      return "Pending";
    case LinkVerdict::kReceived:
      return "Received";
    case LinkVerdict::kInSync:
      return "InSync";
    case LinkVerdict::kDiverged:
      return "Diverged";
  }
  return "Unknown";
}

}  // namespace leidang::hub
