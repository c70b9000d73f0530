#include "tests/conformance/client_diff.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/kube/quantity.h"
#include "common/manifest/manifest.h"

namespace leidang::conformance {
namespace {

using object::Value;

absl::string_view View(boost::json::string_view text) { return {text.data(), text.size()}; }

enum class Kind : uint8_t { kBuiltIn, kCustom };

Kind KindOf(const Value& object) {
  const std::string group(manifest::GroupOf(object::FindString(object, {"apiVersion"})));
  static const std::set<std::string> kGroups = {"",       "apps",      "batch", "autoscaling",
                                                "policy", "extensions"};
  const bool built_in =
      kGroups.count(group) > 0 ||
      (absl::EndsWith(group, ".k8s.io") &&
       manifest::KnownScope(group, object::FindString(object, {"kind"})).has_value());
  return built_in ? Kind::kBuiltIn : Kind::kCustom;
}

// Lists of built-in kinds that are merged, by the member that names their items.
absl::string_view MergeKey(absl::string_view list, const Value& item) {
  static const std::map<std::string, std::string> kKeys = {
      {"containers", "name"},
      {"initContainers", "name"},
      {"ephemeralContainers", "name"},
      {"env", "name"},
      {"volumes", "name"},
      {"imagePullSecrets", "name"},
      {"secrets", "name"},
      {"volumeMounts", "mountPath"},
      {"volumeDevices", "devicePath"},
      {"hostAliases", "ip"},
      {"ownerReferences", "uid"},
      {"conditions", "type"},
      {"topologySpreadConstraints", "topologyKey"},
      {"resourceClaims", "name"}};
  if (list == "ports") {
    if (object::Find(item, {"containerPort"}) != nullptr) return "containerPort";
    return object::Find(item, {"port"}) != nullptr && object::Find(item, {"endPort"}) == nullptr
               ? "port"
               : "";
  }
  const auto found = kKeys.find(std::string(list));
  return found == kKeys.end() ? absl::string_view() : found->second;
}

// Members whose zero is not the same as their absence.
bool KeepsZero(absl::string_view name) {
  static const std::set<std::string> kPointers = {"replicas",
                                                  "automountServiceAccountToken",
                                                  "runAsNonRoot",
                                                  "runAsUser",
                                                  "runAsGroup",
                                                  "fsGroup",
                                                  "privileged",
                                                  "allowPrivilegeEscalation",
                                                  "readOnlyRootFilesystem",
                                                  "enableServiceLinks",
                                                  "terminationGracePeriodSeconds",
                                                  "suspend",
                                                  "parallelism",
                                                  "completions",
                                                  "backoffLimit",
                                                  "activeDeadlineSeconds",
                                                  "optional",
                                                  "revisionHistoryLimit",
                                                  "progressDeadlineSeconds",
                                                  "immutable",
                                                  "shareProcessNamespace",
                                                  "hostUsers",
                                                  "successfulJobsHistoryLimit",
                                                  "failedJobsHistoryLimit",
                                                  "ttlSecondsAfterFinished",
                                                  "partition",
                                                  "controller",
                                                  "blockOwnerDeletion",
                                                  "minReplicas",
                                                  "maxSurge",
                                                  "maxUnavailable",
                                                  "minAvailable",
                                                  "defaultMode",
                                                  "mode",
                                                  "tolerationSeconds"};
  return kPointers.count(std::string(name)) > 0;
}

bool IsTextMap(absl::string_view name) {
  static const std::set<std::string> kMaps = {"labels",       "annotations", "matchLabels",
                                              "nodeSelector", "data",        "stringData",
                                              "binaryData",   "parameters"};
  return kMaps.count(std::string(name)) > 0;
}

bool IsQuantityMap(absl::string_view name) {
  static const std::set<std::string> kMaps = {"requests", "limits",   "capacity",
                                              "hard",     "overhead", "max",
                                              "min",      "default",  "defaultRequest"};
  return kMaps.count(std::string(name)) > 0;
}

bool IsZero(const Value& value) {
  if (value.is_null()) return true;
  if (value.is_object()) return value.get_object().empty();
  if (value.is_array()) return value.get_array().empty();
  if (value.is_string()) return value.get_string().empty();
  if (value.is_bool()) return !value.get_bool();
  return object::Equal(value, Value(0));
}

void NormalizeQuantity(Value& value) {
  const std::string text =
      value.is_string() ? std::string(View(value.get_string())) : object::ToJson(value);
  const absl::StatusOr<kube::Quantity> quantity = kube::Quantity::Parse(text);
  if (quantity.ok()) value = quantity->Canonical();
}

void NormalizeTyped(Value& value, absl::string_view name) {
  if (value.is_array()) {
    for (Value& item : value.get_array()) NormalizeTyped(item, "");
    return;
  }
  if (!value.is_object()) return;
  std::vector<std::string> zeros;
  for (auto& member : value.get_object()) {
    const std::string key(View(member.key()));
    if (IsQuantityMap(name) || (key == "sizeLimit")) NormalizeQuantity(member.value());
    NormalizeTyped(member.value(), key);
    const bool kept = IsTextMap(name) || KeepsZero(key);
    if (member.value().is_null() || (!kept && IsZero(member.value()))) zeros.push_back(key);
  }
  for (const std::string& key : zeros) object::StableErase(value.get_object(), key);
}

void NormalizeSecret(object::Object& secret) {
  object::Object data;
  if (const Value* found = secret.if_contains("data"); found != nullptr && found->is_object()) {
    data = found->get_object();
  }
  for (auto& member : data) {
    if (!member.value().is_string()) continue;
    std::string text(View(member.value().get_string()));
    text.erase(std::remove_if(text.begin(), text.end(), absl::ascii_isspace), text.end());
    std::string bytes;
    if (absl::Base64Unescape(text, &bytes)) member.value() = absl::Base64Escape(bytes);
  }
  if (const Value* found = secret.if_contains("stringData");
      found != nullptr && found->is_object()) {
    for (const auto& member : found->get_object()) {
      if (member.value().is_string()) {
        data[member.key()] = absl::Base64Escape(View(member.value().get_string()));
      }
    }
  }
  object::StableErase(secret, "stringData");
  if (data.empty()) {
    object::StableErase(secret, "data");
  } else {
    secret["data"] = data;
  }
}

class Comparison {
 public:
  explicit Comparison(Kind kind) : kind_(kind) {}

