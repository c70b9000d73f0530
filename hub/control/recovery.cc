#include "hub/control/recovery.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(500);
// Agents are asked after that although a set cannot be expanded, so that a person can decide.
constexpr absl::Duration kPatience = absl::Minutes(1);

}  // namespace

Recovery::Recovery(const Parts& parts, Hold hold, Settled settled)
    : parts_(parts), hold_(std::move(hold)), settled_(std::move(settled)) {}

Recovery::~Recovery() {
  *alive_ = false;
  parts_.loop.Cancel(poll_);
}

void Recovery::Start() {
  started_ = parts_.loop.clock().Monotonic();
  Tell();
  Poll();
}

void Recovery::Tell() {
  std::set<intent::ClusterId> held;
  for (const auto& [id, cluster] : parts_.records.clusters()) {
    if (cluster.recovering) held.insert(id);
  }
  for (auto it = known_.begin(); it != known_.end();) {
    it = held.contains(it->first) ? std::next(it) : known_.erase(it);
  }
  const bool patient = parts_.loop.clock().Monotonic() - started_ < kPatience;
  hold_(held, !ready_ && patient ? Surveys::kLater : Surveys::kNow);
}

// Expansion has many ends; the state that all of them lead to is what counts.
void Recovery::Poll() {
  const absl::Duration since = parts_.loop.clock().Monotonic() - started_;
  ready_ = settled_();
  if (ready_ || (since >= kPatience && since < kPatience + kPollInterval)) Tell();
  if (ready_) {
    // Of agents that were asked before.
    std::vector<intent::ClusterId> asked;
    for (const auto& [id, known] : known_) asked.push_back(id);
    for (const intent::ClusterId& id : asked) ReleaseEqual(id);
    return;
  }
  poll_ = parts_.loop.After(kPollInterval, [this] { Poll(); });
}

void Recovery::OnSurvey(const intent::ClusterId& id, const Difference& difference) {
  const auto found = parts_.records.clusters().find(id);
  if (found == parts_.records.clusters().end() || releasing_.contains(id)) return;
  known_[id] = {difference, parts_.loop.clock().Now()};
  if (!found->second.recovering) return Mark(id, difference);
  ReleaseEqual(id);
}

void Recovery::ReleaseEqual(const intent::ClusterId& id) {
  const auto known = known_.find(id);
  if (!ready_ || known == known_.end() || !known->second.difference.Empty()) return;
  const Difference difference = known->second.difference;
  if (!StillHolds(id, difference)) return;
  Release(id, difference, "the hub, as nothing differs", [](const absl::Status&) {});
}

bool Recovery::StillHolds(const intent::ClusterId& id, const Difference& difference) const {
  const absl::StatusOr<ClusterLog> log = parts_.store.Log(id);
  return log.ok() && log->head == difference.head;
}

void Recovery::Mark(const intent::ClusterId& id, const Difference& difference) {
  parts_.records.Update(
      [this, id]() -> absl::StatusOr<FleetRecords::Changes> {
        const auto found = parts_.records.clusters().find(id);
        if (found == parts_.records.clusters().end()) return FleetRecords::Changes();
        ClusterRegistration cluster = found->second;
        cluster.recovering = true;
        return FleetRecords::Changes{change::PutCluster{std::move(cluster)}};
      },
      [this, alive = alive_, id, difference](const absl::Status& status) {
        if (!*alive) return;
        const auto found = parts_.records.clusters().find(id);
        if (!status.ok() || found == parts_.records.clusters().end()) return;
        parts_.log.Error("hub/control",
                         "the agent holds what this hub never had: the cluster is recovering, see "
                         "`leidang recover`",
                         {{"cluster", found->second.name}});
        Tell();
        OnSurvey(id, difference);
      });
}

