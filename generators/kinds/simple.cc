// The generators that need nothing from outside a set but the list of clusters.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "generators/kinds/evaluation.h"
#include "generators/params/params.h"
#include "generators/template/normalize.h"
#include "generators/template/value_json.h"

namespace leidang::generators {

namespace {

using object::Value;

absl::string_view View(const boost::json::string_view& s) { return {s.data(), s.size()}; }
absl::string_view View(const boost::json::string& s) { return {s.data(), s.size()}; }

// An element without goTemplate: text only, but for one level of `values`.
absl::StatusOr<TValue> FlatElement(const object::Object& element) {
  TValue out = TValue::Map();
  const auto set = [&](absl::string_view key, const Value& value) -> absl::Status {
    if (!value.is_string()) {
      // Argo CD's own words, which name no cause.
      return WithDetail(absl::InvalidArgumentError("error parsing value as string %!w(<nil>)"),
                        key);
    }
    out.mutable_map()->Set(key, TValue::String(View(value.get_string())));
    return absl::OkStatus();
  };
  for (const auto& [key, value] : element) {
    if (key != "values") {
      RETURN_IF_ERROR(set(View(key), value));
      continue;
    }
    if (!value.is_object()) return absl::InvalidArgumentError("error parsing values map");
    for (const auto& [name, constant] : value.get_object()) {
      RETURN_IF_ERROR(set(absl::StrCat("values.", View(name)), constant));
    }
  }
  return out;
}

absl::StatusOr<TValue> Element(const Value& element, bool go) {
  if (element.is_null()) return TValue::Map();
  if (!element.is_object()) {
    return absl::InvalidArgumentError("error unmarshling list element: it is no object");
  }
  if (go) return FromJson(element);
  return FlatElement(element.get_object());
}

}  // namespace

absl::Status Evaluation::List(const Body& body, const ListConfig& config, Emit emit) {
  for (size_t i = 0; i < config.elements.size(); ++i) {
    absl::StatusOr<TValue> params = Element(config.elements[i], go());
    if (!params.ok()) {
      const TValue shown = FromJson(config.elements[i]);
      const std::string member = DetailOf(params.status());
      Fail(absl::StrCat(body.path, ".elements[", i, "]", member.empty() ? "" : ".", member), &shown,
           params.status());
      continue;
    }
    emit(*std::move(params));
  }
  if (config.elements_yaml.empty()) return absl::OkStatus();
  const std::string path = absl::StrCat(body.path, ".elementsYaml");
  absl::StatusOr<std::vector<TValue>> objects =
      ReadObjects(config.elements_yaml, path, SingleObject::kNo);
  if (!objects.ok()) {
    Fail(DetailOf(objects.status()), nullptr,
         absl::Status(
             objects.status().code(),
             absl::StrCat("error unmarshling decoded ElementsYaml ", objects.status().message())));
    return absl::OkStatus();
  }
  for (TValue& object : *objects) emit(std::move(object));
  return absl::OkStatus();
}

namespace {

TValue ClusterParams(const Cluster& cluster, bool go) {
  TValue params = TValue::Map();
  TMap* map = params.mutable_map();
  map->Set("name", TValue::String(cluster.name));
  map->Set("nameNormalized", TValue::String(Normalize(cluster.name)));
  map->Set("project", TValue::String(cluster.project.value_or("")));
  map->Set("server", TValue::String(cluster.server));
  if (!go) {
    for (const auto& [key, value] : cluster.annotations) {
      map->Set(absl::StrCat("metadata.annotations.", key), TValue::String(value));
    }
    for (const auto& [key, value] : cluster.labels) {
      map->Set(absl::StrCat("metadata.labels.", key), TValue::String(value));
    }
    return params;
  }
  TValue metadata = TValue::Map();
  if (!cluster.annotations.empty()) {
    metadata.mutable_map()->Set("annotations", TextMap(cluster.annotations));
  }
  if (!cluster.labels.empty()) metadata.mutable_map()->Set("labels", TextMap(cluster.labels));
  map->Set("metadata", std::move(metadata));
  return params;
}

TValue LocalClusterParams() {
  TValue params = TValue::Map();
  TMap* map = params.mutable_map();
  map->Set("name", TValue::String(kLocalClusterName));
  map->Set("nameNormalized", TValue::String(kLocalClusterName));
  map->Set("project", TValue::String(""));
  map->Set("server", TValue::String(kLocalClusterServer));
  return params;
}

bool HasMembers(const Value& selector, absl::string_view name) {
  const Value* member = object::Find(selector, {name});
  if (member == nullptr) return false;
  return (member->is_object() && !member->get_object().empty()) ||
         (member->is_array() && !member->get_array().empty());
}

// What makes a Secret a cluster's is always asked for: a user's own condition on that label gives
// way to it.
Value OfClusterSecrets(Value selector) {
  constexpr char kSecretType[] = "argocd.argoproj.io/secret-type";
  if (!selector.is_object()) return selector;
  const auto labels = selector.get_object().find("matchLabels");
  if (labels == selector.get_object().end() || !labels->value().is_object()) return selector;
  object::Object& wanted = labels->value().get_object();
  if (wanted.contains(kSecretType)) wanted[kSecretType] = "cluster";
  return selector;
}

}  // namespace

absl::Status Evaluation::Clusters(const Body& body, const ClustersConfig& config, Emit emit) {
  const absl::StatusOr<match::Selector> selector =
      match::Selector::Parse(OfClusterSecrets(config.selector), match::Selector::Rules::kLabels);
  if (!selector.ok()) {
    return absl::Status(
        selector.status().code(),
        absl::StrCat("error getting cluster secrets: error converting label selector: ",
                     selector.status().message()));
  }
  // By name; of several with one name the greatest Secret counts.
  std::map<std::string, const Cluster*> selected;
  for (const Cluster& cluster : world_.clusters) {
    if (!selector->Matches(cluster.labels)) continue;
    const Cluster*& slot = selected[cluster.name];
    if (slot == nullptr || slot->secret_name <= cluster.secret_name) slot = &cluster;
  }
  std::vector<TValue> flat;
  const auto collect = [&](TValue params) {
    if (config.flat_list) {
      flat.push_back(std::move(params));
    } else {
      emit(std::move(params));
    }
  };
  const size_t failures_before = failures_;
  bool local_registered = false;
  for (const auto& [name, cluster] : selected) {
    local_registered = local_registered || cluster->server == kLocalClusterServer;
    EmitWithValues(body, config.values,
                   "error appending templated values for cluster: ", ClusterParams(*cluster, go()),
                   collect);
  }
  const bool selects =
      HasMembers(config.selector, "matchLabels") || HasMembers(config.selector, "matchExpressions");
  if (world_.implicit_local_cluster && !selects && !local_registered) {
    EmitWithValues(body, config.values,
                   "error appending templated values for local cluster: ", LocalClusterParams(),
                   collect);
  }
  if (!config.flat_list) return absl::OkStatus();
  if (failures_ != failures_before) {
    return absl::FailedPreconditionError(
        "the list of clusters is incomplete: the values of some failed");
  }
  TValue params = TValue::Map();
  // Go prints a list that was never filled as null.
  params.mutable_map()->Set("clusters", flat.empty()
                                            ? TValue::TypedNil(GoType::kMapList)
                                            : TValue::List(std::move(flat), GoType::kMapList));
  emit(std::move(params));
  return absl::OkStatus();
}

}  // namespace leidang::generators
