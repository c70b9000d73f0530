#include "agent/cluster/memory_cluster.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/manifest/tracking.h"
#include "common/object/sha256.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

// The part of `live` at the paths that `applied` sets: lists are taken whole.
Value Owned(const Value& live, const Value& applied) {
  if (!live.is_object() || !applied.is_object()) return live;
  object::Object part;
  for (const auto& member : applied.get_object()) {
    const Value* found = live.get_object().if_contains(member.key());
    if (found != nullptr) part[member.key()] = Owned(*found, member.value());
  }
  return part;
}

std::string HashOf(const MemoryCluster::Stored& stored) {
  const Value part =
      stored.applied.is_null() ? stored.manifest : Owned(stored.manifest, stored.applied);
  return object::Sha256::Of(object::CanonicalJson(part)).Hex();
}

LiveObject Live(const ObjectKey& key, const MemoryCluster::Stored& stored) {
  LiveObject live;
  live.key = key;
  live.owner = manifest::OwnerOf(stored.manifest, key).value_or("");
  live.uid = absl::StrCat("uid-", stored.uid);
  live.version = absl::StrCat(stored.version);
  live.hash = HashOf(stored);
  live.manifest = std::make_shared<const Value>(stored.manifest);
  return live;
}

std::string LabelOf(const Value& manifest) {
  return std::string(manifest::Label(manifest, manifest::kAppLabel));
}

// Server-side apply in miniature: fields that the last apply set and this one does not are removed,
// those of others stay.
void Merge(Value& live, const Value& before, const Value& now) {
  if (!live.is_object() || !now.is_object()) {
    live = now;
    return;
  }
  object::Object& members = live.get_object();
  if (before.is_object()) {
    for (const auto& member : before.get_object()) {
      if (!now.get_object().contains(member.key())) {
        object::StableErase(members, {member.key().data(), member.key().size()});
      }
    }
  }
  for (const auto& member : now.get_object()) {
    const Value* old = before.is_object() ? before.get_object().if_contains(member.key()) : nullptr;
    Merge(members[member.key()], old == nullptr ? Value() : *old, member.value());
  }
}

}  // namespace

void MemoryCluster::PutOutside(const Value& manifest) {
  const absl::StatusOr<ObjectKey> key = manifest::KeyOf(manifest);
  CHECK(key.ok());
  const auto found = objects_.find(*key);
  const std::string old_label = found == objects_.end() ? "" : LabelOf(found->second.manifest);
  Stored& stored = objects_[*key];
  if (stored.uid == 0) stored.uid = ++last_uid_;
  stored.manifest = manifest;
  stored.version = ++last_version_;
  Tell(*key, old_label);
  if (LabelOf(manifest) != old_label) Tell(*key, LabelOf(manifest));
}

void MemoryCluster::RemoveOutside(const ObjectKey& key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return;
  const std::string label = LabelOf(found->second.manifest);
  objects_.erase(found);
  Tell(key, label);
}

void MemoryCluster::SetStatus(const ObjectKey& key, Value status) {
  const auto found = objects_.find(key);
  CHECK(found != objects_.end());
  found->second.manifest.get_object()["status"] = std::move(status);
  found->second.version = ++last_version_;
  Tell(key, LabelOf(found->second.manifest));
}

void MemoryCluster::DefineKind(std::string group, std::string kind, manifest::Scope scope) {
  kinds_[{std::move(group), std::move(kind)}] = scope;
}

void MemoryCluster::Tell(const ObjectKey& key, const std::string& label) {
  if (label.empty()) return;
  for (MemoryClient* client : clients_) {
    client->Later([client, key, label] {
      if (client->watcher_) client->watcher_({ObjectEvent::Kind::kObject, key, label});
    });
  }
}

absl::Status MemoryCluster::Ask(Operation operation, const ObjectKey& key) const {
  return fault_ ? fault_(operation, key) : absl::OkStatus();
}

absl::StatusOr<std::vector<LiveObject>> MemoryCluster::Read(const Selection& selection) const {
  RETURN_IF_ERROR(Ask(Operation::kRead, {}));
  const std::string label = selection.app.empty() ? "" : manifest::AppLabel(selection.app);
  const std::set<ObjectKey> keys(selection.keys.begin(), selection.keys.end());
  std::vector<LiveObject> objects;
  for (const auto& [key, stored] : objects_) {
    LiveObject live = Live(key, stored);
    const bool labelled = !label.empty() && LabelOf(stored.manifest) == label;
    if (keys.contains(key) || (labelled && !live.owner.empty())) objects.push_back(std::move(live));
  }
  return objects;
}

