#pragma once

// SessionTable: the hub's end of the link (docs/formats/link.md). Knows every agent's session,
// decides which one speaks for a cluster, hands out each cluster's change log, takes in status, and
// keeps the proof.
//
// Promises
// - OneSession: of the sessions of one cluster the newest that said Hello is live. The others are
// fenced before it gets
//   its epoch, and nothing but a goodbye is sent to them.
// - DurableBeforeVisible: what is sent was read from the store, which shows only what is durable; a
// Welcome follows the
//   durable session epoch, a StatusAck the commit.
// - OwnOnly: a session reads and writes the cluster that the edge authenticated.
// - NothingByAbsence: see comparison.h.
// - ProofIsHonest: see cluster_view.h. What was seen and proven of a cluster outlives the process
//   (LinkRecord); from what it finds stored the table draws no verdict better than Offline.
// - BoundedEverything: one message in each direction is in hand, changes in flight are bounded by
// bytes, an agent beyond
//   its quota is read later. A session that is full, silent or out of order ends; the next one
//   resumes.
//
// Loop-bound: all calls and callbacks on the loop it was given. The store's completions are posted
// there.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/base/strong_id.h"
#include "common/intent/intent.h"
#include "common/intent/status.h"
#include "common/time/event_loop.h"
#include "hub/model/decided.h"
#include "hub/session/agent_stream.h"
#include "hub/session/cluster_view.h"
#include "hub/session/content_access.h"
#include "hub/session/options.h"
#include "hub/session/survey.h"
#include "hub/store/store.h"
#include "leidang/v1/link.pb.h"

namespace leidang::hub {

class AgentSession;

using SessionId = uint64_t;  // Never 0, never given twice by one table.

// An operation on its way to an agent. Durable elsewhere (hub/ledger).
struct OperationRequest {
  OperationId id;
  intent::EntryKey key;
  intent::Uid uid;
  v1::Operation::Kind kind = v1::Operation::KIND_UNSPECIFIED;
  absl::Duration lifetime;
  std::string parameters;  // JSON object.
};

// Told on the loop, never from within a call to the table.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  // An agent may be sent operations from now on, those included that an earlier session was sent.
  virtual void OnSessionLive(const intent::ClusterId& cluster) = 0;
  virtual void OnSessionEnded(const intent::ClusterId& cluster) = 0;
  virtual void OnOperationUpdate(const intent::ClusterId& cluster, const OperationId& id,
                                 v1::OperationUpdate::State state, const std::string& message) = 0;
  // These are committed.
  virtual void OnStatuses(const intent::ClusterId& cluster,
                          const std::vector<intent::EntryStatus>& statuses) = 0;
};

class SessionTable {
 public:
  // All must outlive it; `observer` may be nullptr. Begins with what the store remembers of links.
  SessionTable(EventLoop& loop, Store& store, SessionOptions options, SessionObserver* observer);
  // Aborts all streams.
  ~SessionTable();

  // Edge. `cluster` is what the client certificate names; the stream is open.
  SessionId Accept(const intent::ClusterId& cluster, std::unique_ptr<AgentStream> stream);
  // What happened on a stream. Unknown ids are ignored: the session has ended.
  void Received(SessionId id, const v1::AgentMessage& message);
  void Written(SessionId id);
  void Closed(SessionId id, const absl::Status& status);
  ContentAccess& content() { return content_; }

  // Recovery (docs/OPERATIONS.md). These clusters are sent nothing: each agent that connects is
  // asked what it holds, once `when` says so, and again when the cluster's log grows; `on_survey`
  // is told, on the loop. A cluster that is not held any more goes on at once. With this in force
  // an agent that holds what the hub never had, of this hub's id, is asked, too, instead of sent
  // away.
  using OnSurvey = std::function<void(const intent::ClusterId&, const Difference&)>;
  void Hold(std::set<intent::ClusterId> clusters, Surveys when, OnSurvey on_survey);

