#include "agent/reconcile/live_diff.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/cluster/secret_data.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

constexpr size_t kInFlightMax = 8;
constexpr size_t kErrorMax = 1024;

boost::json::string_view View(const std::string& text) { return {text.data(), text.size()}; }

// What the server keeps for itself, and what tools keep a copy of the object in.
void DropNoise(Value& object) {
  if (!object.is_object()) return;
  object::StableErase(object.get_object(), "status");
  Value* metadata = object.get_object().if_contains("metadata");
  if (metadata == nullptr || !metadata->is_object()) return;
  for (const absl::string_view name :
       {"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"}) {
    object::StableErase(metadata->get_object(), name);
  }
  Value* annotations = metadata->get_object().if_contains("annotations");
  if (annotations == nullptr || !annotations->is_object()) return;
  object::StableErase(annotations->get_object(),
                      "kubectl.kubernetes.io/last-applied-configuration");
  if (annotations->get_object().empty()) {
    object::StableErase(metadata->get_object(), "annotations");
  }
}

bool IsSecret(const Value& object) {
  return object::FindString(object, {"kind"}) == "Secret" &&
         object::FindString(object, {"apiVersion"}) == "v1";
}

void Mask(Value& object, std::map<std::string, std::string>& masks) {
  for (const char* part : {"data", "stringData"}) {
    Value* values = object.get_object().if_contains(part);
    if (values == nullptr) continue;
    if (!values->is_object()) {
      *values = "++++++++";
      continue;
    }
    for (auto& member : values->get_object()) {
      std::string& mask = masks[object::CanonicalJson(member.value())];
      if (mask.empty()) mask = std::string(7 + masks.size(), '+');
      member.value() = View(mask);
    }
  }
}

object::Object Named(const ObjectKey& key) {
  object::Object named;
  named["group"] = View(key.group);
  named["kind"] = View(key.kind);
  named["namespace"] = View(key.ns);
  named["name"] = View(key.name);
  return named;
}

}  // namespace

void MaskSecret(Value* live, Value* desired) {
  std::map<std::string, std::string> masks;
  for (Value* object : {live, desired}) {
    if (object == nullptr || !object->is_object() || !IsSecret(*object)) continue;
    FoldStringData(*object);
    Mask(*object, masks);
  }
}

LiveDiff::LiveDiff(ClusterClient& cluster, IgnoredDifferences& ignored,
                   std::shared_ptr<const IgnoreRules> rules, std::vector<Item> items, Done done)
    : cluster_(cluster),
      ignored_(ignored),
      rules_(std::move(rules)),
      items_(std::move(items)),
      done_(std::move(done)),
      found_(items_.size()) {}

void LiveDiff::Start() {
  in_flight_ = 1;
  Next();
  OneDone();
}

void LiveDiff::Next() {
  while (next_ < items_.size() && in_flight_ <= kInFlightMax) {
    ++in_flight_;
    Look(next_++);
  }
}

void LiveDiff::Look(size_t index) {
  if (items_[index].live == Item::Live::kMissing) return Expect(index);
  cluster_.ReadWhole(items_[index].key, [this, alive = alive_, index](absl::StatusOr<Value> live) {
    if (!*alive) return;
    if (live.ok()) {
      found_[index].live = *std::move(live);
    } else if (!absl::IsNotFound(live.status())) {
      found_[index].error = std::string(live.status().message());
      return OneDone();
    }
    Expect(index);
  });
}

void LiveDiff::Expect(size_t index) {
  const Item& item = items_[index];
  if (!item.desired.has_value()) return Strip(index);
  cluster_.Preview({item.key, *item.desired, std::nullopt},
                   [this, alive = alive_, index](absl::StatusOr<Value> expected) {
                     if (!*alive) return;
                     if (expected.ok()) {
                       found_[index].desired = *std::move(expected);
                     } else if (absl::IsNotFound(expected.status())) {
                       // Its namespace or kind comes with the sync.
                       found_[index].desired = items_[index].desired;
                     } else {
                       found_[index].error = std::string(expected.status().message());
                       return OneDone();
                     }
                     Strip(index);
                   });
}

void LiveDiff::Strip(size_t index) {
  Found& found = found_[index];
  const ObjectKey& key = items_[index].key;
  const bool both = found.live.has_value() && found.desired.has_value();
  if (!both || rules_ == nullptr || !rules_->Concern(key)) return OneDone();
  const auto failed = [this, index](const absl::Status& status) {
    found_[index].error = std::string(status.message());
    OneDone();
  };
  const Value live = *found.live;
  ignored_.Strip(*rules_, key, live, *found.desired,
                 [this, alive = alive_, index, key, live, failed](absl::StatusOr<Value> desired) {
                   if (!*alive) return;
                   if (!desired.ok()) return failed(desired.status());
                   found_[index].desired = *std::move(desired);
                   ignored_.Strip(*rules_, key, live, live,
                                  [this, alive, index, failed](absl::StatusOr<Value> stripped) {
                                    if (!*alive) return;
                                    if (!stripped.ok()) return failed(stripped.status());
                                    found_[index].live = *std::move(stripped);
                                    OneDone();
                                  });
                 });
}

void LiveDiff::OneDone() {
  --in_flight_;
  if (next_ < items_.size()) return Next();
  if (in_flight_ > 0) return;
  const Done done = done_;
  done(Document());
}

Value LiveDiff::Document() {
  object::Array objects;
  size_t bytes = 0;
  int64_t more = 0;
  for (size_t i = 0; i < items_.size(); ++i) {
    Found& found = found_[i];
    Value* live = found.live.has_value() ? &*found.live : nullptr;
    Value* desired = found.desired.has_value() ? &*found.desired : nullptr;
    object::Object entry = Named(items_[i].key);
    size_t size = object::ToJson(entry).size() + 1;
    if (!found.error.empty()) {
      entry["error"] = View(found.error.substr(0, kErrorMax));
      size += std::min(found.error.size(), kErrorMax);
    } else {
      for (Value* object : {live, desired}) {
        if (object != nullptr) DropNoise(*object);
      }
      MaskSecret(live, desired);
      const bool same =
          live != nullptr && desired != nullptr ? object::Equal(*live, *desired) : live == desired;
      if (same) continue;
      object::Object content;
      content["live"] = live == nullptr ? Value() : *live;
      content["desired"] = desired == nullptr ? Value() : *desired;
      const size_t large = object::ToJson(content).size();
      if (bytes + size + large <= kBytesMax) {
        for (auto& member : content) entry[member.key()] = member.value();
        size += large;
      } else {
        entry["omitted"] = true;
      }
    }
    if (bytes + size > kBytesMax) {
      ++more;
      continue;
    }
    bytes += size;
    objects.push_back(std::move(entry));
  }
  object::Object document{{"objects", std::move(objects)}};
  if (more > 0) document["more"] = more;
  return document;
}

}  // namespace leidang::agent