std::vector<Recovery::State> Recovery::States() const {
  std::vector<State> states;
  for (const auto& [id, cluster] : parts_.records.clusters()) {
    if (!cluster.recovering) continue;
    State state{id, cluster.name, cluster.joined(), std::nullopt, absl::InfinitePast()};
    if (const auto known = known_.find(id); known != known_.end()) {
      state.difference = known->second.difference;
      state.compared_at = known->second.at;
    }
    states.push_back(std::move(state));
  }
  std::sort(states.begin(), states.end(),
            [](const State& a, const State& b) { return a.name < b.name; });
  return states;
}

absl::StatusOr<std::vector<intent::ClusterId>> Recovery::Check(
    const std::vector<Accepted>& accepted) const {
  std::vector<intent::ClusterId> ids;
  for (const Accepted& one : accepted) {
    const ClusterRegistration* cluster = parts_.records.ClusterNamed(one.cluster);
    if (cluster == nullptr || !cluster->recovering) {
      return absl::FailedPreconditionError(
          absl::StrCat("cluster ", one.cluster, " is not recovering: look again"));
    }
    const auto known = known_.find(cluster->id);
    if (known == known_.end() || known->second.difference.Digest() != one.difference ||
        !StillHolds(cluster->id, known->second.difference)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "what differs on cluster ", one.cluster, " has changed since it was shown: look again"));
    }
    ids.push_back(cluster->id);
  }
  return ids;
}

void Recovery::Accept(const std::vector<Accepted>& accepted, Unsettled unsettled,
                      const Author& author,
                      const std::function<void(absl::StatusOr<size_t>)>& done) {
  if (!ready_ && unsettled == Unsettled::kRefused) {
    return done(absl::FailedPreconditionError(
        "sets are still being expanded from Git, so more may differ in the end: wait, or say "
        "--although-unsettled"));
  }
  const absl::StatusOr<std::vector<intent::ClusterId>> ids = Check(accepted);
  if (!ids.ok()) return done(ids.status());
  if (ids->empty()) return done(size_t{0});
  struct Waiting {
    size_t left = 0;
    size_t released = 0;
    absl::Status status;
  };
  auto waiting = std::make_shared<Waiting>();
  waiting->left = ids->size();
  for (const intent::ClusterId& id : *ids) {
    Release(id, known_.at(id).difference, author.who, [waiting, done](const absl::Status& status) {
      if (status.ok()) {
        ++waiting->released;
      } else if (waiting->status.ok()) {
        waiting->status = status;
      }
      if (--waiting->left > 0) return;
      if (waiting->status.ok()) {
        done(waiting->released);
      } else {
        done(waiting->status);
      }
    });
  }
}

std::map<intent::EntryKey, uint64_t> Recovery::Adopted(const ClusterRegistration& cluster,
                                                       const Difference& difference) const {
  std::map<intent::EntryKey, uint64_t> counts;
  for (const Difference::OtherUid& other : difference.other_uid) {
    const std::optional<uint64_t> n =
        parts_.records.CountThatGives(cluster.id, other.key, other.agent);
    if (n) counts[other.key] = *n;
  }
  return counts;
}

void Recovery::Release(const intent::ClusterId& id, const Difference& difference,
                       const std::string& who, const FleetRecords::Done& done) {
  if (!releasing_.insert(id).second) {
    return done(absl::AbortedError("the cluster is being let go on already"));
  }
  auto counts = std::make_shared<std::map<intent::EntryKey, uint64_t>>();
  // First the ledger: a hub that stops here finds the cluster held, and compares it again.
  parts_.records.Update(
      [this, id, difference, counts]() -> absl::StatusOr<FleetRecords::Changes> {
        const auto found = parts_.records.clusters().find(id);
        if (found == parts_.records.clusters().end()) {
          return absl::NotFoundError("the cluster is not registered any more");
        }
        ClusterRegistration cluster = found->second;
        const intent::Authority& agent = difference.agent_authority;
        if (agent.hub == cluster.log.hub) {
          cluster.log.epoch = std::max(cluster.log.epoch, agent.epoch);
        }
        ++cluster.log.epoch;
        cluster.log.incarnation = parts_.random.Next();
        *counts = Adopted(cluster, difference);
        FleetRecords::Changes changes;
        for (const auto& [key, n] : *counts) {
          changes.push_back(change::RaiseDeletions{id, key, n});
        }
        changes.push_back(change::PutCluster{std::move(cluster)});
        return changes;
      },
      [this, alive = alive_, id, who, counts, done](const absl::Status& status) {
        if (!*alive) return;
        const auto found = parts_.records.clusters().find(id);
        if (!status.ok() || found == parts_.records.clusters().end()) {
          releasing_.erase(id);
          return done(status);
        }
        Reopen(found->second, *counts, who, done);
      });
}

