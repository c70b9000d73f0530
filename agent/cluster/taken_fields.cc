#include "agent/cluster/taken_fields.h"

#include <algorithm>

#include "absl/strings/string_view.h"

#include "agent/cluster/owned_fields.h"

namespace leidang::agent {
namespace {

using object::Value;

// Tools that make objects from files.
constexpr absl::string_view kTools[] = {
    "kubectl-client-side-apply",
    "kubectl",
    "before-first-apply",
    "argocd-controller",
    "argocd-application-controller",
    "helm",
    "helm-controller",
    "kustomize-controller",
    "kustomize",
    "flux",
};

bool IsTool(const Value& entry) {
  const absl::string_view manager = object::FindString(entry, {"manager"});
  return object::FindString(entry, {"subresource"}).empty() &&
         std::find(std::begin(kTools), std::end(kTools), manager) != std::end(kTools);
}

bool IsOurs(const Value& entry) {
  return object::FindString(entry, {"manager"}) == kFieldManager &&
         object::FindString(entry, {"operation"}) == "Apply" &&
         object::FindString(entry, {"subresource"}).empty();
}

void Unite(Value& all, const Value& more) {
  if (!all.is_object() || !more.is_object()) return;
  for (const auto& member : more.get_object()) {
    Value& below = all.get_object()[member.key()];
    if (!below.is_object()) below = object::Object();
    Unite(below, member.value());
  }
}

}  // namespace

std::optional<object::Array> TakeOverFields(const Value& object) {
  const Value* managed = object::Find(object, {"metadata", "managedFields"});
  if (managed == nullptr || !managed->is_array()) return std::nullopt;
  const object::Array& entries = managed->get_array();
  if (std::none_of(entries.begin(), entries.end(), IsTool)) return std::nullopt;
  Value ours = object::Object{
      {"manager", kFieldManager}, {"operation", "Apply"}, {"fieldsType", "FieldsV1"}};
  Value fields = object::Object();
  object::Array result;
  for (const Value& entry : entries) {
    if (!IsTool(entry) && !IsOurs(entry)) {
      result.push_back(entry);
      continue;
    }
    for (const char* name : {"apiVersion", "time"}) {
      const Value* said = object::Find(entry, {name});
      if (said != nullptr) ours.get_object()[name] = *said;
    }
    const Value* owned = object::Find(entry, {"fieldsV1"});
    if (owned != nullptr) Unite(fields, *owned);
  }
  ours.get_object()["fieldsV1"] = fields;
  result.push_back(ours);
  return result;
}

}  // namespace leidang::agent
