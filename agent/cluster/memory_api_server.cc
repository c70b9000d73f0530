#include "agent/cluster/memory_api_server.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "common/base/check.h"
#include "common/manifest/manifest.h"
#include "common/manifest/tracking.h"

namespace leidang::agent {
namespace {

constexpr size_t kHistoryMax = 1000;  // Events.

using manifest::Scope;
using object::ObjectKey;
using object::Value;

std::string Text(absl::string_view text) { return std::string(text); }

ApiResource Kind(const char* group, const char* version, const char* kind, const char* plural,
                 Scope scope = Scope::kNamespaced) {
  return {group, version, kind, plural, scope, ApiResource::Listing::kYes};
}

std::vector<ApiResource> BuiltIn() {
  return {Kind("", "v1", "Namespace", "namespaces", Scope::kCluster),
          Kind("", "v1", "ConfigMap", "configmaps"),
          Kind("", "v1", "Secret", "secrets"),
          Kind("", "v1", "Event", "events"),
          Kind("", "v1", "Service", "services"),
          Kind("", "v1", "ServiceAccount", "serviceaccounts"),
          Kind("apps", "v1", "Deployment", "deployments"),
          Kind("batch", "v1", "Job", "jobs"),
          Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition",
               "customresourcedefinitions", Scope::kCluster)};
}

ApiResponse Ok(int status, const Value& value) { return {status, object::ToJson(value)}; }

ApiResponse Refuse(int status, const std::string& message) {
  return Ok(status, object::Object{{"kind", "Status"},
                                   {"apiVersion", "v1"},
                                   {"status", "Failure"},
                                   {"message", message},
                                   {"code", status}});
}

bool IsIdentity(absl::string_view path) {
  return path == "/apiVersion" || path == "/kind" || path == "/metadata/name" ||
         path == "/metadata/namespace" || path == "/metadata/resourceVersion" ||
         path == "/metadata/managedFields" || path == "/metadata/uid";
}

// The paths of `value` as managedFields has them; lists are leaves.
Value FieldsOf(const Value& value, const std::string& path = "") {
  object::Object fields;
  if (!value.is_object()) return fields;
  for (const auto& member : value.get_object()) {
    const std::string at =
        absl::StrCat(path, "/", Text({member.key().data(), member.key().size()}));
    if (IsIdentity(at)) continue;
    Value below = FieldsOf(member.value(), at);
    if (at == "/metadata" && below.get_object().empty()) continue;
    fields[absl::StrCat("f:", Text({member.key().data(), member.key().size()}))] = below;
  }
  return fields;
}

// What is left of `fields` when only values that are equal in both stay ours.
Value Kept(const Value& fields, const Value* before, const Value* after) {
  object::Object kept;
  for (const auto& member : fields.get_object()) {
    const absl::string_view name(member.key().data() + 2, member.key().size() - 2);
    const Value* a = before == nullptr ? nullptr : object::Find(*before, {name});
    const Value* b = after == nullptr ? nullptr : object::Find(*after, {name});
    if (b == nullptr) continue;
    if (!member.value().get_object().empty()) {
      Value below = Kept(member.value(), a, b);
      if (!below.get_object().empty()) kept[member.key()] = below;
    } else if (a != nullptr && object::Equal(*a, *b)) {
      kept[member.key()] = object::Object();
    }
  }
  return kept;
}

Value Entry(const std::string& manager, const Value& fields,
            const std::string& operation = "Apply") {
  return object::Object{{"manager", manager},
                        {"operation", operation},
                        {"apiVersion", "v1"},
                        {"fieldsType", "FieldsV1"},
                        {"fieldsV1", fields}};
}

// The entries of `before` but that of `but`, without what `after` changes.
object::Array KeptEntries(const Value* before, const Value& after, absl::string_view but) {
  object::Array entries;
  const Value* managed =
      before == nullptr ? nullptr : object::Find(*before, {"metadata", "managedFields"});
  if (managed == nullptr) return entries;
  for (const Value& entry : managed->get_array()) {
    if (object::FindString(entry, {"manager"}) == but) continue;
    const Value kept = Kept(entry.at("fieldsV1"), before, &after);
    if (kept.get_object().empty()) continue;
    entries.push_back(Entry(Text(object::FindString(entry, {"manager"})), kept,
                            Text(object::FindString(entry, {"operation"}))));
  }
  return entries;
}

// What of `fields` has another value in `after` than in `before`.
Value Changed(const Value& fields, const Value* before, const Value& after) {
  object::Object changed;
  for (const auto& member : fields.get_object()) {
    const absl::string_view name(member.key().data() + 2, member.key().size() - 2);
    const Value* a = before == nullptr ? nullptr : object::Find(*before, {name});
    const Value* b = object::Find(after, {name});
    if (a != nullptr && object::Equal(*a, *b)) continue;
    Value below = member.value();
    if (!below.get_object().empty()) below = Changed(below, a, *b);
    changed[member.key()] = below;
  }
  return changed;
}

const Value* FieldsOfManager(const Value& object, absl::string_view manager) {
  const Value* managed = object::Find(object, {"metadata", "managedFields"});
  if (managed == nullptr || !managed->is_array()) return nullptr;
  for (const Value& entry : managed->get_array()) {
    if (object::FindString(entry, {"manager"}) == manager) return object::Find(entry, {"fieldsV1"});
  }
  return nullptr;
}

// Removes what `fields` names and `now` does not have.
void RemoveLost(Value& live, const Value& fields, const Value* now) {
  if (!live.is_object() || !fields.is_object()) return;
  for (const auto& member : fields.get_object()) {
    const absl::string_view name(member.key().data() + 2, member.key().size() - 2);
    const Value* wanted = now == nullptr ? nullptr : object::Find(*now, {name});
    Value* found = live.get_object().if_contains({name.data(), name.size()});
    if (found == nullptr) continue;
    if (member.value().get_object().empty()) {
      if (wanted == nullptr) object::StableErase(live.get_object(), name);
    } else {
      RemoveLost(*found, member.value(), wanted);
    }
  }
}

void Merge(Value& live, const Value& now) {
  if (!live.is_object() || !now.is_object()) {
    live = now;
    return;
  }
  for (const auto& member : now.get_object()) {
    Merge(live.get_object()[member.key()], member.value());
  }
}

// The first path at which `now` would change what is there.
std::string ConflictAt(const Value& live, const Value& now, const std::string& path = "") {
  if (!now.is_object() || !live.is_object()) return object::Equal(live, now) ? "" : path;
  for (const auto& member : now.get_object()) {
    const std::string at =
        absl::StrCat(path, "/", Text({member.key().data(), member.key().size()}));
    const Value* found = live.get_object().if_contains(member.key());
    if (found == nullptr || IsIdentity(at)) continue;
    std::string conflict = ConflictAt(*found, member.value(), at);
    if (!conflict.empty()) return conflict;
  }
  return "";
}

Value& Metadata(Value& object) {
  Value& metadata = object.get_object()["metadata"];
  if (!metadata.is_object()) metadata = object::Object();
  return metadata;
}

std::string Query(const std::map<std::string, std::string>& query, const std::string& name) {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

uint64_t Number(absl::string_view text) {
  uint64_t number = 0;
  return absl::SimpleAtoi(text, &number) ? number : 0;
}

bool IsLabelled(const Value* object) {
  return object != nullptr && !manifest::Label(*object, manifest::kAppLabel).empty();
}

}  // namespace

struct MemoryApiServer::Target {
  ApiResource resource;
  std::string ns;
  std::string name;
  std::map<std::string, std::string> query;