  // Control.
  // Sends an operation to the live session. kUnavailable if there is none, kResourceExhausted if
  // too many wait; then OnSessionLive tells when to try again.
  absl::Status Send(const intent::ClusterId& cluster, const OperationRequest& request);
  // The outcome is durable: the agent may forget it. Ignored without a session; the agent reports
  // it again in the next.
  void AcknowledgeOperation(const intent::ClusterId& cluster, const OperationId& id);
  // The cluster may connect no more: ends its sessions at once.
  void Revoke(const intent::ClusterId& cluster);
  // Says goodbye to all and to whoever comes: come back after `retry_after` and a random part of
  // `spread`.
  void Drain(absl::Duration retry_after, absl::Duration spread);
  // Forgets what is remembered about a cluster that exists no more; ends its sessions.
  void Forget(const intent::ClusterId& cluster);

  // What is known, with the verdict as of now.
  ClusterView View(const intent::ClusterId& cluster) const;
  // Of every cluster of which anything is known, in the order of ids.
  std::vector<ClusterView> Views() const;
  // Of those to whom something happened since the last call. What time alone changes, such as the
  // verdict on an agent that falls silent, shows in Views only.
  std::vector<ClusterView> TakeChangedViews();

  size_t sessions() const { return sessions_.size(); }

 private:
  friend class AgentSession;

  // What outlives a session.
  struct Known {
    std::string agent_version;
    std::string instance;
    absl::Time since = absl::InfinitePast();
    absl::Time last_seen = absl::InfinitePast();
    uint64_t status_backlog = 0;
    std::optional<Proof> proof;
    std::optional<Proof> applied_proof;
    bool proven_here = false;  // `proof` is of this process.
    absl::Duration recorded;   // When it was stored last, or counts as that.
    bool diverged = false;
    int takeovers = 0;  // Of a live session by another instance, in quick succession.
    absl::Duration last_takeover;
    LinkTrouble trouble = LinkTrouble::kNone;
    std::string trouble_message;
    intent::Authority agent_authority;
    intent::Revision agent_revision = 0;
    uint64_t agent_session_epoch = 0;
    bool statuses_refused = false;
    std::vector<UnclaimedEntry> unclaimed;
  };

  // For AgentSession.
  // Makes it the session that speaks for its cluster, and fences the one that did.
  void TakeOver(AgentSession& session, const std::string& instance);
  bool IsCurrent(const AgentSession& session) const;
  // Destroys it once the stack is gone.
  void Remove(SessionId id);
  AgentSession* Find(SessionId id) const;
  AgentSession* Current(const intent::ClusterId& cluster) const;
  void LimitUngreeted(const intent::ClusterId& cluster);
  // What a LinkRecord says of the cluster, for the batch in which its session begins.
  void AddRecord(const intent::ClusterId& cluster, WriteBatch* batch);
  // Stores it, at the end of a session, or when it is due.
  void Record(const intent::ClusterId& cluster);
  void RecordIfDue(const intent::ClusterId& cluster);
  void OnCommitted(const CommitResult& result);

  EventLoop& loop_;
  Store& store_;
  const SessionOptions options_;
  SessionObserver* const observer_;
  ContentAccess content_;

  SessionId next_id_ = 1;
  absl::btree_map<SessionId, std::unique_ptr<AgentSession>> sessions_;
  absl::btree_map<intent::ClusterId, SessionId> current_;
  std::map<intent::ClusterId, std::set<SessionId>> of_cluster_;
  std::map<intent::ClusterId, Known> known_;
  std::set<intent::ClusterId> touched_;  // Since TakeChangedViews.
  bool draining_ = false;
  absl::Duration drain_retry_;
  absl::Duration drain_spread_;
  std::set<intent::ClusterId> held_;
  Surveys surveys_ = Surveys::kLater;
  OnSurvey on_survey_;
  Store::SubscriptionId subscription_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
