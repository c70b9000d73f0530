#include "agent/cluster/kind_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "agent/cluster/api_errors.h"
#include "agent/cluster/owned_fields.h"
#include "common/base/status_macros.h"
#include "common/manifest/tracking.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

constexpr absl::Duration kBackoffFirst = absl::Milliseconds(200);
constexpr absl::Duration kBackoffMax = absl::Seconds(30);
constexpr int kPageSize = 500;
constexpr char kSelector[] = "labelSelector=leidang.dev%2Fapp";
constexpr int kGone = 410;
// One failure is what every restart of a server makes.
constexpr int kFailuresOfBroken = 2;
// Nobody is kept waiting for longer before a next try, nor given what nothing follows.
constexpr absl::Duration kPatience = absl::Seconds(1);
// What breaks sooner has not worked.
constexpr absl::Duration kSteady = absl::Seconds(10);
// Servers send a list without pauses of their own.
constexpr absl::Duration kSilenceMax = absl::Seconds(30);
// Of a watch that is to be opened, while what is held counts as current.
constexpr absl::Duration kOpeningMax = absl::Seconds(10);

// Health needs neither; they are what is large and what is secret.
void DropContent(Value& object, const ObjectKey& key) {
  object::Object& members = object.get_object();
  if (Value* metadata = members.if_contains("metadata");
      metadata != nullptr && metadata->is_object()) {
    object::StableErase(metadata->get_object(), "managedFields");
  }
  if (!key.group.empty() || (key.kind != "ConfigMap" && key.kind != "Secret")) return;
  for (const absl::string_view name : {"data", "binaryData", "stringData"}) {
    object::StableErase(members, name);
  }
}

bool EqualAt(const Value& a, const Value& b, absl::string_view field) {
  const Value* left = object::Find(a, {"metadata", field});
  const Value* right = object::Find(b, {"metadata", field});
  if (left == nullptr || right == nullptr) return left == right;
  return object::Equal(*left, *right);
}

// Whether nothing that we own, and nothing that health or deletion is judged by, has changed.
bool ConcernsUsNot(const KeptObject& before, const KeptObject& after) {
  if (before.live.hash.empty() || before.live.hash != after.live.hash ||
      before.live.owner != after.live.owner || before.live.uid != after.live.uid ||
      before.label != after.label) {
    return false;
  }
  const Value& a = *before.live.manifest;
  const Value& b = *after.live.manifest;
  for (const absl::string_view field : {"deletionTimestamp", "finalizers", "generation"}) {
    if (!EqualAt(a, b, field)) return false;
  }
  const bool judged = !after.live.key.group.empty() ||
                      (after.live.key.kind != "ConfigMap" && after.live.key.kind != "Secret");
  if (judged && !EqualAt(a, b, "annotations")) return false;
  if (a.get_object().size() != b.get_object().size()) return false;
  return std::all_of(a.get_object().begin(), a.get_object().end(), [&](const auto& member) {
    const Value* other = b.get_object().if_contains(member.key());
    return other != nullptr &&
           (member.key() == "metadata" || object::Equal(member.value(), *other));
  });
}

}  // namespace

absl::StatusOr<KeptObject> KeepObject(const ApiResource& resource, Value object) {
  if (!object.is_object()) return absl::InvalidArgumentError("the API server sent no object");
  object::Object& members = object.get_object();
  if (!members.contains("kind")) members["kind"] = resource.kind;
  if (!members.contains("apiVersion")) members["apiVersion"] = resource.ApiVersion();
  KeptObject kept;
  ASSIGN_OR_RETURN(kept.live.key, manifest::KeyOf(object));
  kept.live.owner = manifest::OwnerOf(object, kept.live.key).value_or("");
  kept.live.uid = std::string(object::FindString(object, {"metadata", "uid"}));
  kept.live.version = std::string(object::FindString(object, {"metadata", "resourceVersion"}));
  kept.live.hash = OwnedHash(object);
  kept.live.rival = LastRival(object);
  kept.label = std::string(manifest::Label(object, manifest::kAppLabel));
  DropContent(object, kept.live.key);
  kept.live.manifest = std::make_shared<const Value>(std::move(object));
  return kept;
}

int CompareVersions(absl::string_view a, absl::string_view b) {
  if (a == b) return 0;
  uint64_t left = 0;
  uint64_t right = 0;
  if (!absl::SimpleAtoi(a, &left) || !absl::SimpleAtoi(b, &right)) return 1;
  return left < right ? -1 : 1;
}

