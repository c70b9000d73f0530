#include "hub/control/fleet_records.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "hub/ledger/list_all.h"
#include "hub/ledger/records.h"

namespace leidang::hub {
namespace {

constexpr size_t kChunkOps = 90;
constexpr size_t kChunkBytes = 900 << 10;

constexpr char kDefaultProject[] =
    R"({"apiVersion":"argoproj.io/v1alpha1","kind":"AppProject","metadata":{"name":"default"},)"
    R"("spec":{"clusterResourceWhitelist":[{"group":"*","kind":"*"}],"destinations":[{"namespace":"*","server":"*"}],)"
    R"("sourceRepos":["*"]}})";

std::string EntryKeyOf(const std::string& application) {
  return intent::EntryKey{intent::EntryKind::kApplication, application}.ToString();
}

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

// One transaction in the making, and the changes that it is made of.
struct FleetRecords::Chunk {
  LedgerTxn txn;
  std::set<std::string> keys;
  size_t bytes = 0;

  void Put(std::string key, std::string value) {
    bytes += key.size() + value.size();
    keys.insert(key);
    txn.Put(std::move(key), std::move(value));
  }
  void Delete(std::string key) {
    bytes += key.size();
    keys.insert(key);
    txn.Delete(std::move(key));
  }
};

FleetRecords::FleetRecords(EventLoop& loop, Ledger& ledger, Log& log)
    : loop_(loop), ledger_(ledger), log_(log), audit_(&ledger, &loop) {}
FleetRecords::~FleetRecords() { *alive_ = false; }

void FleetRecords::Load(const intent::HubId& new_hub, Done done) {
  ListAll(&ledger_, "", &loop_,
          [this, alive = alive_, new_hub, done](const absl::StatusOr<LedgerSnapshot>& list) {
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
    Take(change::PutObject{std::move(object)});
  } else if (absl::StartsWith(key, kClustersPrefix)) {
    ASSIGN_OR_RETURN(ClusterRegistration cluster, Decode<ClusterRegistration>(entry));
    raw_[entry.key] = entry.value;
    Take(change::PutCluster{std::move(cluster)});
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
  } else if (absl::StartsWith(key, kUserTokensPrefix)) {
    ASSIGN_OR_RETURN(UserToken token, Decode<UserToken>(entry));
    user_tokens_.push_back(std::move(token));
  }
  // Join tokens are read when they are shown; operations, audit and what a later version adds are
  // not decided on here.
  return absl::OkStatus();
}

void FleetRecords::FinishLoad(const intent::HubId& new_hub, Done done) {
  const absl::Time now = loop_.clock().Now();
  std::vector<change::Any> changes;
  if (Object(WrittenKind::kAppProject, "default") == nullptr) {
    WrittenObject project;
    project.kind = WrittenKind::kAppProject;
    project.key = "default";
    project.manifest = kDefaultProject;
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

void FleetRecords::Write(std::vector<change::Any> changes, Done done) {
  queue_.push_back({std::move(changes), 0, std::move(done)});
  if (!writing_) CommitNext();
}

// Takes as many changes of the first call as fit into one transaction; more when that is committed.
void FleetRecords::CommitNext() {
  if (queue_.empty()) {
    writing_ = false;
    return;
  }
  writing_ = true;
  Queued& queued = queue_.front();
  Chunk chunk;
  const size_t begin = queued.next;
  size_t end = begin;
  absl::Status status;
  for (; end < queued.changes.size(); ++end) {
    Chunk with = chunk;
    status = AddTo(&with, queued.changes[end]);
    if (!status.ok()) break;
    const bool distinct = with.keys.size() == with.txn.ops.size();
    if (end > begin && (!distinct || with.txn.ops.size() > kChunkOps || with.bytes > kChunkBytes))
      break;
    chunk = std::move(with);
  }
  if (!status.ok() && end == begin) {
    const Done done = std::move(queued.done);
    queue_.pop_front();
    loop_.Post([done, status] { done(status); });
    return CommitNext();
  }
  const auto on_committed = [this, alive = alive_,
                             end](const absl::StatusOr<LedgerRevision>& committed) {
    if (!*alive) return;
    Queued& current = queue_.front();
    if (committed.ok()) {
      for (size_t i = current.next; i < end; ++i) Take(current.changes[i]);
      current.next = end;
    }
    if (!committed.ok() || current.next == current.changes.size()) {
      const Done done = std::move(current.done);
      queue_.pop_front();
      done(committed.status());
    }
    CommitNext();
  };
  if (chunk.txn.ops.empty()) {
    // Nothing that the ledger does not have.
    loop_.Post([on_committed] { on_committed(LedgerRevision{0}); });
    return;
  }
  ledger_.Commit(std::move(chunk.txn), &loop_, on_committed);
}

const std::string& FleetRecords::Raw(const std::string& key) const {
  static const std::string kNone;
  const auto found = raw_.find(key);
  return found == raw_.end() ? kNone : found->second;
}

absl::Status FleetRecords::AddTo(Chunk* chunk, const change::Any& any) const {
  std::visit(
      Overloaded{
          [&](const change::PutObject& c) {
            const std::string key = LedgerKeyOf(c.object);
            chunk->Put(key, Encode(c.object, Raw(key)));
          },
          [&](const change::EraseObject& c) { chunk->Delete(ObjectKeyOf(c.kind, c.key)); },
          [&](const change::PutCluster& c) {
            const std::string key = LedgerKeyOf(c.cluster);
            chunk->Put(key, Encode(c.cluster, Raw(key)));
            chunk->Put(ClusterNameKey(c.cluster.name), c.cluster.id.Hex());
            chunk->Put(ClusterServerKey(c.cluster.server), c.cluster.id.Hex());
          },
          [&](const change::EraseCluster& c) {
            const auto found = clusters_.find(c.id);
            if (found == clusters_.end()) return;
            chunk->Delete(ClusterKeyOf(c.id));
            chunk->Delete(ClusterNameKey(found->second.name));
            chunk->Delete(ClusterServerKey(found->second.server));
          },
          [&](const change::Decide& c) {
            const PendingDeletion& d = c.deletion;
            if (pending_.contains({d.cluster, d.key, d.uid})) return;
            const std::string entry = EntryKeyOf(d.key);
            chunk->Put(LedgerKeyOf(d), Encode(d));
            const DeletionCount count{entry, Deletions(entry) + 1};
            chunk->Put(LedgerKeyOf(count), Encode(count));
          },
          [&](const change::Settle& c) {
            const auto found = pending_.find({c.cluster, c.key, c.uid});
            if (found != pending_.end()) chunk->Delete(LedgerKeyOf(found->second));
          },
          [&](const change::PutPin& c) {
            const GitPin pin{c.input.url, c.input.revision, c.pin.commit.Hex(), c.pin.since};
            chunk->Put(LedgerKeyOf(pin), Encode(pin));
          },
          [&](const change::PutJoinToken& c) { chunk->Put(LedgerKeyOf(c.token), Encode(c.token)); },
          [&](const change::PutUserToken& c) { chunk->Put(LedgerKeyOf(c.token), Encode(c.token)); },
      },
      any);
  if (chunk->bytes > kLedgerBytesMax) {
    return absl::InvalidArgumentError(
        "the object is larger than the ledger takes (1 MiB): split it");
  }
  return absl::OkStatus();
}

void FleetRecords::Take(const change::Any& any) {
  std::visit(Overloaded{
                 [&](const change::PutObject& c) {
                   objects_[c.object.kind][c.object.key] = c.object;
                   if (c.object.kind == WrittenKind::kAppProject) snapshot_ = nullptr;
                 },
                 [&](const change::EraseObject& c) {
                   objects_[c.kind].erase(c.key);
                   raw_.erase(ObjectKeyOf(c.kind, c.key));
                   if (c.kind == WrittenKind::kAppProject) snapshot_ = nullptr;
                 },
                 [&](const change::PutCluster& c) {
                   clusters_[c.cluster.id] = c.cluster;
                   snapshot_ = nullptr;
                 },
                 [&](const change::EraseCluster& c) {
                   clusters_.erase(c.id);
                   raw_.erase(ClusterKeyOf(c.id));
                   snapshot_ = nullptr;
                 },
                 [&](const change::Decide& c) {
                   const PendingDeletion& d = c.deletion;
                   if (pending_.emplace(DeletionKey(d.cluster, d.key, d.uid), d).second)
                     ++deletions_[EntryKeyOf(d.key)];
                 },
                 [&](const change::Settle& c) { pending_.erase({c.cluster, c.key, c.uid}); },
                 [&](const change::PutPin& c) { pins_[c.input] = c.pin; },
                 [&](const change::PutJoinToken&) {},
                 [&](const change::PutUserToken& c) { user_tokens_.push_back(c.token); },
             },
             any);
}

void FleetRecords::SpendToken(const object::Sha256& hash, absl::Time now,
                              std::function<void(absl::StatusOr<JoinToken>)> done) {
  ledger_.Get(JoinTokenKey(hash), 0, &loop_,
              [this, alive = alive_, now, done](const absl::StatusOr<LedgerEntry>& entry) {
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

void FleetRecords::Audit(AuditEntry entry) {
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
  for (const auto& [id, cluster] : clusters_) {
    if (cluster.name == name) return &cluster;
  }
  return nullptr;
}

uint64_t FleetRecords::Deletions(const std::string& entry_key) const {
  const auto found = deletions_.find(entry_key);
  return found == deletions_.end() ? 0 : found->second;
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
