#include "hub/control/fleet_records.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/control/fleet_changes.h"
#include "hub/ledger/list_all.h"
#include "hub/ledger/records.h"

namespace leidang::hub {
namespace {

// How far beyond the ledger a count of deletions is looked for.
constexpr uint64_t kCountsTried = 1'000;

constexpr char kDefaultProject[] =
    R"({"apiVersion":"argoproj.io/v1alpha1","kind":"AppProject","metadata":{"name":"default"},)"
    R"("spec":{"clusterResourceWhitelist":[{"group":"*","kind":"*"}],"destinations":[{"namespace":"*","server":"*"}],)"
    R"("sourceRepos":["*"]}})";

}  // namespace

FleetRecords::FleetRecords(EventLoop& loop, Ledger& ledger, Log& log)
    : loop_(loop), ledger_(ledger), log_(log), audit_(&ledger, &loop) {}
FleetRecords::~FleetRecords() { *alive_ = false; }

void FleetRecords::Load(const intent::HubId& new_hub, Done done) {
  ListAll(&ledger_, "", &loop_,
          [this, alive = alive_, new_hub,
           done = std::move(done)](const absl::StatusOr<LedgerSnapshot>& list) {
            if (!*alive) return;
            if (!list.ok()) return done(list.status());
            for (const LedgerEntry& entry : list->entries) {
              if (absl::Status status = TakeEntry(entry); !status.ok()) return done(status);
            }
            FinishLoad(new_hub, done);
          });
}

absl::Status FleetRecords::TakeEntry(const LedgerEntry& entry) {
  const absl::string_view key = entry.key;
  if (key == HubIdentityKey()) {
    ASSIGN_OR_RETURN(const HubIdentity identity, Decode<HubIdentity>(entry));
    hub_ = identity.id;
  } else if (absl::StartsWith(key, kObjectsPrefix)) {
    ASSIGN_OR_RETURN(WrittenObject object, Decode<WrittenObject>(entry));
    raw_[entry.key] = entry.value;
    Take(change::PutObject{std::move(object)}, nullptr);
  } else if (absl::StartsWith(key, kClustersPrefix)) {
    ASSIGN_OR_RETURN(ClusterRegistration cluster, Decode<ClusterRegistration>(entry));
    raw_[entry.key] = entry.value;
    Take(change::PutCluster{std::move(cluster)}, nullptr);
  } else if (absl::StartsWith(key, kPendingDeletionsPrefix)) {
    ASSIGN_OR_RETURN(const PendingDeletion deletion, Decode<PendingDeletion>(entry));
    pending_[{deletion.cluster, deletion.key, deletion.uid}] = deletion;
  } else if (absl::StartsWith(key, kDeletionCountsPrefix)) {
    ASSIGN_OR_RETURN(const DeletionCount count, Decode<DeletionCount>(entry));
    deletions_[count.entry_key] = count.deletions;
  } else if (absl::StartsWith(key, kGitPinsPrefix)) {
    ASSIGN_OR_RETURN(const GitPin pin, Decode<GitPin>(entry));
    const auto commit = GitId::FromHex(pin.commit);
    if (!commit)
      return absl::DataLossError(absl::StrCat("the ledger's entry ", key, " pins no commit"));
    pins_[{pin.url, pin.revision}] = {*commit, pin.since};
  } else if (absl::StartsWith(key, kHoldingsPrefix)) {
    ASSIGN_OR_RETURN(Holding holding, Decode<Holding>(entry));
    holdings_[holding.key] = {holding.owner, holding.kept.has_value()};
    if (holding.kept) kept_at_start_.push_back(std::move(holding));
  } else if (absl::StartsWith(key, kBrakesPrefix)) {
    ASSIGN_OR_RETURN(Brake brake, Decode<Brake>(entry));
    brakes_[brake.id] = std::move(brake);
  } else if (absl::StartsWith(key, kUserTokensPrefix)) {
    ASSIGN_OR_RETURN(UserToken token, Decode<UserToken>(entry));
    user_tokens_.push_back(std::move(token));
  } else if (absl::StartsWith(key, kOperationsPrefix)) {
    ASSIGN_OR_RETURN(OperationRecord operation, Decode<OperationRecord>(entry));
    raw_[entry.key] = entry.value;
    Take(change::PutOperation{std::move(operation)}, nullptr);
  }
  // Join tokens are read when they are shown; audit and what a later version adds are not decided
  // on here.
  return absl::OkStatus();
}

void FleetRecords::FinishLoad(const intent::HubId& new_hub, Done done) {
  const absl::Time now = loop_.clock().Now();
  Changes changes;
  if (Object(WrittenKind::kAppProject, "default") == nullptr) {
    WrittenObject project;
    project.kind = WrittenKind::kAppProject;
    project.key = "default";
    project.manifest = kDefaultProject;
    project.owner = absl::StrCat(kReleasedOwnerPrefix, "built in");
    project.created_at = now;
    project.changed_at = now;
    changes.push_back(change::PutObject{std::move(project)});
  }
  if (!hub_.IsNone())
    return changes.empty() ? done(absl::OkStatus()) : Write(std::move(changes), std::move(done));
  LedgerTxn txn;
  txn.GuardAbsent(HubIdentityKey());
  txn.Put(HubIdentityKey(), Encode(HubIdentity{new_hub, now}));
  ledger_.Commit(std::move(txn), &loop_,
                 [this, alive = alive_, new_hub, changes,
                  done](const absl::StatusOr<LedgerRevision>& committed) {
                   if (!*alive) return;
                   if (!committed.ok()) return done(committed.status());
                   hub_ = new_hub;
                   Write(changes, done);
                 });
}

void FleetRecords::SpendToken(const object::Sha256& hash, absl::Time now,
                              std::function<void(absl::StatusOr<JoinToken>)> done) {
  ledger_.Get(JoinTokenKey(hash), 0, &loop_,
              [this, alive = alive_, now,
               done = std::move(done)](const absl::StatusOr<LedgerEntry>& entry) {
                if (!*alive) return;
                if (absl::IsNotFound(entry.status())) {
                  return done(
                      absl::UnauthenticatedError("the join token is unknown: register the cluster, "
                                                 "and use the command that is printed"));
                }
                if (!entry.ok()) return done(entry.status());
                absl::StatusOr<JoinToken> token = Decode<JoinToken>(*entry);
                if (!token.ok()) return done(token.status());
                const absl::Status spent = absl::UnauthenticatedError(
                    "the join token has been used already: register the cluster again for a new "
                    "one (the agent that used it stays joined)");
                if (token->spent_at != absl::InfiniteFuture()) return done(spent);
                if (now > token->expires_at) {
                  return done(absl::UnauthenticatedError(
                      "the join token has expired: register the cluster again for a new one"));
                }
                token->spent_at = now;
                LedgerTxn txn;
                txn.GuardModified(entry->key, entry->modified);
                txn.Put(entry->key, Encode(*token, entry->value));
                ledger_.Commit(
                    std::move(txn), &loop_,
                    [token = *token, spent, done](const absl::StatusOr<LedgerRevision>& committed) {
                      if (absl::IsFailedPrecondition(committed.status())) return done(spent);
                      if (!committed.ok()) return done(committed.status());
                      done(token);
                    });
              });
}

void FleetRecords::MarkJoined(const intent::ClusterId& id, absl::Time now, Done done) {
  Update(
      [this, id, now]() -> absl::StatusOr<Changes> {
        const auto found = clusters_.find(id);
        if (found == clusters_.end() || found->second.deleting) {
          return absl::UnauthenticatedError(
              "the cluster of this token is not registered any more: register it again, and use "
              "the command that is printed");
        }
        ClusterRegistration joined = found->second;
        joined.joined_at = now;
        return Changes{change::PutCluster{std::move(joined)}};
      },
      std::move(done));
}

void FleetRecords::Audit(const Author& author, std::string what, std::string outcome) {
  AuditEntry entry;
  entry.at = loop_.clock().Now();
  entry.who = author.who;
  entry.from = author.from;
  entry.what = std::move(what);
  entry.outcome = std::move(outcome);
  audit_.Append(std::move(entry), [this, alive = alive_](const absl::Status& status) {
    if (*alive && !status.ok())
      log_.Error("hub/control", "cannot write the audit log", {{"error", status.message()}});
  });
}

const std::map<std::string, WrittenObject>& FleetRecords::Objects(WrittenKind kind) const {
  static const std::map<std::string, WrittenObject> kNone;
  const auto found = objects_.find(kind);
  return found == objects_.end() ? kNone : found->second;
}

const WrittenObject* FleetRecords::Object(WrittenKind kind, const std::string& key) const {
  const auto& objects = Objects(kind);
  const auto found = objects.find(key);
  return found == objects.end() ? nullptr : &found->second;
}

const ClusterRegistration* FleetRecords::ClusterNamed(const std::string& name) const {
  const auto found = clusters_by_name_.find(name);
  return found == clusters_by_name_.end() ? nullptr : &clusters_.at(found->second);
}

const ClusterRegistration* FleetRecords::ClusterWithServer(const std::string& server) const {
  const auto found = clusters_by_server_.find(server);
  return found == clusters_by_server_.end() ? nullptr : &clusters_.at(found->second);
}

uint64_t FleetRecords::Deletions(const intent::ClusterId& cluster,
                                 const intent::EntryKey& key) const {
  const auto found = deletions_.find(CountedAs(cluster, key));
  return found == deletions_.end() ? 0 : found->second;
}

std::optional<uint64_t> FleetRecords::CountThatGives(const intent::ClusterId& cluster,
                                                     const intent::EntryKey& key,
                                                     const intent::Uid& uid) const {
  const uint64_t known = Deletions(cluster, key);
  for (uint64_t n = known; n <= known + kCountsTried; ++n) {
    if (intent::ComputeUid(hub(), key, n) == uid) return n;
  }
  return std::nullopt;
}

std::shared_ptr<const FleetSnapshot> FleetRecords::snapshot() {
  if (snapshot_ != nullptr) return snapshot_;
  auto snapshot = std::make_shared<FleetSnapshot>();
  std::map<std::string, const ClusterRegistration*> by_name;
  for (const auto& [id, cluster] : clusters_) {
    if (!cluster.deleting) by_name[cluster.name] = &cluster;
  }
  for (const auto& [name, cluster] : by_name) {
    snapshot->cluster_ids[name] = cluster->id;
    snapshot->names_by_server[cluster->server].push_back(name);
    generators::Cluster& facts = snapshot->clusters.emplace_back();
    facts.name = name;
    facts.server = cluster->server;
    facts.project = cluster->project;
    facts.labels = cluster->labels;
    facts.labels["argocd.argoproj.io/secret-type"] = "cluster";
    facts.annotations = cluster->annotations;
    facts.secret_name = name;
  }
  for (const auto& [name, project] : Objects(WrittenKind::kAppProject)) {
    const absl::StatusOr<object::Value> manifest = object::ParseJson(project.manifest);
    const object::Value* spec = manifest.ok() ? object::Find(*manifest, {"spec"}) : nullptr;
    snapshot->projects[name] = spec != nullptr ? *spec : object::Value(object::Object());
  }
  snapshot_ = std::move(snapshot);
  return snapshot_;
}

}  // namespace leidang::hub