KindWatch::KindWatch(EventLoop& loop, ApiTransport& transport, ApiGate& gate,
                     WatchAbilities& abilities, ApiResource resource, std::string ns,
                     Changed changed, Turned turned)
    : loop_(loop),
      transport_(transport),
      gate_(gate),
      abilities_(abilities),
      resource_(std::move(resource)),
      ns_(std::move(ns)),
      changed_(std::move(changed)),
      turned_(std::move(turned)),
      backoff_(kBackoffFirst) {
  Begin();
}

KindWatch::~KindWatch() {
  *alive_ = false;
  if (stream_ != 0) transport_.Cancel(stream_);
}

void KindWatch::WhenSynced(Synced synced) {
  if (!failure_.ok()) return synced(failure_);
  if (state_ != State::kStarting) return synced(absl::OkStatus());
  waiting_.push_back(std::move(synced));
}

const KeptObject* KindWatch::Find(const ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second;
}

void KindWatch::Begin() {
  state_ = State::kStarting;
  version_.clear();
  listed_.clear();
  if (abilities_.lists == WatchAbilities::Lists::kNo || fell_back_) return ListPage("");
  listing_ = true;
  OpenWatch();
}

void KindWatch::ListPage(const std::string& continuation) {
  listing_ = false;
  ApiRequest request;
  request.path = absl::StrCat(resource_.CollectionPath(ns_), "?", kSelector, "&limit=", kPageSize);
  if (!continuation.empty()) absl::StrAppend(&request.path, "&continue=", continuation);
  gate_.SendLater(resource_.Name(), std::move(request),
                  [this, alive = alive_](absl::StatusOr<ApiResponse> answer) {
                    if (*alive) OnPage(std::move(answer));
                  });
}

void KindWatch::OnPage(absl::StatusOr<ApiResponse> answer) {
  const absl::Duration least = answer.ok() ? answer->retry_after : absl::ZeroDuration();
  absl::StatusOr<Value> list = AnswerObject(std::move(answer));
  const bool fell_back = std::exchange(fell_back_, false);
  if (!list.ok()) return Failed(list.status(), least);
  if (fell_back) abilities_.lists = WatchAbilities::Lists::kNo;
  Value* items = list->is_object() ? list->get_object().if_contains("items") : nullptr;
  if (items != nullptr && items->is_array()) {
    for (Value& item : items->get_array()) {
      absl::StatusOr<KeptObject> kept = KeepObject(resource_, std::move(item));
      if (!kept.ok()) continue;
      listed_[kept->live.key] = kept->live.version;
      Put(*std::move(kept));
    }
  }
  const absl::string_view more = object::FindString(*list, {"metadata", "continue"});
  if (!more.empty()) return ListPage(std::string(more));
  EndOfList(std::string(object::FindString(*list, {"metadata", "resourceVersion"})));
  OpenWatch();
}

