#include "agent/cluster/owned_fields.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/object/sha256.h"

namespace leidang::agent {
namespace {

using object::Value;

absl::string_view View(boost::json::string_view text) { return {text.data(), text.size()}; }

bool HasMembers(const Value& item, const Value& key) {
  if (!item.is_object() || !key.is_object()) return false;
  return std::all_of(key.get_object().begin(), key.get_object().end(), [&](const auto& member) {
    const Value* found = item.get_object().if_contains(member.key());
    return found != nullptr && object::Equal(*found, member.value());
  });
}

const Value* ItemOf(const object::Array& list, absl::string_view element) {
  absl::string_view text = element;
  if (absl::ConsumePrefix(&text, "i:")) {
    size_t index = 0;
    return absl::SimpleAtoi(text, &index) && index < list.size() ? &list[index] : nullptr;
  }
  const bool by_key = absl::ConsumePrefix(&text, "k:");
  if (!by_key && !absl::ConsumePrefix(&text, "v:")) return nullptr;
  const absl::StatusOr<Value> wanted = object::ParseJson(text);
  if (!wanted.ok()) return nullptr;
  for (const Value& item : list) {
    if (by_key ? HasMembers(item, *wanted) : object::Equal(item, *wanted)) return &item;
  }
  return nullptr;
}

enum class Gone : uint8_t { kCounts, kLeftOut };

// `value` is null where there is nothing.
void Feed(const Value& fields, const Value* value, Gone gone, std::string& path,
          object::Sha256Stream& out) {
  if (!fields.is_object() || (value == nullptr && gone == Gone::kLeftOut)) return;
  for (const auto& member : fields.get_object()) {
    const absl::string_view element = View(member.key());
    const size_t before = path.size();
    absl::StrAppend(&path, "/", element);
    if (element == ".") {
      out.Add(absl::StrCat(path, value == nullptr ? "\n-\n" : "\n+\n"));
    } else {
      const Value* below = value == nullptr ? nullptr : BelowField(*value, element);
      const bool leaf = !member.value().is_object() || member.value().get_object().empty();
      if (leaf && (below != nullptr || gone == Gone::kCounts)) {
        out.Add(absl::StrCat(
            path, "\n", below == nullptr ? std::string("-") : object::CanonicalJson(*below), "\n"));
      } else if (!leaf) {
        Feed(member.value(), below, gone, path, out);
      }
    }
    path.resize(before);
  }
}

std::string HashOf(const Value& object, Gone gone) {
  const FieldOwners owners = OwnersOf(object);
  if (owners.ours.empty()) return "";
  object::Sha256Stream hash;
  std::string path;
  for (const Value* fields : owners.ours) Feed(*fields, &object, gone, path, hash);
  return hash.Finish().Hex();
}

}  // namespace

const Value* BelowField(const Value& value, absl::string_view element) {
  absl::string_view name = element;
  if (absl::ConsumePrefix(&name, "f:")) {
    return value.is_object() ? value.get_object().if_contains({name.data(), name.size()}) : nullptr;
  }
  return value.is_array() ? ItemOf(value.get_array(), element) : nullptr;
}

FieldOwners OwnersOf(const Value& object) {
  FieldOwners owners;
  const Value* managed = object::Find(object, {"metadata", "managedFields"});
  if (managed == nullptr || !managed->is_array()) return owners;
  for (const Value& entry : managed->get_array()) {
    const Value* fields = object::Find(entry, {"fieldsV1"});
    if (fields == nullptr || !object::FindString(entry, {"subresource"}).empty()) continue;
    if (object::FindString(entry, {"manager"}) == kFieldManager) {
      owners.ours.push_back(fields);
    } else {
      owners.others.push_back(fields);
    }
  }
  return owners;
}

std::string OwnedHash(const Value& object) { return HashOf(object, Gone::kCounts); }

std::string OwnedValuesHash(const Value& object) { return HashOf(object, Gone::kLeftOut); }

std::string LastRival(const Value& object) {
  const Value* managed = object::Find(object, {"metadata", "managedFields"});
  absl::string_view rival;
  absl::string_view newest;
  if (managed == nullptr || !managed->is_array()) return "";
  for (const Value& entry : managed->get_array()) {
    const absl::string_view manager = object::FindString(entry, {"manager"});
    // As text: all are UTC, to the second.
    const absl::string_view time = object::FindString(entry, {"time"});
    const bool status = !object::FindString(entry, {"subresource"}).empty() &&
                        object::FindString(entry, {"subresource"}) != "scale";
    if (manager == kFieldManager || status || time < newest) continue;
    newest = time;
    rival = manager;
  }
  return std::string(rival);
}

}  // namespace leidang::agent
