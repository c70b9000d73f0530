#include "agent/reconcile/entry_memory.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"

#include "common/base/utf8.h"

namespace leidang::agent {
namespace {

using object::Value;

constexpr size_t kMessageMax = 256;
constexpr size_t kFailureMax = 2048;

boost::json::string_view View(absl::string_view text) { return {text.data(), text.size()}; }

int64_t Number(const Value& from, absl::string_view name) {
  const Value* found = object::Find(from, {name});
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

std::string Text(const Value& from, absl::string_view name) {
  return std::string(object::FindString(from, {name}));
}

object::Array List(const Value& from, absl::string_view name) {
  const Value* found = object::Find(from, {name});
  return found != nullptr && found->is_array() ? found->get_array() : object::Array();
}

object::Object ToJson(const SyncHistoryItem& item) {
  object::Object json{{"id", item.id}, {"attempts", item.attempts}};
  json["commit"] = View(item.commit);
  json["by"] = View(item.by);
  json["started"] = absl::ToUnixMillis(item.started);
  json["ended"] = absl::ToUnixMillis(item.ended);
  json["result"] = item.result == SyncHistoryItem::Result::kSucceeded ? "Succeeded" : "Failed";
  json["message"] = View(item.message);
  return json;
}

SyncHistoryItem HistoryFrom(const Value& json) {
  SyncHistoryItem item;
  item.id = Number(json, "id");
  item.commit = Text(json, "commit");
  item.by = Text(json, "by");
  item.started = absl::FromUnixMillis(Number(json, "started"));
  item.ended = absl::FromUnixMillis(Number(json, "ended"));
  item.attempts = std::max<int64_t>(Number(json, "attempts"), 1);
  if (Text(json, "result") == "Failed") item.result = SyncHistoryItem::Result::kFailed;
  item.message = Text(json, "message");
  return item;
}

void AddKey(object::Object& json, const object::ObjectKey& key) {
  json["group"] = View(key.group);
  json["kind"] = View(key.kind);
  json["ns"] = View(key.ns);
  json["name"] = View(key.name);
}

object::ObjectKey KeyFrom(const Value& json) {
  return {Text(json, "group"), Text(json, "kind"), Text(json, "ns"), Text(json, "name")};
}

object::Array ToJson(const std::map<object::ObjectKey, absl::Time>& unconfirmed) {
  object::Array json;
  for (const auto& [key, since] : unconfirmed) {
    object::Object item{{"since", absl::ToUnixSeconds(since)}};
    AddKey(item, key);
    json.push_back(std::move(item));
  }
  return json;
}

object::Object ToJson(const SyncProgress& sync) {
  object::Array hooks;
  for (const auto& [id, result] : sync.hooks) {
    object::Object hook{{"phase", static_cast<int64_t>(id.phase)},
                        {"code", static_cast<int64_t>(result.code)},
                        {"state", static_cast<int64_t>(result.phase)}};
    AddKey(hook, id.key);
    hook["message"] = View(Utf8Prefix(result.message, kMessageMax));
    if (!result.uid.empty()) hook["uid"] = View(result.uid);
    hooks.push_back(std::move(hook));
  }
  object::Object json{{"attempts", sync.attempts}, {"hooks", std::move(hooks)}};
  json["element"] = View(sync.element.Hex());
  json["started"] = absl::ToUnixMillis(sync.started);
  json["by"] = View(sync.by);
  return json;
}

object::Object ToJson(const SyncEnd& end) {
  object::Object json{{"attempts", end.attempts}};
  json["element"] = View(end.element.Hex());
  json["by"] = View(end.by);
  if (end.result == SyncHistoryItem::Result::kFailed)
    json["failure"] = View(Utf8Prefix(end.failure, kFailureMax));
  if (end.again == SyncEnd::Again::kYes) json["again"] = true;
  return json;
}

SyncEnd EndFrom(const Value& json) {
  SyncEnd end;
  end.element = object::Sha256::FromHex(Text(json, "element")).value_or(object::Sha256());
  end.attempts = std::max<int64_t>(Number(json, "attempts"), 1);
  end.by = Text(json, "by");
  if (object::Find(json, {"failure"}) != nullptr) end.result = SyncHistoryItem::Result::kFailed;
  end.failure = Text(json, "failure");
  if (object::Find(json, {"again"}) != nullptr) end.again = SyncEnd::Again::kYes;
  return end;
}

template <typename Enum>
Enum EnumFrom(const Value& json, absl::string_view name, Enum last) {
  const int64_t number = Number(json, name);
  return number < 0 || number > static_cast<int64_t>(last) ? last : static_cast<Enum>(number);
}

SyncProgress SyncFrom(const Value& json) {
  SyncProgress sync;
  sync.element = object::Sha256::FromHex(Text(json, "element")).value_or(object::Sha256());
  sync.started = absl::FromUnixMillis(Number(json, "started"));
  sync.attempts = std::max<int64_t>(Number(json, "attempts"), 1);
  sync.by = Text(json, "by");
  for (const Value& hook : List(json, "hooks")) {
    SyncTaskId id;
    id.key = KeyFrom(hook);
    id.phase = EnumFrom(hook, "phase", SyncPhase::kSyncFail);
    SyncResult result;
    result.code = EnumFrom(hook, "code", SyncResult::Code::kPruneSkipped);
    result.phase = EnumFrom(hook, "state", SyncResult::Phase::kError);
    result.message = Text(hook, "message");
    result.uid = Text(hook, "uid");
    sync.hooks.emplace(std::move(id), std::move(result));
  }
  return sync;
}

}  // namespace

std::string EncodeMemory(const EntryMemory& memory) {
  if (memory == EntryMemory()) return "";
  object::Object json{{"prunes", static_cast<int64_t>(memory.prunes)}};
  object::Array history;
  for (const SyncHistoryItem& item : memory.history) history.push_back(ToJson(item));
  if (!history.empty()) json["history"] = std::move(history);
  if (memory.sync.has_value()) json["sync"] = ToJson(*memory.sync);
  if (memory.last.has_value()) json["last"] = ToJson(*memory.last);
  if (!memory.unconfirmed.empty()) json["unconfirmed"] = ToJson(memory.unconfirmed);
  if (memory.ending != EntryMemory::Ending::kNotBegun) {
    json["ending"] = static_cast<int64_t>(memory.ending);
  }
  if (!memory.hooks_skipped.empty()) json["hooksSkipped"] = View(memory.hooks_skipped);
  return object::CanonicalJson(json);
}

EntryMemory DecodeMemory(absl::string_view note) {
  EntryMemory memory;
  if (note.empty()) return memory;
  // What earlier versions wrote.
  if (absl::SimpleAtoi(note, &memory.prunes)) return memory;
  memory.prunes = 1;
  const absl::StatusOr<Value> json = object::ParseJson(note);
  if (!json.ok() || !json->is_object()) return memory;
  memory.prunes = static_cast<size_t>(std::max<int64_t>(Number(*json, "prunes"), 0));
  for (const Value& item : List(*json, "history")) memory.history.push_back(HistoryFrom(item));
  const Value* sync = object::Find(*json, {"sync"});
  if (sync != nullptr) memory.sync = SyncFrom(*sync);
  const Value* last = object::Find(*json, {"last"});
  if (last != nullptr) memory.last = EndFrom(*last);
  // The one time "unconfirmedSince" of earlier versions does not say of which deletions it is: they
  // ask anew.
  for (const Value& item : List(*json, "unconfirmed")) {
    memory.unconfirmed.emplace(KeyFrom(item), absl::FromUnixSeconds(Number(item, "since")));
  }
  memory.hooks_skipped = Text(*json, "hooksSkipped");
  memory.ending = EnumFrom(*json, "ending", EntryMemory::Ending::kAllDone);
  return memory;
}

void AddHistory(std::vector<SyncHistoryItem>& history, SyncHistoryItem item, size_t limit) {
  item.message.resize(Utf8Prefix(item.message, kMessageMax).size());
  // To the millisecond, as it is kept.
  item.started = absl::FromUnixMillis(absl::ToUnixMillis(item.started));
  item.ended = absl::FromUnixMillis(absl::ToUnixMillis(item.ended));
  const bool again = !history.empty() && item.result == SyncHistoryItem::Result::kFailed &&
                     history.back().result == item.result && history.back().by == item.by &&
                     history.back().commit == item.commit;
  if (again) {
    item.id = history.back().id;
    item.started = history.back().started;
    item.attempts = history.back().attempts + 1;
    history.back() = std::move(item);
  } else {
    item.id = history.empty() ? 1 : history.back().id + 1;
    history.push_back(std::move(item));
  }
  if (history.size() > limit) {
    history.erase(history.begin(), history.end() - static_cast<std::ptrdiff_t>(limit));
  }
}

Value HistoryDocument(const std::vector<SyncHistoryItem>& history) {
  object::Array items;
  for (auto item = history.rbegin(); item != history.rend(); ++item) items.push_back(ToJson(*item));
  return object::Object{{"items", std::move(items)}};
}

}  // namespace leidang::agent