  // `before` may be null; so may `live`, for what is not there.
  bool Changes(absl::string_view name, const Value* before, const Value& desired,
               const Value* live) const {
    if (desired.is_null()) return live != nullptr && !live->is_null();
    if (live == nullptr) return kind_ == Kind::kCustom || !IsZero(desired);
    if (desired.is_object() && live->is_object()) return ObjectChanges(before, desired, *live);
    if (kind_ == Kind::kBuiltIn && desired.is_array() && live->is_array()) {
      return ListChanges(name, before, desired.get_array(), live->get_array());
    }
    return !object::Equal(desired, *live);
  }

 private:
  bool ObjectChanges(const Value* before, const Value& desired, const Value& live) const {
    const object::Object* old =
        before != nullptr && before->is_object() ? &before->get_object() : nullptr;
    const object::Object& now = live.get_object();
    for (const auto& member : desired.get_object()) {
      const Value* was = old == nullptr ? nullptr : old->if_contains(member.key());
      if (Changes(View(member.key()), was, member.value(), now.if_contains(member.key()))) {
        return true;
      }
    }
    if (old == nullptr) return false;
    return std::any_of(old->begin(), old->end(), [&](const auto& member) {
      return !desired.get_object().contains(member.key()) && now.contains(member.key());
    });
  }

  bool ListChanges(absl::string_view name, const Value* before, const object::Array& desired,
                   const object::Array& live) const {
    if (desired.empty()) return !live.empty() && before != nullptr && !IsZero(*before);
    const absl::string_view key = MergeKey(name, desired[0]);
    if (name == "finalizers" || !key.empty()) return MergedListChanges(key, before, desired, live);
    if (desired.size() != live.size()) return true;
    for (size_t i = 0; i < desired.size(); ++i) {
      if (AtomicItemChanges(desired[i], live[i])) return true;
    }
    return false;
  }

  // Replaced as a whole; only what the server fills in itself may be more.
  bool AtomicItemChanges(const Value& desired, const Value& live) const {
    static const std::set<std::string> kFilled = {
        "protocol", "volumeMode", "status", "apiVersion", "kind", "apiGroup", "sessionAffinity"};
    if (!desired.is_object() || !live.is_object()) return !object::Equal(desired, live);
    for (const auto& member : live.get_object()) {
      const std::string name(View(member.key()));
      if (!desired.get_object().contains(member.key()) && kFilled.count(name) == 0) return true;
    }
    return Changes("", nullptr, desired, &live);
  }

  static const Value* Named(const Value& item, absl::string_view key) {
    return key.empty() ? &item : object::Find(item, {key});
  }

  static std::optional<size_t> IndexOf(const object::Array& list, absl::string_view key,
                                       const Value& item) {
    const Value* name = Named(item, key);
    for (size_t i = 0; name != nullptr && i < list.size(); ++i) {
      const Value* other = Named(list[i], key);
      if (other != nullptr && object::Equal(*name, *other)) return i;
    }
    return std::nullopt;
  }

  bool MergedListChanges(absl::string_view key, const Value* before, const object::Array& desired,
                         const object::Array& live) const {
    const object::Array none;
    const object::Array& old = before != nullptr && before->is_array() ? before->get_array() : none;
    std::optional<size_t> last;
    for (const Value& item : desired) {
      const std::optional<size_t> at = IndexOf(live, key, item);
      if (!at.has_value() || (last.has_value() && *at < *last)) return true;
      last = at;
      const std::optional<size_t> was = IndexOf(old, key, item);
      if (Changes("", was.has_value() ? &old[*was] : nullptr, item, &live[*at])) return true;
    }
    return std::any_of(old.begin(), old.end(), [&](const Value& item) {
      return !IndexOf(desired, key, item).has_value() && IndexOf(live, key, item).has_value();
    });
  }

  const Kind kind_;
};

}  // namespace

void Normalize(Value& object) {
  if (!object.is_object()) return;
  object::StableErase(object.get_object(), "status");
  if (KindOf(object) == Kind::kCustom) return;
  if (object::FindString(object, {"kind"}) == "Secret" &&
      object::FindString(object, {"apiVersion"}) == "v1") {
    NormalizeSecret(object.get_object());
  }
  NormalizeTyped(object, "");
}

bool ApplyWouldChange(const Value& before, Value desired, Value live) {
  const Kind kind = KindOf(desired);
  for (Value* object : {&desired, &live}) {
    Normalize(*object);
    Value* metadata = object->is_object() ? object->get_object().if_contains("metadata") : nullptr;
    if (metadata != nullptr && metadata->is_object()) {
      object::StableErase(metadata->get_object(), "creationTimestamp");
    }
  }
  Value old = before;
  Normalize(old);
  return Comparison(kind).Changes("", &old, desired, &live);
}

}  // namespace leidang::conformance