// The cluster's log and Applications with the uids that its agent knows.
absl::StatusOr<WriteBatch> Recovery::Renamed(
    const ClusterRegistration& cluster, const std::map<intent::EntryKey, uint64_t>& counts) const {
  WriteBatch batch;
  if (counts.empty()) {
    batch.OpenLog(cluster.id, cluster.log);
    return batch;
  }
  batch.DropLog(cluster.id);
  batch.OpenLog(cluster.id, cluster.log);
  ASSIGN_OR_RETURN(const std::vector<PendingTombstone> tombstones,
                   parts_.store.Tombstones(cluster.id));
  for (const PendingTombstone& pending : tombstones) {
    batch.Delete(cluster.id, pending.tombstone);
  }
  PageRequest page;
  do {
    ASSIGN_OR_RETURN(const Page<LiveAssignment> live, parts_.store.Assignments(cluster.id, page));
    for (const LiveAssignment& entry : live.items) {
      intent::Assignment assignment = entry.assignment;
      if (const auto count = counts.find(assignment.key); count != counts.end()) {
        assignment.uid = intent::ComputeUid(parts_.records.hub(), assignment.key, count->second);
        if (assignment.key.kind == intent::EntryKind::kApplication) {
          ASSIGN_OR_RETURN(DerivedApplication application,
                           parts_.store.Application(assignment.key.name));
          application.uid = assignment.uid;
          batch.PutApplication(std::move(application));
        }
      }
      batch.Put(cluster.id, std::move(assignment));
    }
    page.token = live.next;
  } while (!page.token.empty());
  return batch;
}

void Recovery::Reopen(const ClusterRegistration& cluster,
                      const std::map<intent::EntryKey, uint64_t>& counts, const std::string& who,
                      const FleetRecords::Done& done) {
  const intent::ClusterId id = cluster.id;
  absl::StatusOr<WriteBatch> batch = Renamed(cluster, counts);
  if (!batch.ok()) {
    releasing_.erase(id);
    return done(batch.status());
  }
  parts_.store.Commit(*std::move(batch), &parts_.loop,
                      [this, alive = alive_, id, who, done](const CommitResult& result) {
                        if (!*alive) return;
                        if (!result.status.ok()) {
                          releasing_.erase(id);
                          return done(result.status);
                        }
                        Finish(id, who, done);
                      });
}

void Recovery::Finish(const intent::ClusterId& id, const std::string& who,
                      const FleetRecords::Done& done) {
  parts_.records.Update(
      [this, id]() -> absl::StatusOr<FleetRecords::Changes> {
        const auto found = parts_.records.clusters().find(id);
        if (found == parts_.records.clusters().end()) return FleetRecords::Changes();
        ClusterRegistration cluster = found->second;
        cluster.recovering = false;
        return FleetRecords::Changes{change::PutCluster{std::move(cluster)}};
      },
      [this, alive = alive_, id, who, done](const absl::Status& status) {
        if (!*alive) return;
        releasing_.erase(id);
        if (const auto found = parts_.records.clusters().find(id);
            status.ok() && found != parts_.records.clusters().end()) {
          parts_.log.Info("hub/control", "a cluster has recovered",
                          {{"cluster", found->second.name}, {"accepted_by", who}});
          parts_.records.Audit({who, ""}, absl::StrCat("recover cluster ", found->second.name),
                               "accepted");
        }
        Tell();
        done(status);
      });
}

}  // namespace leidang::hub
