#include "generators/reconcile.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "generators/application/typed.h"
#include "generators/reconciling/jq_path.h"
#include "generators/reconciling/merge_patch.h"

namespace leidang::generators {

using object::Array;
using object::FindString;
using object::Object;
using object::Value;

std::optional<ApplicationsSync> ParsePolicy(absl::string_view text) {
  if (text == "create-only") return ApplicationsSync::kCreateOnly;
  if (text == "create-update") return ApplicationsSync::kCreateUpdate;
  if (text == "create-delete") return ApplicationsSync::kCreateDelete;
  if (text == "sync") return ApplicationsSync::kSync;
  return std::nullopt;
}

ApplicationsSync EffectivePolicy(const ApplicationSet& set, const ServerPolicy& server) {
  if (!server.override_enabled) return server.policy;
  return set.applications_sync().value_or(server.policy);
}

ApplicationValidator::ApplicationValidator(const ApplicationSet& set, const World& world)
    : set_(set), world_(world) {
  bool local = world.implicit_local_cluster;
  for (const Cluster& cluster : world.clusters) {
    servers_by_name_[cluster.name].push_back(cluster.server);
    servers_.insert(cluster.server);
    local = local && cluster.server != kLocalClusterServer;
  }
  if (local) {
    servers_by_name_[kLocalClusterName].push_back(kLocalClusterServer);
    servers_.insert(kLocalClusterServer);
  }
  for (auto& [name, servers] : servers_by_name_) std::sort(servers.begin(), servers.end());
}

namespace {

absl::Status Invalid(absl::string_view message) { return absl::InvalidArgumentError(message); }

}  // namespace

absl::Status ApplicationValidator::CheckParts(absl::string_view name, absl::string_view project,
                                              absl::string_view server,
                                              absl::string_view destination_name) {
  if (name.empty()) {
    return Invalid(
        absl::StrCat("ApplicationSet ", set_.name(),
                     " contains an application with no name; a name must be set in the template's "
                     "metadata.name or via a templatePatch (generateName is not supported)"));
  }
  if (++seen_[std::string(name)] > 1) {
    return Invalid(absl::StrCat("ApplicationSet ", set_.name(),
                                " contains applications with duplicate name: ", name));
  }
  if (world_.projects.count(std::string(project)) == 0) {
    return Invalid(
        absl::StrCat("application references project ", project, " which does not exist"));
  }
  const auto bad_destination = [](absl::string_view why) {
    return Invalid(absl::StrCat("application destination spec is invalid: ", why));
  };
  if (!server.empty() && !destination_name.empty()) {
    return bad_destination(absl::StrCat(
        "application destination can't have both name and server defined: ", destination_name, " ",
        server));
  }
  if (!server.empty()) {
    absl::string_view known = server;
    while (absl::ConsumeSuffix(&known, "/")) {
    }
    if (servers_.count(std::string(known)) > 0) return absl::OkStatus();
    return bad_destination(absl::StrCat("error getting cluster by server \"", server,
                                        "\": rpc error: code = NotFound desc = cluster \"", server,
                                        "\" not found"));
  }
  if (destination_name.empty()) return bad_destination("Destination server missing from app spec");
  const auto it = servers_by_name_.find(std::string(destination_name));
  if (it == servers_by_name_.end()) {
    return bad_destination(
        absl::StrCat("there are no clusters with this name: ", destination_name));
  }
  if (it->second.size() > 1) {
    return bad_destination(absl::StrCat("there are ", it->second.size(),
                                        " clusters with the same name: [",
                                        absl::StrJoin(it->second, " "), "]"));
  }
  return absl::OkStatus();
}

absl::Status ApplicationValidator::Check(const GeneratedApplication& application) {
  const absl::Status status =
      CheckParts(application.name(), application.project(), application.destination_server(),
                 application.destination_name());
  if (!status.ok()) rejected_[std::string(application.name())] = std::string(status.message());
  return status;
}

absl::Status ApplicationValidator::Check(const Value& manifest) {
  const absl::string_view name = FindString(manifest, {"metadata", "name"});
  const absl::Status status = CheckParts(name, FindString(manifest, {"spec", "project"}),
                                         FindString(manifest, {"spec", "destination", "server"}),
                                         FindString(manifest, {"spec", "destination", "name"}));
  if (!status.ok()) rejected_[std::string(name)] = std::string(status.message());
  return status;
}

ApplicationValidator::Outcome ApplicationValidator::Finish() const {
  Outcome outcome;
  for (const auto& [name, message] : rejected_) outcome.rejected.push_back({name, message});
  if (outcome.rejected.empty()) return outcome;
  outcome.message = outcome.rejected.back().message;
  if (outcome.rejected.size() > 1) {
    absl::StrAppend(&outcome.message, " (and ", outcome.rejected.size() - 1, " more)");
  }
  return outcome;
}

namespace {

constexpr const char* kAlwaysPreserved[] = {"notified.notifications.argoproj.io",
                                            "argocd.argoproj.io/refresh",
                                            "argocd.argoproj.io/hydrate"};
constexpr const char* kHookFinalizers[] = {"pre-delete-finalizer.argocd.argoproj.io",
                                           "post-delete-finalizer.argocd.argoproj.io"};

// Blocks that say nothing are as good as absent.
void NormalizeSource(Object& source) {
  for (const char* block : {"helm", "kustomize"}) {
    const Value* value = source.if_contains(block);
    if (value == nullptr || !value->is_object()) continue;
    bool says_something = false;
    for (const auto& [key, item] : value->get_object()) {
      const bool counts = absl::string_view(block) == "helm" ||
                          (key != "forceCommonLabels" && key != "forceCommonAnnotations" &&
                           key != "commonAnnotationsEnvsubst" && key != "labelWithoutSelector" &&
                           key != "labelIncludeTemplates");
      says_something = says_something || (counts && !IsEmptyValue(item));
    }
    if (!says_something) object::StableErase(source, block);
  }
  const Value* directory = source.if_contains("directory");
  if (directory != nullptr && directory->is_object() && directory->get_object().empty()) {
    object::StableErase(source, "directory");
  }
}

void NormalizeSpec(Object& spec) {
  const Value* project = spec.if_contains("project");
  if (project == nullptr || IsEmptyValue(*project)) spec["project"] = "default";
  if (const Value* policy = spec.if_contains("syncPolicy");
      policy != nullptr && IsEmptyValue(*policy)) {
    object::StableErase(spec, "syncPolicy");
  }
  Value* sources = spec.if_contains("sources");
  if (sources != nullptr && sources->is_array() && !sources->get_array().empty()) {
    for (Value& source : sources->get_array()) {
      if (source.is_object()) NormalizeSource(source.get_object());
    }
  } else if (Value* source = spec.if_contains("source"); source != nullptr && source->is_object()) {
    NormalizeSource(source->get_object());
  }
}

Object& Child(Object& parent, absl::string_view name) {
  Value& child = parent[boost::json::string_view(name.data(), name.size())];
  if (!child.is_object()) child = Object();
  return child.get_object();
}

void SetOrErase(Object& parent, absl::string_view name, Value value) {
  if (IsEmptyValue(value)) {
    object::StableErase(parent, name);
  } else {
    parent[boost::json::string_view(name.data(), name.size())] = std::move(value);
  }
}

Value MemberOr(const Value& value, absl::string_view name, const Value& otherwise) {
  const Value* found = object::Find(value, {name});
  return found == nullptr || found->is_null() ? otherwise : *found;
}

// The generated map with those keys of the live one that are preserved.
Value WithPreserved(const Value& generated, const Value& live,
                    const std::vector<std::string>& keys) {
  Value out = generated;
  for (const std::string& key : keys) {
    if (const Value* state = object::Find(live, {key})) out.get_object()[key] = *state;
  }
  return out;
}

Value WithHookFinalizers(const Value& generated, const Value& live) {
  Value out = generated;
  for (const char* hook : kHookFinalizers) {
    for (const Value& f : live.get_array()) {
      if (f.is_string() && absl::StartsWith({f.get_string().data(), f.get_string().size()}, hook)) {
        out.get_array().push_back(f);
      }
    }
  }
  return out;
}

// The live Application with everything that the set decides.
Value Mutated(const ApplicationSet& set, const ServerPolicy& server, const Value& generated,
              const Value& live) {
  Value out = live;
  Object& root = out.get_object();
  Value spec = MemberOr(generated, "spec", Object());
  NormalizeSpec(spec.get_object());
  root["spec"] = std::move(spec);
  if (const Value* operation = object::Find(generated, {"operation"}))
    root["operation"] = *operation;
  std::vector<std::string> annotations = set.preserved_annotations();
  annotations.insert(annotations.end(), server.preserved_annotations.begin(),
                     server.preserved_annotations.end());
  annotations.insert(annotations.end(), std::begin(kAlwaysPreserved), std::end(kAlwaysPreserved));
  std::vector<std::string> labels = set.preserved_labels();
  labels.insert(labels.end(), server.preserved_labels.begin(), server.preserved_labels.end());
  const Value made = MemberOr(generated, "metadata", Object());
  const Value had = MemberOr(live, "metadata", Object());
  Object& metadata = Child(root, "metadata");
  SetOrErase(metadata, "annotations",
             WithPreserved(MemberOr(made, "annotations", Object()),
                           MemberOr(had, "annotations", Object()), annotations));
  SetOrErase(
      metadata, "labels",
      WithPreserved(MemberOr(made, "labels", Object()), MemberOr(had, "labels", Object()), labels));
  SetOrErase(metadata, "finalizers",
             WithHookFinalizers(MemberOr(made, "finalizers", Array()),
                                MemberOr(had, "finalizers", Array())));
  return out;
}

absl::Status RemoveIgnored(const ApplicationSet& set, absl::string_view name, Value* live,
                           Value* desired) {
  bool any = false;
  for (const IgnoreRule& rule : set.ignore_application_differences()) {
    if (!rule.name.empty() && rule.name != name) continue;
    any = true;
    for (const std::string& pointer : rule.json_pointers) {
      RemovePointer(pointer, live);
      RemovePointer(pointer, desired);
    }
    for (const std::string& expression : rule.jq_path_expressions) {
      absl::StatusOr<JqPath> path = JqPath::Compile(expression);
      if (!path.ok()) {
        return absl::Status(
            path.status().code(),
            absl::StrCat("spec.ignoreApplicationDifferences: ", path.status().message()));
      }
      for (Value* side : {live, desired}) {
        Value left = path->Delete(*side);
        if (left.is_object()) *side = std::move(left);
      }
    }
  }
  if (!any) return absl::OkStatus();
  for (Value* side : {live, desired}) NormalizeSpec(Child(side->get_object(), "spec"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<Value>> UpdatedManifest(const ApplicationSet& set,
                                                     const ServerPolicy& server,
                                                     const Value& generated, const Value& live) {
  Value desired = Mutated(set, server, generated, live);
  Value before = live;
  NormalizeSpec(Child(before.get_object(), "spec"));
  RETURN_IF_ERROR(RemoveIgnored(set, FindString(live, {"metadata", "name"}), &before, &desired));
  const Value patch = MakeMergePatch(before, desired);
  if (IsEmptyValue(patch)) return std::optional<Value>();
  return std::optional<Value>(ApplyMergePatch(live, patch));
}

namespace {

const Value* ControllerOf(const Value& live) {
  const Value* owners = object::Find(live, {"metadata", "ownerReferences"});
  if (owners == nullptr || !owners->is_array()) return nullptr;
  for (const Value& owner : owners->get_array()) {
    const Value* controller = object::Find(owner, {"controller"});
    if (controller != nullptr && controller->is_bool() && controller->get_bool()) return &owner;
  }
  return nullptr;
}

}  // namespace

bool OwnedBySet(const ApplicationSet& set, const Value& live) {
  const Value* owner = ControllerOf(live);
  return owner != nullptr && FindString(*owner, {"kind"}) == "ApplicationSet" &&
         FindString(*owner, {"name"}) == set.name();
}

namespace {

class Planning {
 public:
  explicit Planning(const ReconcileInput& input) : in_(input) {
    for (const Value& live : in_.live) live_[NameOf(live)] = &live;
  }

  ReconcilePlan Run() {
    const ApplicationsSync policy = EffectivePolicy(in_.set, in_.server);
    Write(Valid(), MayUpdate(policy));
    if (!plan_.status.ok() || !MayDelete(policy) || !in_.may_delete) return std::move(plan_);
    std::set<std::string> wanted;
    for (const Value& generated : in_.generated) wanted.insert(NameOf(generated));
    for (const auto& [name, live] : live_) {
      if (OwnedBySet(in_.set, *live) && wanted.count(name) == 0) plan_.deletes.push_back(name);
    }
    return std::move(plan_);
  }

 private:
  static std::string NameOf(const Value& application) {
    return std::string(FindString(application, {"metadata", "name"}));
  }

  // What passes validation, by name. A name that occurs twice passes not at all.
  std::map<std::string, const Value*> Valid() {
    ApplicationValidator validator(in_.set, in_.world);
    std::map<std::string, const Value*> valid;
    for (const Value& generated : in_.generated) {
      if (validator.Check(generated).ok()) valid[NameOf(generated)] = &generated;
    }
    plan_.validation = validator.Finish();
    for (const auto& rejected : plan_.validation.rejected) valid.erase(rejected.name);
    return valid;
  }

  void Write(const std::map<std::string, const Value*>& valid, bool may_update) {
    for (const auto& [name, generated] : valid) {
      const auto it = live_.find(name);
      if (it == live_.end()) {
        Value created = *generated;
        NormalizeSpec(Child(created.get_object(), "spec"));
        plan_.creates.push_back(std::move(created));
        continue;
      }
      // An Application that nobody owns is adopted, whatever the policy.
      if (!may_update && OwnedBySet(in_.set, *it->second)) continue;
      const absl::Status status = Update(*generated, *it->second);
      if (!status.ok() && plan_.status.ok()) plan_.status = status;
    }
  }

  absl::Status Update(const Value& generated, const Value& live) {
    const Value* owner = ControllerOf(live);
    if (owner != nullptr && !OwnedBySet(in_.set, live)) {
      return absl::FailedPreconditionError(
          absl::StrCat("Object ", FindString(live, {"metadata", "namespace"}), "/", NameOf(live),
                       " is already owned by another ", FindString(*owner, {"kind"}),
                       " controller ", FindString(*owner, {"name"})));
    }
    ASSIGN_OR_RETURN(std::optional<Value> updated,
                     UpdatedManifest(in_.set, in_.server, generated, live));
    if (updated.has_value()) plan_.updates.push_back(*std::move(updated));
    return absl::OkStatus();
  }

  const ReconcileInput& in_;
  std::map<std::string, const Value*> live_;
  ReconcilePlan plan_;
};

}  // namespace

ReconcilePlan PlanReconcile(const ReconcileInput& input) { return Planning(input).Run(); }

}  // namespace leidang::generators