  ObjectKey Key() const { return {resource.group, resource.kind, ns, name}; }
};

MemoryApiServer::MemoryApiServer(EventLoop& loop) : loop_(loop), resources_(BuiltIn()) {}

std::optional<MemoryApiServer::Target> MemoryApiServer::ParsePath(absl::string_view path) const {
  const std::pair<absl::string_view, absl::string_view> halves =
      absl::StrSplit(path, absl::MaxSplits('?', 1));
  std::vector<std::string> parts = absl::StrSplit(halves.first.substr(1), '/');
  Target target;
  for (const absl::string_view pair : absl::StrSplit(halves.second, '&', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> item = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    target.query.insert(item);
  }
  const bool core = parts[0] == "api";
  size_t at = core ? 2 : 3;
  if (parts.size() <= at) return std::nullopt;
  const std::string group = core ? "" : parts[1];
  const std::string version = core ? parts[1] : parts[2];
  if (parts[at] == "namespaces" && parts.size() > at + 2) {
    target.ns = parts[at + 1];
    at += 2;
  }
  if (parts.size() > at + 1) target.name = parts[at + 1];
  for (const ApiResource& resource : resources_) {
    if (resource.group == group && resource.version == version && resource.plural == parts[at]) {
      target.resource = resource;
      return target;
    }
  }
  return std::nullopt;
}

const Value* MemoryApiServer::Find(const ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second;
}

void MemoryApiServer::PutOutside(const Value& manifest) {
  const absl::StatusOr<ObjectKey> key = manifest::KeyOf(manifest);
  CHECK(key.ok());
  Value object = manifest;
  if (const Value* before = Find(*key)) {
    Metadata(object).get_object()["uid"] = before->at("metadata").at("uid");
    Metadata(object).get_object()["managedFields"] = KeptEntries(before, object, "");
  }
  Store(*key, std::move(object));
}

void MemoryApiServer::UpdateOutside(const Value& manifest, const std::string& manager) {
  const absl::StatusOr<ObjectKey> key = manifest::KeyOf(manifest);
  CHECK(key.ok());
  Value object = manifest;
  const Value* before = Find(*key);
  if (before != nullptr) Metadata(object).get_object()["uid"] = before->at("metadata").at("uid");
  object::Array entries = KeptEntries(before, object, manager);
  entries.push_back(Entry(manager, Changed(FieldsOf(object), before, object), "Update"));
  Metadata(object).get_object()["managedFields"] = entries;
  Store(*key, std::move(object));
}

void MemoryApiServer::RemoveOutside(const ObjectKey& key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return;
  Value before = std::move(found->second);
  objects_.erase(found);
  Metadata(before).get_object()["resourceVersion"] = absl::StrCat(++version_);
  Tell(key, &before, nullptr);
}

void MemoryApiServer::Store(const ObjectKey& key, Value object) {
  object::Object& metadata = Metadata(object).get_object();
  if (!metadata.contains("uid")) metadata["uid"] = absl::StrCat("uid-", ++last_uid_);
  metadata["resourceVersion"] = absl::StrCat(++version_);
  if (key.kind == "CustomResourceDefinition") Define(object);
  const Value* found = Find(key);
  const Value before = found == nullptr ? Value() : *found;
  objects_[key] = object;
  Tell(key, found == nullptr ? nullptr : &before, &object);
}

void MemoryApiServer::Define(const Value& definition) {
  ApiResource resource;
  resource.group = Text(object::FindString(definition, {"spec", "group"}));
  resource.kind = Text(object::FindString(definition, {"spec", "names", "kind"}));
  resource.plural = Text(object::FindString(definition, {"spec", "names", "plural"}));
  resource.version = "v1";
  if (object::FindString(definition, {"spec", "scope"}) == "Cluster") {
    resource.scope = Scope::kCluster;
  }
  resource.listing = ApiResource::Listing::kYes;
  for (const ApiResource& known : resources_) {
    if (known.group == resource.group && known.kind == resource.kind) return;
  }
  resources_.push_back(resource);
}

void MemoryApiServer::Tell(const ObjectKey& key, const Value* before, const Value* after) {
  const bool was = IsLabelled(before);
  const bool is = IsLabelled(after);
  if (!was && !is) return;
  Event event{version_, key, was ? "MODIFIED" : "ADDED", is ? *after : *before};
  if (!is) {
    // As it was when the selector last found it, at the version at which it did not any more.
    event.type = "DELETED";
    if (after != nullptr) {
      Metadata(event.object).get_object()["resourceVersion"] =
          after->at("metadata").at("resourceVersion");
    }
  }
  for (const auto& [id, watching] : watches_) {
    if (watching.resource.group == key.group && watching.resource.kind == key.kind) {
      Send(id, event.type, event.object);
    }
  }
  history_.push_back(std::move(event));
  if (history_.size() <= kHistoryMax) return;
  forgotten_ = history_.front().version;
  history_.pop_front();
}

void MemoryApiServer::Send(uint64_t id, const std::string& type, const Value& object) {
  std::string line = object::ToJson(object::Object{{"type", type}, {"object", object}});
  loop_.Post([this, id, line = std::move(line)] {
    const auto watching = watches_.find(id);
    if (watching != watches_.end()) watching->second.calls.on_line(line);
  });
}

void MemoryApiServer::End(uint64_t id, absl::StatusOr<ApiResponse> answer) {
  loop_.Post([this, id, answer = std::move(answer)] {
    const auto found = watches_.find(id);
    if (found == watches_.end()) return;
    const ApiTransport::Done on_end = found->second.calls.on_end;
    watches_.erase(found);
    on_end(answer);
  });
}

void MemoryApiServer::EndWatches(History history) { EndWatchesWith(history, ApiResponse{200, ""}); }

void MemoryApiServer::BreakWatches(History history) {
  EndWatchesWith(history, absl::UnavailableError("the connection broke"));
}

void MemoryApiServer::EndWatchesWith(History history, const absl::StatusOr<ApiResponse>& answer) {
  if (history == History::kForgotten) {
    forgotten_ = version_++;
    history_.clear();
  }
  // What happens from now on they are not told any more.
  for (auto& [id, watching] : watches_) {
    watching.resource = {};
    End(id, answer);
  }
}

void MemoryApiServer::BeginWatch(uint64_t id, Watching watching, const Target& target) {
  watching.resource = target.resource;
  watches_[id] = std::move(watching);
  loop_.Post([this, id] {
    const auto found = watches_.find(id);
    if (found == watches_.end()) return;
    const std::function<void()> on_open = found->second.calls.on_open;
    if (on_open != nullptr) on_open();
  });
  const auto fail = [&](int code, const std::string& message) {
    const absl::StatusOr<Value> status = object::ParseJson(Refuse(code, message).body);
    Send(id, "ERROR", *status);
    End(id, ApiResponse{200, ""});
  };
  const bool lists = Query(target.query, "sendInitialEvents") == "true";
  if (lists && !watch_lists_) return fail(500, "a required storage feature is disabled");
  const uint64_t from = Number(Query(target.query, "resourceVersion"));
  if (!lists && from <= forgotten_) return fail(410, "too old resource version");
  const auto concerned = [&](const ObjectKey& key) {
    return key.group == target.resource.group && key.kind == target.resource.kind;
  };
  if (!lists) {
    for (const Event& event : history_) {
      if (event.version > from && concerned(event.key)) Send(id, event.type, event.object);
    }
    return;
  }
  for (const auto& [key, object] : objects_) {
    if (concerned(key) && IsLabelled(&object)) Send(id, "ADDED", object);
  }
  Send(id, "BOOKMARK",
       object::Object{
           {"metadata", object::Object{{"resourceVersion", absl::StrCat(version_)},
                                       {"annotations",
                                        object::Object{{"k8s.io/initial-events-end", "true"}}}}}});
}

ApiResponse MemoryApiServer::Answer(const ApiRequest& request) {
  requests_.push_back(absl::StrCat(request.method, " ", request.path));
  if (fault_) {
    if (std::optional<ApiResponse> answer = fault_(request)) return *answer;
  }
  if (request.path == "/api" || request.path == "/apis") return Discovery(request.path);
  const std::optional<Target> target = ParsePath(request.path);
  if (!target.has_value()) return {404, "404 page not found\n"};
  if (request.method == "PUT" || request.method == "POST") return Replace(*target, request);
  if (request.content_type == "application/json-patch+json") return SetManagers(*target, request);
  if (request.method == "PATCH") return Apply(*target, request);
  if (request.method == "DELETE") return Delete(*target, request);
  if (target->name.empty()) return List(*target);
  const Value* found = Find(target->Key());
  return found == nullptr ? Refuse(404, "not found") : Ok(200, *found);
}

ApiResponse MemoryApiServer::Discovery(absl::string_view path) const {
  std::map<std::pair<std::string, std::string>, object::Array> groups;
  for (const ApiResource& resource : resources_) {
    if ((path == "/api") != resource.group.empty()) continue;
    groups[{resource.group, resource.version}].push_back(
        object::Object{{"resource", resource.plural},
                       {"responseKind", object::Object{{"kind", resource.kind}}},
                       {"scope", resource.scope == Scope::kCluster ? "Cluster" : "Namespaced"},
                       {"verbs", object::Array{"list", "watch", "patch", "get", "delete"}}});
  }
  object::Array items;
  for (auto& [group, resources] : groups) {
    items.push_back(object::Object{
        {"metadata", object::Object{{"name", group.first}}},
        {"versions",
         object::Array{object::Object{{"version", group.second}, {"resources", resources}}}}});
  }
  return Ok(200, object::Object{{"kind", "APIGroupDiscoveryList"}, {"items", items}});
}

// Whether it has the label, with that value unless it is empty. Without a name: all are.
static bool IsSelected(const Value& object, const std::string& name, const std::string& value) {
  if (name.empty()) return true;
  const absl::string_view found = manifest::Label(object, name);
  return value.empty() ? !found.empty() : found == value;
}

ApiResponse MemoryApiServer::List(const Target& target) const {
  const std::string selector =
      absl::StrReplaceAll(Query(target.query, "labelSelector"), {{"%2F", "/"}, {"%3D", "="}});
  const std::pair<std::string, std::string> label =
      absl::StrSplit(selector, absl::MaxSplits('=', 1));
  const uint64_t limit = Number(Query(target.query, "limit"));
  const uint64_t skip = Number(Query(target.query, "continue"));
  object::Array items;
  uint64_t index = 0;
  std::string more;
  for (const auto& [key, object] : objects_) {
    const bool wanted = key.group == target.resource.group && key.kind == target.resource.kind &&
                        (target.ns.empty() || key.ns == target.ns) &&
                        IsSelected(object, label.first, label.second);
    if (!wanted || index++ < skip) continue;
    if (limit > 0 && items.size() == limit) {
      more = absl::StrCat(skip + limit);
      break;
    }
    items.push_back(object);
  }
  object::Object metadata{{"resourceVersion", absl::StrCat(version_)}};
  if (!more.empty()) metadata["continue"] = more;
  return Ok(200, object::Object{{"kind", "List"}, {"metadata", metadata}, {"items", items}});
}

ApiResponse MemoryApiServer::Apply(const Target& target, const ApiRequest& request) {
  absl::StatusOr<Value> body = object::ParseJson(request.body);
  if (!body.ok() || !body->is_object()) return Refuse(400, "the body is no object");
  const ObjectKey key = target.Key();
  const Value* before = Find(key);
  const absl::string_view version = object::FindString(*body, {"metadata", "resourceVersion"});
  const absl::string_view now =
      before == nullptr ? "" : object::FindString(*before, {"metadata", "resourceVersion"});
  // What is not there is created, whatever version was asked for.
  if (before != nullptr && !version.empty() && version != now)
    return Refuse(409, "the object has been modified");
  const std::string manager = Query(target.query, "fieldManager");
  if (manager.empty()) return Refuse(422, "fieldManager is required");
  object::StableErase(Metadata(*body).get_object(), "resourceVersion");
  Value after = before == nullptr ? Value(object::Object()) : *before;
  if (before != nullptr) {
    const std::string conflict =
        Query(target.query, "force") == "true" ? "" : ConflictAt(*before, *body);
    if (!conflict.empty()) return Refuse(409, absl::StrCat("conflict at ", conflict));
    const Value* ours = FieldsOfManager(*before, manager);
    if (ours != nullptr) {
      const Value fields = *ours;
      RemoveLost(after, fields, &*body);
    }
  }
  Merge(after, *body);
  object::Array entries = KeptEntries(before, after, manager);
  entries.push_back(Entry(manager, FieldsOf(*body)));
  Metadata(after).get_object()["managedFields"] = entries;
  if (before != nullptr && object::Equal(*before, after)) return Ok(200, after);
  const bool created = before == nullptr;
  if (Query(target.query, "dryRun") == "All") return Ok(created ? 201 : 200, after);
  Store(key, std::move(after));
  return Ok(created ? 201 : 200, *Find(key));
}

ApiResponse MemoryApiServer::Replace(const Target& target, const ApiRequest& request) {
  absl::StatusOr<Value> body = object::ParseJson(request.body);
  if (!body.ok() || !body->is_object()) return Refuse(400, "the body is no object");
  Target named = target;
  named.name = Text(object::FindString(*body, {"metadata", "name"}));
  const absl::string_view begin = object::FindString(*body, {"metadata", "generateName"});
  if (named.name.empty() && request.method == "POST" && !begin.empty()) {
    named.name = absl::StrCat(Text(begin), "g", version_);
    Metadata(*body).get_object()["name"] = named.name;
  }
  const Value* before = Find(named.Key());
  if (before != nullptr && request.method == "POST") return Refuse(409, "already exists");
  if (before == nullptr && request.method == "PUT") return Refuse(404, "not found");
  if (before != nullptr && object::FindString(*body, {"metadata", "resourceVersion"}) !=
                               object::FindString(*before, {"metadata", "resourceVersion"})) {
    return Refuse(409, "the object has been modified");
  }
  const bool dry = Query(target.query, "dryRun") == "All";
  if (dry) return Ok(before == nullptr ? 201 : 200, *body);
  UpdateOutside(*body, Query(target.query, "fieldManager"));
  return Ok(before == nullptr ? 201 : 200, *Find(named.Key()));
}

// A JSON patch whose first operation sets managedFields, and nothing else.
ApiResponse MemoryApiServer::SetManagers(const Target& target, const ApiRequest& request) {
  const absl::StatusOr<Value> patch = object::ParseJson(request.body);
  const Value* before = Find(target.Key());
  if (before == nullptr) return Refuse(404, "not found");
  if (!patch.ok() || !patch->is_array() || patch->get_array().size() != 2 ||
      object::FindString(patch->get_array()[0], {"path"}) != "/metadata/managedFields") {
    return Refuse(400, "the patch is none that this server knows");
  }
  if (object::FindString(patch->get_array()[1], {"value"}) !=
      object::FindString(*before, {"metadata", "resourceVersion"})) {
    return Refuse(409, "the object has been modified");
  }
  Value after = *before;
  Metadata(after).get_object()["managedFields"] = patch->get_array()[0].at("value");
  Store(target.Key(), std::move(after));
  return Ok(200, *Find(target.Key()));
}

ApiResponse MemoryApiServer::Delete(const Target& target, const ApiRequest& request) {
  const ObjectKey key = target.Key();
  const Value* found = Find(key);
  if (found == nullptr) return Refuse(404, "not found");
  const absl::StatusOr<Value> options = object::ParseJson(request.body);
  if (options.ok()) {
    for (const absl::string_view name : {"uid", "resourceVersion"}) {
      const absl::string_view wanted = object::FindString(*options, {"preconditions", name});
      if (!wanted.empty() && wanted != object::FindString(*found, {"metadata", name})) {
        return Refuse(409, absl::StrCat("precondition failed: ", name));
      }
    }
  }
  RemoveOutside(key);
  return Ok(200, object::Object{{"kind", "Status"}, {"status", "Success"}});
}

MemoryApiConnection::~MemoryApiConnection() {
  *alive_ = false;
  std::erase_if(server_.watches_,
                [this](const auto& entry) { return entry.second.connection == this; });
}

void MemoryApiConnection::Send(ApiRequest request, Done done) {
  server_.loop_.Post([this, alive = alive_, request = std::move(request), done = std::move(done)] {
    if (!*alive) return;
    ApiResponse answer = server_.Answer(request);
    server_.loop_.Post([alive, answer = std::move(answer), done] {
      if (*alive) done(answer);
    });
  });
}

ApiTransport::StreamId MemoryApiConnection::Stream(ApiRequest request, StreamCalls calls) {
  const StreamId id = ++server_.last_stream_;
  MemoryApiServer::Watching watching{this, {}, std::move(calls)};
  server_.requests_.push_back(absl::StrCat("WATCH ", request.path));
  std::optional<ApiResponse> refused;
  if (server_.fault_) refused = server_.fault_(request);
  const std::optional<MemoryApiServer::Target> target = server_.ParsePath(request.path);
  if (!refused.has_value() && !target.has_value()) refused = {404, "404 page not found\n"};
  if (refused.has_value()) {
    server_.watches_[id] = std::move(watching);
    server_.End(id, *refused);
  } else {
    server_.BeginWatch(id, std::move(watching), *target);
  }
  return id;
}

void MemoryApiConnection::Cancel(StreamId stream) { server_.watches_.erase(stream); }

}  // namespace leidang::agent
