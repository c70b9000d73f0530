#include "agent/cluster/api_resources.h"

#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace leidang::agent {
namespace {

using object::Value;

std::vector<const Value*> Items(const Value& parent, absl::string_view name) {
  std::vector<const Value*> items;
  const Value* list = object::Find(parent, {name});
  if (list == nullptr || !list->is_array()) return items;
  for (const Value& item : list->get_array()) items.push_back(&item);
  return items;
}

ApiResource ReadResource(const Value& item, absl::string_view group, absl::string_view version) {
  ApiResource resource;
  resource.group = std::string(group);
  resource.version = std::string(version);
  resource.plural = std::string(object::FindString(item, {"resource"}));
  resource.kind = std::string(object::FindString(item, {"responseKind", "kind"}));
  if (object::FindString(item, {"scope"}) == "Cluster") resource.scope = manifest::Scope::kCluster;
  std::set<std::string> verbs;
  for (const Value* verb : Items(item, "verbs")) {
    if (verb->is_string()) verbs.emplace(verb->get_string());
  }
  if (verbs.contains("list") && verbs.contains("watch") && verbs.contains("patch")) {
    resource.listing = ApiResource::Listing::kYes;
  }
  return resource;
}

// Names of kinds such as ClusterRoles may hold what a path must not.
std::string Escaped(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || c == ':' || c == '@';
    constexpr char kHex[] = "0123456789ABCDEF";
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
    }
  }
  return out;
}

}  // namespace

std::string ApiResource::ApiVersion() const {
  return group.empty() ? version : absl::StrCat(group, "/", version);
}

std::string ApiResource::Name() const {
  return group.empty() ? plural : absl::StrCat(plural, ".", group);
}

std::string ApiResource::CollectionPath(absl::string_view ns) const {
  const std::string root =
      group.empty() ? absl::StrCat("/api/", version) : absl::StrCat("/apis/", group, "/", version);
  if (scope == manifest::Scope::kCluster || ns.empty()) return absl::StrCat(root, "/", plural);
  return absl::StrCat(root, "/namespaces/", Escaped(ns), "/", plural);
}

std::string ApiResource::ObjectPath(const object::ObjectKey& key) const {
  return absl::StrCat(CollectionPath(key.ns), "/", Escaped(key.name));
}

absl::Status ApiResources::Add(const Value& document) {
  if (object::FindString(document, {"kind"}) != "APIGroupDiscoveryList") {
    return absl::FailedPreconditionError(
        "the API server has no aggregated discovery: Kubernetes 1.27 or newer is needed");
  }
  for (const Value* group : Items(document, "items")) {
    const absl::string_view group_name = object::FindString(*group, {"metadata", "name"});
    for (const Value* version : Items(*group, "versions")) {
      const absl::string_view name = object::FindString(*version, {"version"});
      if (object::FindString(*version, {"freshness"}) == "Stale") {
        incomplete_.emplace(group_name);
      }
      for (const Value* item : Items(*version, "resources")) {
        ApiResource resource = ReadResource(*item, group_name, name);
        if (resource.kind.empty() || resource.plural.empty()) continue;
        kinds_[{resource.group, resource.kind}].push_back(std::move(resource));
      }
    }
  }
  return absl::OkStatus();
}

const ApiResource* ApiResources::Find(absl::string_view group, absl::string_view kind,
                                      absl::string_view version) const {
  const auto found = kinds_.find({std::string(group), std::string(kind)});
  if (found == kinds_.end()) return nullptr;
  for (const ApiResource& resource : found->second) {
    if (resource.version == version) return &resource;
  }
  return &found->second.front();
}

std::vector<ApiResource> ApiResources::Listed() const {
  std::vector<ApiResource> listed;
  for (const auto& [kind, versions] : kinds_) {
    if (versions.front().listing == ApiResource::Listing::kYes) listed.push_back(versions.front());
  }
  return listed;
}

}  // namespace leidang::agent