absl::StatusOr<Applied> MemoryCluster::Apply(const ApplyRequest& request) {
  RETURN_IF_ERROR(Ask(Operation::kApply, request.key));
  const auto found = objects_.find(request.key);
  const bool existed = found != objects_.end();
  const std::string version = existed ? absl::StrCat(found->second.version) : "";
  if (request.if_version.has_value() && *request.if_version != version) {
    return absl::AbortedError(
        absl::StrCat(request.key.ToString(), " is not at version \"", *request.if_version, "\""));
  }
  Stored& stored = objects_[request.key];
  Value after = existed ? stored.manifest : Value(object::Object());
  Merge(after, stored.applied, request.manifest);
  Applied applied;
  applied.effect = existed ? Applied::Effect::kChanged : Applied::Effect::kCreated;
  if (existed && object::Equal(after, stored.manifest)) {
    applied.effect = Applied::Effect::kUnchanged;
  } else {
    stored.manifest = std::move(after);
    stored.version = ++last_version_;
    ++writes_;
  }
  stored.applied = request.manifest;
  if (stored.uid == 0) stored.uid = ++last_uid_;
  applied.uid = absl::StrCat("uid-", stored.uid);
  applied.version = absl::StrCat(stored.version);
  applied.hash = HashOf(stored);
  return applied;
}

absl::StatusOr<Deleted> MemoryCluster::Delete(const DeleteRequest& request) {
  RETURN_IF_ERROR(Ask(Operation::kDelete, request.key));
  const auto found = objects_.find(request.key);
  if (found == objects_.end()) return Deleted::kGone;
  const LiveObject live = Live(request.key, found->second);
  if ((!request.uid.empty() && request.uid != live.uid) ||
      (request.if_version.has_value() && *request.if_version != live.version)) {
    return absl::AbortedError(
        absl::StrCat(request.key.ToString(), " is another one than the one to be deleted"));
  }
  const Value* finalizers = object::Find(found->second.manifest, {"metadata", "finalizers"});
  if (finalizers != nullptr && finalizers->is_array() && !finalizers->get_array().empty()) {
    Value& metadata = found->second.manifest.get_object()["metadata"];
    if (!metadata.get_object().contains("deletionTimestamp")) {
      metadata.get_object()["deletionTimestamp"] = "2026-01-01T00:00:00Z";
      found->second.version = ++last_version_;
    }
    return Deleted::kPending;
  }
  objects_.erase(found);
  ++deletions_;
  return Deleted::kGone;
}

MemoryClient::MemoryClient(MemoryCluster& cluster, EventLoop& loop, MemoryClientOptions options)
    : cluster_(cluster), loop_(loop), options_(options), alive_(std::make_shared<bool>(true)) {
  cluster_.clients_.insert(this);
}

MemoryClient::~MemoryClient() {
  cluster_.clients_.erase(this);
  *alive_ = false;
}

void MemoryClient::Later(std::function<void()> work) {
  loop_.After(options_.latency, [alive = alive_, work = std::move(work)] {
    if (*alive) work();
  });
}

void MemoryClient::Watch(Watcher watcher) { watcher_ = std::move(watcher); }

void MemoryClient::Read(Selection selection, ReadDone done) {
  Later([this, selection = std::move(selection), done = std::move(done)] {
    absl::StatusOr<std::vector<LiveObject>> objects = cluster_.Read(selection);
    if (objects.ok() && options_.status == MemoryClientOptions::Status::kNone) {
      for (LiveObject& live : *objects) live.manifest = nullptr;
    }
    done(std::move(objects));
  });
}

void MemoryClient::Apply(ApplyRequest request, ApplyDone done) {
  Later([this, request = std::move(request), done = std::move(done)] {
    done(cluster_.Apply(request));
  });
}

void MemoryClient::ReadWhole(const ObjectKey& key, const WholeDone& done) {
  Later([this, key, done] {
    const auto found = cluster_.objects_.find(key);
    if (found != cluster_.objects_.end()) return done(found->second.manifest);
    done(absl::NotFoundError(absl::StrCat(key.ToString(), " is not there")));
  });
}

void MemoryClient::Preview(const ApplyRequest& request, const WholeDone& done) {
  Later([this, request, done] {
    const auto found = cluster_.objects_.find(request.key);
    if (found == cluster_.objects_.end()) return done(request.manifest);
    Value after = found->second.manifest;
    Merge(after, found->second.applied, request.manifest);
    done(std::move(after));
  });
}

void MemoryClient::Delete(DeleteRequest request, DeleteDone done) {
  Later([this, request = std::move(request), done = std::move(done)] {
    done(cluster_.Delete(request));
  });
}

void MemoryClient::Record(const ObjectKey&, const Value& event) {
  cluster_.events_.push_back(event);
}

std::optional<manifest::Scope> MemoryClient::ScopeOf(absl::string_view group,
                                                     absl::string_view kind) const {
  const auto defined = cluster_.kinds_.find({std::string(group), std::string(kind)});
  if (defined != cluster_.kinds_.end()) return defined->second;
  return manifest::KnownScope(group, kind);
}

absl::Status MemoryClient::CheckKeys(const std::vector<ObjectKey>&) const {
  return absl::OkStatus();
}

}  // namespace leidang::agent
