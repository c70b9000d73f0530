#include "agent/reconcile/inventory_mirror.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/manifest/tracking.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

constexpr char kField[] = "inventory";
constexpr char kManagedBy[] = "app.kubernetes.io/managed-by";
constexpr char kAgent[] = "leidang-agent";

boost::json::string_view View(const std::string& text) { return {text.data(), text.size()}; }

}  // namespace

std::string EncodeInventory(const EntryRef& entry, const InventoryMirror::Items& items) {
  object::Array objects;
  for (const InventoryItem& item : items) {
    const ObjectKey& key = item.object;
    objects.push_back(object::Array{View(key.group), View(key.kind), View(key.ns), View(key.name),
                                    View(item.object_uid), View(item.hash)});
  }
  object::Object text{{"version", 1}, {"objects", objects}};
  text["app"] = entry.key.name;
  text["uid"] = entry.uid.Hex();
  return object::CanonicalJson(text);
}

absl::StatusOr<std::optional<InventoryMirror::Items>> DecodeInventory(const EntryRef& entry,
                                                                      absl::string_view text) {
  ASSIGN_OR_RETURN(const Value value, object::ParseJson(text));
  if (object::FindString(value, {"uid"}) != entry.uid.Hex() ||
      object::FindString(value, {"app"}) != entry.key.name) {
    return std::nullopt;
  }
  const Value* version = object::Find(value, {"version"});
  const Value* objects = object::Find(value, {"objects"});
  const bool known = version != nullptr && version->is_int64() && version->get_int64() == 1;
  if (!known || objects == nullptr || !objects->is_array()) {
    return absl::InvalidArgumentError("it is of another format than this agent's");
  }
  InventoryMirror::Items items;
  for (const Value& object : objects->get_array()) {
    std::vector<std::string> fields;
    if (object.is_array()) {
      for (const Value& field : object.get_array()) {
        if (!field.is_string()) break;
        fields.emplace_back(field.get_string().data(), field.get_string().size());
      }
    }
    if (fields.size() != 6) return absl::InvalidArgumentError("an object of it cannot be read");
    items.push_back({{fields[0], fields[1], fields[2], fields[3]}, fields[4], fields[5]});
  }
  return items;
}

InventoryMirror::InventoryMirror(ClusterClient& cluster, std::string ns)
    : cluster_(cluster), ns_(std::move(ns)) {}

InventoryMirror::~InventoryMirror() { *alive_ = false; }

ObjectKey InventoryMirror::KeyOf(const EntryRef& entry) const {
  return {"", "Secret", ns_,
          absl::StrCat("leidang-inventory-", manifest::AppLabel(entry.key.name))};
}

void InventoryMirror::Read(const EntryRef& entry, ReadDone done) {
  if (listing_ == Listing::kDone) return ReadListed(entry, done);
  waiting_.emplace_back(entry, std::move(done));
  if (listing_ == Listing::kRunning) return;
  listing_ = Listing::kRunning;
  cluster_.ReadAllWhole({"", "Secret", ns_, ""}, absl::StrCat(kManagedBy, "=", kAgent),
                        [this, alive = alive_](absl::StatusOr<std::vector<Value>> secrets) {
                          if (*alive) OnListed(std::move(secrets));
                        });
}

// Whatever is not in the list is asked for by itself.
void InventoryMirror::OnListed(absl::StatusOr<std::vector<Value>> secrets) {
  listing_ = Listing::kDone;
  if (secrets.ok()) {
    for (Value& secret : *secrets) {
      std::string name(object::FindString(secret, {"metadata", "name"}));
      if (secret.is_object()) listed_.emplace(std::move(name), std::move(secret));
    }
  }
  const std::shared_ptr<bool> alive = alive_;
  for (const auto& [entry, done] : std::exchange(waiting_, {})) {
    if (*alive) ReadListed(entry, done);
  }
}

void InventoryMirror::ReadListed(const EntryRef& entry, const ReadDone& done) {
  const ObjectKey key = KeyOf(entry);
  if (const auto found = listed_.find(key.name); found != listed_.end()) {
    const Value secret = std::move(found->second);
    listed_.erase(found);
    return Answer(entry, key, secret, done);
  }
  cluster_.ReadWhole(key, [alive = alive_, entry, key, done](const absl::StatusOr<Value>& secret) {
    if (!*alive) return;
    if (absl::IsNotFound(secret.status())) return done(std::nullopt);
    if (!secret.ok()) return done(secret.status());
    Answer(entry, key, *secret, done);
  });
}

void InventoryMirror::Answer(const EntryRef& entry, const ObjectKey& key, const Value& secret,
                             const ReadDone& done) {
  std::string text;
  const auto broken = [&](absl::string_view why) {
    return done(absl::DataLossError(absl::StrCat(
        key.ToString(), " holds no inventory: ", why,
        "; remove it, and what it listed is found again by its labels as far as it is wanted")));
  };
  if (!absl::Base64Unescape(object::FindString(secret, {"data", kField}), &text)) {
    return broken("it is no base64");
  }
  absl::StatusOr<std::optional<Items>> items = DecodeInventory(entry, text);
  if (!items.ok()) return broken(items.status().message());
  done(*std::move(items));
}

void InventoryMirror::Write(const EntryRef& entry, const Items& items, const Done& done) {
  const ObjectKey key = KeyOf(entry);
  listed_.erase(key.name);
  const std::string text = EncodeInventory(entry, items);
  if (text.size() > kBytesMax) {
    return done(absl::ResourceExhaustedError(
        absl::StrCat(key.ToString(), " would be too large for a Secret: ", items.size(),
                     " objects are kept on the agent's disk only")));
  }
  object::Object metadata;
  metadata["name"] = key.name;
  metadata["namespace"] = key.ns;
  metadata["labels"] = object::Object{{kManagedBy, kAgent}};
  metadata["annotations"] = object::Object{{"leidang.dev/inventory-of", View(entry.key.name)}};
  object::Object secret{
      {"apiVersion", "v1"}, {"kind", "Secret"}, {"type", "leidang.dev/inventory"}};
  secret["metadata"] = metadata;
  secret["data"] = object::Object{{kField, View(absl::Base64Escape(text))}};
  Apply(key, secret, [this, alive = alive_, key, secret, done](const absl::Status& status) {
    if (!*alive) return;
    if (!absl::IsUnavailable(status)) return done(status);
    // Perhaps its namespace is not there.
    const Value ns = object::Object{{"apiVersion", "v1"},
                                    {"kind", "Namespace"},
                                    {"metadata", object::Object{{"name", View(ns_)}}}};
    cluster_.Apply({{"", "Namespace", "", ns_}, ns, ""},
                   [this, alive, key, secret, done](const absl::StatusOr<Applied>&) {
                     if (*alive) Apply(key, secret, done);
                   });
  });
}

void InventoryMirror::Apply(const ObjectKey& key, const Value& secret, const Done& done) {
  cluster_.Apply({key, secret, std::nullopt},
                 [alive = alive_, done](const absl::StatusOr<Applied>& answer) {
                   if (*alive) done(answer.status());
                 });
}

void InventoryMirror::Remove(const EntryRef& entry, const Done& done) {
  DeleteRequest request;
  request.key = KeyOf(entry);
  listed_.erase(request.key.name);
  request.propagation = Propagation::kBackground;
  cluster_.Delete(std::move(request),
                  [alive = alive_, done](const absl::StatusOr<Deleted>& answer) {
                    if (*alive) done(answer.status());
                  });
}

}  // namespace leidang::agent
