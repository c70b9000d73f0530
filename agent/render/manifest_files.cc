#include "agent/render/manifest_files.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "agent/render/render_error.h"
#include "common/yaml/yaml.h"

namespace leidang::agent {
namespace {

using object::Value;

bool IsObject(const Value& value) {
  return value.is_object() && !object::FindString(value, {"kind"}).empty();
}

bool LooksLikeManifest(absl::string_view text) {
  return absl::StrContains(text, "apiVersion:") && absl::StrContains(text, "kind:") &&
         absl::StrContains(text, "metadata:");
}

// A list without items, as tools that found nothing print it.
bool IsNullList(const Value& value) {
  const object::Object& members = value.get_object();
  const Value* items = members.if_contains("items");
  return items != nullptr && items->is_null() && !members.contains("spec") &&
         !members.contains("status");
}

}  // namespace

absl::StatusOr<std::vector<Value>> ParseManifests(absl::string_view text,
                                                  absl::string_view file_name) {
  absl::StatusOr<std::vector<yaml::Document>> documents = yaml::ParseYamlStream(text, file_name);
  if (!documents.ok()) {
    if (!LooksLikeManifest(text)) return std::vector<Value>();
    return RenderError(RenderReason::kInvalidYaml, documents.status().message());
  }
  std::vector<Value> objects;
  for (yaml::Document& document : *documents) {
    if (document.value.is_null()) continue;
    if (IsObject(document.value)) {
      objects.push_back(std::move(document.value));
      continue;
    }
    if (objects.empty() && !LooksLikeManifest(text)) return std::vector<Value>();
    return RenderError(
        RenderReason::kInvalidYaml,
        absl::StrCat(file_name, ":", document.line, ": not a Kubernetes object: it has no kind"));
  }
  return objects;
}

absl::StatusOr<Value> ParseJsonManifest(absl::string_view text, absl::string_view file_name) {
  absl::StatusOr<Value> value = object::ParseJson(text);
  if (!value.ok()) {
    return RenderError(RenderReason::kInvalidYaml,
                       absl::StrCat(file_name, ": ", value.status().message()));
  }
  if (!IsObject(*value)) {
    return RenderError(RenderReason::kInvalidYaml,
                       absl::StrCat(file_name, ": not a Kubernetes object: it has no kind"));
  }
  return value;
}

absl::StatusOr<std::vector<Value>> ParseToolOutput(absl::string_view text, absl::string_view tool) {
  absl::StatusOr<std::vector<yaml::Document>> documents =
      yaml::ParseYamlStream(text, absl::StrCat("output of ", tool));
  if (!documents.ok()) {
    return RenderError(RenderReason::kRenderFailed, documents.status().message());
  }
  std::vector<Value> objects;
  for (yaml::Document& document : *documents) {
    if (document.value.is_null()) continue;
    if (!IsObject(document.value)) {
      return RenderError(RenderReason::kRenderFailed,
                         absl::StrCat("output of ", tool, ", line ", document.line,
                                      ": not a Kubernetes object: it has no kind"));
    }
    objects.push_back(std::move(document.value));
  }
  return objects;
}

std::vector<Value> ExpandLists(std::vector<Value> objects) {
  std::vector<Value> expanded;
  for (Value& value : objects) {
    Value* items = value.get_object().if_contains("items");
    if (items != nullptr && items->is_array()) {
      for (Value& item : items->get_array()) {
        if (item.is_object()) expanded.push_back(std::move(item));
      }
    } else if (!IsNullList(value)) {
      expanded.push_back(std::move(value));
    }
  }
  return expanded;
}

}  // namespace leidang::agent