std::string KindWatch::WatchPath() const {
  std::string path = absl::StrCat(resource_.CollectionPath(ns_), "?watch=1&", kSelector,
                                  "&allowWatchBookmarks=true");
  if (listing_) {
    absl::StrAppend(&path, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
  } else {
    absl::StrAppend(&path, "&resourceVersion=", version_);
  }
  return path;
}

void KindWatch::OpenWatch() {
  ApiRequest request;
  request.path = WatchPath();
  open_ = false;
  stream_ = transport_.Stream(std::move(request),
                              {[this, alive = alive_] {
                                 if (*alive) OnOpen();
                               },
                               [this, alive = alive_](const std::string& line) {
                                 if (*alive) OnLine(line);
                               },
                               [this, alive = alive_](absl::StatusOr<ApiResponse> answer) {
                                 if (*alive) OnEnd(std::move(answer));
                               }});
  heard_ = loop_.clock().Monotonic();
  MindSilence();
}

void KindWatch::OnOpen() {
  open_ = true;
  heard_ = loop_.clock().Monotonic();
  followed_ = heard_;
}

void KindWatch::MindSilence() {
  const absl::Duration most = listing_ ? kSilenceMax : kOpeningMax;
  loop_.After(most, [this, most, alive = alive_, stream = stream_] {
    if (!*alive || stream_ != stream || (!listing_ && open_)) return;
    if (loop_.clock().Monotonic() - heard_ < most) return MindSilence();
    transport_.Cancel(std::exchange(stream_, 0));
    Failed(absl::UnavailableError(
        absl::StrCat("the API server has sent nothing for ", absl::FormatDuration(most))));
  });
}

void KindWatch::OnLine(const std::string& line) {
  heard_ = loop_.clock().Monotonic();
  if (!IsTaken(line)) ReadLine(line);
}

bool KindWatch::IsKnown(const ObjectKey& key, const SkimmedEvent& event) const {
  const KeptObject* kept = Find(key);
  return kept != nullptr && kept->live.uid == event.uid &&
         CompareVersions(event.version, kept->live.version) <= 0;
}

// Each of our writes comes back as an event.
bool KindWatch::IsTaken(const std::string& line) {
  const std::optional<SkimmedEvent> event = SkimEvent(line);
  if (!event.has_value() || (event->type != "ADDED" && event->type != "MODIFIED")) return false;
  ObjectKey key{resource_.group, resource_.kind, std::string(event->ns), std::string(event->name)};
  const bool writing = writing_.contains(key);
  if (!writing && !IsKnown(key, *event)) return false;
  if (listing_) {
    listed_[key] = std::string(event->version);
  } else {
    version_ = std::string(event->version);
  }
  if (writing) held_.insert_or_assign(std::move(key), Held{Held::What::kLine, {}, line});
  return true;
}

void KindWatch::ReadLine(const std::string& line) {
  absl::StatusOr<Value> event = object::ParseJson(line);
  if (!event.ok() || !event->is_object()) return;
  const std::string type(object::FindString(*event, {"type"}));
  Value* object = event->get_object().if_contains("object");
  if (object == nullptr) return;
  if (type == "BOOKMARK") return OnBookmark(*object);
  if (type == "ERROR") return OnError(*object);
  absl::StatusOr<KeptObject> kept = KeepObject(resource_, std::move(*object));
  if (!kept.ok()) return;
  if (!listing_) version_ = kept->live.version;
  if (type == "DELETED") return Remove(*kept);
  if (listing_) listed_[kept->live.key] = kept->live.version;
  Put(*std::move(kept));
}

void KindWatch::OnBookmark(const Value& object) {
  const std::string version(object::FindString(object, {"metadata", "resourceVersion"}));
  const bool end = manifest::Annotation(object, "k8s.io/initial-events-end") == "true";
  if (listing_ && end) {
    listing_ = false;
    EndOfList(version);
  }
  if (!listing_) version_ = version;
}

// The server says an error within the stream and then ends it.
void KindWatch::OnError(const Value& object) {
  const Value* code = object::Find(object, {"code"});
  const bool gone = code != nullptr && code->is_int64() && code->get_int64() == kGone;
  // Servers whose storage cannot do it say so here.
  if (listing_ && !gone) fell_back_ = true;
  version_.clear();
}

void KindWatch::OnEnd(absl::StatusOr<ApiResponse> answer) {
  stream_ = 0;
  if (open_ && state_ == State::kLive && loop_.clock().Monotonic() - followed_ >= kSteady) {
    backoff_ = kBackoffFirst;
  }
  const bool ended_well = answer.ok() && answer->status < 300;
  // Servers end every watch after a while; what is held is as good as it was.
  if (ended_well && !listing_ && !version_.empty() && backoff_ <= kPatience) {
    loop_.After(NextWait(absl::ZeroDuration()), [this, alive = alive_] {
      if (*alive && stream_ == 0) OpenWatch();
    });
    return;
  }
  if (listing_ && answer.ok() && (answer->status == 400 || answer->status == 422)) {
    fell_back_ = true;
  }
  const absl::Duration least = answer.ok() ? answer->retry_after : absl::ZeroDuration();
  absl::Status status = ended_well ? absl::UnavailableError("the watch began anew")
                                   : AnswerObject(std::move(answer)).status();
  if (status.ok()) status = absl::UnavailableError("the watch ended");
  Failed(status, least);
}

void KindWatch::Failed(const absl::Status& status, absl::Duration least) {
  state_ = State::kStarting;
  // What comes after a fall-back to plain lists is no failure yet.
  if (std::exchange(listing_, false) && fell_back_) {
    loop_.Post([this, alive = alive_] {
      if (*alive) Begin();
    });
    return;
  }
  if (IsUnknownPath(status)) return Unserved();
  if (++failures_ >= kFailuresOfBroken || backoff_ > kPatience ||
      absl::IsPermissionDenied(status)) {
    const bool news = failure_.ok();
    failure_ = absl::Status(
        status.code(), absl::StrCat("cannot watch ", resource_.Name(), ": ", status.message()));
    if (news) turned_(failure_);
    TellWaiting(failure_);
  }
  BeginLater(least);
}

// With the kind its objects went; should it come back, it is watched again.
void KindWatch::Unserved() {
  state_ = State::kUnserved;
  failures_ = 0;
  listed_.clear();
  for (const auto& [key, object] : std::exchange(objects_, {})) changed_(key, object.label);
  if (!std::exchange(failure_, absl::OkStatus()).ok()) turned_(failure_);
  TellWaiting(absl::OkStatus());
  BeginLater(absl::ZeroDuration());
}

absl::Duration KindWatch::NextWait(absl::Duration least) {
  const absl::Duration wait = std::max(backoff_, std::min(least, kBackoffMax));
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
  return wait;
}

void KindWatch::BeginLater(absl::Duration least) {
  loop_.After(NextWait(least), [this, alive = alive_] {
    if (*alive) Begin();
  });
}

void KindWatch::EndWrite(const ObjectKey& key) {
  const auto writing = writing_.find(key);
  if (writing == writing_.end() || --writing->second > 0) return;
  writing_.erase(writing);
  const auto found = held_.find(key);
  if (found == held_.end()) return;
  Held held = std::move(found->second);
  held_.erase(found);
  if (held.what == Held::What::kRemoved) return Remove(held.object);
  if (held.what == Held::What::kPut) return Put(std::move(held.object));
  const std::optional<SkimmedEvent> event = SkimEvent(held.line);
  if (event.has_value() && IsKnown(key, *event)) return;
  absl::StatusOr<Value> said = object::ParseJson(held.line);
  Value* object =
      said.ok() && said->is_object() ? said->get_object().if_contains("object") : nullptr;
  if (object == nullptr) return;
  absl::StatusOr<KeptObject> kept = KeepObject(resource_, std::move(*object));
  if (kept.ok()) Put(*std::move(kept));
}

void KindWatch::Put(KeptObject object) {
  const ObjectKey key = object.live.key;
  if (writing_.contains(key)) {
    held_.insert_or_assign(key, Held{Held::What::kPut, std::move(object), ""});
    return;
  }
  const auto gone = deleted_.find(key);
  if (gone != deleted_.end() && gone->second == object.live.uid) return;
  const auto found = objects_.find(key);
  if (found != objects_.end() &&
      CompareVersions(object.live.version, found->second.live.version) <= 0) {
    return;
  }
  const std::string label = object.label;
  const std::string before = found == objects_.end() ? label : found->second.label;
  // What is there at the beginning is no news, unless it is not as we wrote it.
  const bool news = found == objects_.end() ? ever_live_ : !ConcernsUsNot(found->second, object);
  objects_.insert_or_assign(key, std::move(object));
  if (!news) return;
  changed_(key, label);
  if (before != label) changed_(key, before);
}

// The event may only say that the label is gone; who acts on it reads the object first.
void KindWatch::Remove(const KeptObject& object) {
  const ObjectKey& key = object.live.key;
  if (writing_.contains(key)) {
    held_.insert_or_assign(key, Held{Held::What::kRemoved, object, ""});
    return;
  }
  deleted_.erase(key);
  const auto found = objects_.find(key);
  if (found == objects_.end() ||
      CompareVersions(object.live.version, found->second.live.version) < 0) {
    return;
  }
  const std::string label = found->second.label;
  objects_.erase(found);
  changed_(key, label);
}

void KindWatch::EndOfList(const std::string& version) {
  version_ = version;
  deleted_.clear();
  std::vector<ObjectKey> missing;
  for (const auto& [key, object] : objects_) {
    // What we wrote after the list was made is not in it.
    if (!listed_.contains(key) && CompareVersions(object.live.version, version) <= 0) {
      missing.push_back(key);
    }
  }
  listed_.clear();
  for (const ObjectKey& key : missing) {
    const std::string label = objects_.at(key).label;
    objects_.erase(key);
    changed_(key, label);
  }
  Live();
}

void KindWatch::Live() {
  state_ = State::kLive;
  ever_live_ = true;
  failures_ = 0;
  followed_ = loop_.clock().Monotonic();
  if (!std::exchange(failure_, absl::OkStatus()).ok()) turned_(failure_);
  TellWaiting(absl::OkStatus());
}

void KindWatch::TellWaiting(const absl::Status& status) {
  const std::vector<Synced> waiting = std::exchange(waiting_, {});
  const std::shared_ptr<bool> alive = alive_;
  for (const Synced& synced : waiting) {
    if (!*alive) return;
    synced(status);
  }
}

void KindWatch::Wrote(KeptObject object) {
  const auto found = objects_.find(object.live.key);
  if (found != objects_.end() &&
      CompareVersions(object.live.version, found->second.live.version) < 0) {
    return;
  }
  deleted_.erase(object.live.key);
  const ObjectKey key = object.live.key;
  if (object.label.empty()) {
    objects_.erase(key);
  } else {
    objects_.insert_or_assign(key, std::move(object));
  }
}

void KindWatch::Deleted(const ObjectKey& key, const std::string& uid) {
  const auto found = objects_.find(key);
  if (found == objects_.end() || (!uid.empty() && found->second.live.uid != uid)) return;
  deleted_[key] = found->second.live.uid;
  objects_.erase(found);
}

}  // namespace leidang::agent
