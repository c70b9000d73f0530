#include "generators/application/schema.h"

#include <algorithm>
#include <utility>

namespace leidang::generators {

namespace {

using Fields = std::vector<FieldType>;

// `fields` stand as in the Go type.
StructType Struct(absl::string_view name, Fields fields) {
  for (size_t i = 0; i < fields.size(); ++i) fields[i].order = static_cast<uint16_t>(i);
  std::sort(fields.begin(), fields.end(),
            [](const FieldType& a, const FieldType& b) { return a.name < b.name; });
  return {name, std::move(fields)};
}

FieldType Text(absl::string_view name) { return {name}; }
FieldType RequiredText(absl::string_view name) { return {name, Shape::kText, Empty::kWritten}; }
FieldType Bool(absl::string_view name) { return {name, Shape::kBool}; }
FieldType BoolPointer(absl::string_view name) { return {name, Shape::kBool, Empty::kPointer}; }
FieldType Integer(absl::string_view name) { return {name, Shape::kInteger}; }
FieldType IntegerPointer(absl::string_view name) {
  return {name, Shape::kInteger, Empty::kPointer};
}
FieldType Texts(absl::string_view name) { return {name, Shape::kTextList}; }
FieldType TextMap(absl::string_view name) { return {name, Shape::kTextMap}; }
FieldType Pointer(absl::string_view name, const StructType& type) {
  return {name, Shape::kStruct, Empty::kPointer, &type};
}
FieldType Required(absl::string_view name, const StructType& type) {
  return {name, Shape::kStruct, Empty::kWritten, &type};
}
FieldType List(absl::string_view name, const StructType& type) {
  return {name, Shape::kStructList, Empty::kOmitted, &type};
}

FieldType Named(FieldType field, absl::string_view go_type) {
  field.go_type = go_type;
  return field;
}

const StructType& HelmType() {
  static const StructType parameter =
      Struct("HelmParameter", {Text("name"), Text("value"), Bool("forceString")});
  static const StructType file = Struct("HelmFileParameter", {Text("name"), Text("path")});
  static const StructType type =
      Struct("ApplicationSourceHelm", {Texts("valueFiles"),
                                       List("parameters", parameter),
                                       Text("releaseName"),
                                       Text("values"),
                                       List("fileParameters", file),
                                       Text("version"),
                                       Bool("passCredentials"),
                                       Bool("ignoreMissingValueFiles"),
                                       Bool("skipCrds"),
                                       {"valuesObject", Shape::kRaw, Empty::kPointer},
                                       Text("namespace"),
                                       Text("kubeVersion"),
                                       Texts("apiVersions"),
                                       Bool("skipTests"),
                                       Bool("skipSchemaValidation")});
  return type;
}

const StructType& KustomizeType() {
  static const StructType replica =
      Struct("KustomizeReplica",
             {RequiredText("name"), {"count", Shape::kIntegerOrText, Empty::kWritten}});
  static const StructType selector = Struct(
      "KustomizeSelector", {Text("group"), Text("version"), Text("kind"), Text("name"),
                            Text("namespace"), Text("annotationSelector"), Text("labelSelector")});
  static const StructType patch = Struct(
      "KustomizePatch",
      {Text("path"), Text("patch"), Pointer("target", selector), {"options", Shape::kBoolMap}});
  static const StructType type =
      Struct("ApplicationSourceKustomize",
             {Text("namePrefix"), Text("nameSuffix"),
              Named(Texts("images"), "v1alpha1.KustomizeImages"), TextMap("commonLabels"),
              Text("version"), TextMap("commonAnnotations"), Bool("forceCommonLabels"),
              Bool("forceCommonAnnotations"), Text("namespace"), Bool("commonAnnotationsEnvsubst"),
              Named(List("replicas", replica), "v1alpha1.KustomizeReplicas"),
              Named(List("patches", patch), "v1alpha1.KustomizePatches"), Texts("components"),
              Bool("ignoreMissingComponents"), Bool("labelWithoutSelector"), Text("kubeVersion"),
              Texts("apiVersions"), Bool("labelIncludeTemplates")});
  return type;
}

const StructType& DirectoryType() {
  static const StructType variable =
      Struct("JsonnetVar", {RequiredText("name"), RequiredText("value"), Bool("code")});
  static const StructType jsonnet =
      Struct("ApplicationSourceJsonnet",
             {List("extVars", variable), List("tlas", variable), Texts("libs")});
  static const StructType type =
      Struct("ApplicationSourceDirectory", {Bool("recurse"),
                                            {"jsonnet", Shape::kStruct, Empty::kOmitted, &jsonnet},
                                            Text("exclude"),
                                            Text("include"),
                                            Bool("disableExtensionFilter")});
  return type;
}

const StructType& PluginType() {
  static const StructType variable =
      Struct("EnvEntry", {RequiredText("name"), RequiredText("value")});
  static const StructType type =
      Struct("ApplicationSourcePlugin", {Text("name"),
                                         Named(List("env", variable), "v1alpha1.Env"),
                                         {"parameters", Shape::kPluginParameterList}});
  return type;
}

const StructType& SourceType() {
  static const StructType type = Struct(
      "ApplicationSource", {RequiredText("repoURL"), Text("path"), Text("targetRevision"),
                            Pointer("helm", HelmType()), Pointer("kustomize", KustomizeType()),
                            Pointer("directory", DirectoryType()), Pointer("plugin", PluginType()),
                            Text("chart"), Text("ref"), Text("name"), Text("tagPrefix")});
  return type;
}

const StructType& RetryType() {
  static const StructType backoff =
      Struct("Backoff", {Text("duration"), IntegerPointer("factor"), Text("maxDuration")});
  static const StructType type =
      Struct("RetryStrategy", {Integer("limit"), Pointer("backoff", backoff), Bool("refresh")});
  return type;
}

const StructType& SyncPolicyType() {
  static const StructType automated =
      Struct("SyncPolicyAutomated", {BoolPointer("prune"), BoolPointer("selfHeal"),
                                     BoolPointer("allowEmpty"), BoolPointer("enabled")});
  static const StructType metadata =
      Struct("ManagedNamespaceMetadata", {TextMap("labels"), TextMap("annotations")});
  static const StructType type =
      Struct("SyncPolicy",
             {Pointer("automated", automated), Named(Texts("syncOptions"), "v1alpha1.SyncOptions"),
              Pointer("retry", RetryType()), Pointer("managedNamespaceMetadata", metadata)});
  return type;
}

const StructType& HydratorType() {
  static const StructType dry = Struct(
      "DrySource", {RequiredText("repoURL"), RequiredText("targetRevision"), RequiredText("path"),
                    Pointer("helm", HelmType()), Pointer("kustomize", KustomizeType()),
                    Pointer("directory", DirectoryType()), Pointer("plugin", PluginType())});
  static const StructType sync =
      Struct("SyncSource", {RequiredText("targetBranch"), RequiredText("path"), Text("repoURL")});
  static const StructType to = Struct("HydrateTo", {RequiredText("targetBranch")});
  static const StructType type =
      Struct("SourceHydrator",
             {Required("drySource", dry), Required("syncSource", sync), Pointer("hydrateTo", to)});
  return type;
}

const StructType& InfoType() {
  static const StructType type = Struct("Info", {RequiredText("name"), RequiredText("value")});
  return type;
}

const StructType& SpecType() {
  static const StructType destination =
      Struct("ApplicationDestination", {Text("server"), Text("namespace"), Text("name")});
  static const StructType ignore =
      Struct("ResourceIgnoreDifferences",
             {Text("group"), RequiredText("kind"), Text("name"), Text("namespace"),
              Texts("jsonPointers"), Texts("jqPathExpressions"), Texts("managedFieldsManagers")});
  static const StructType type = Struct(
      "ApplicationSpec", {Pointer("source", SourceType()), Required("destination", destination),
                          RequiredText("project"), Pointer("syncPolicy", SyncPolicyType()),
                          Named(List("ignoreDifferences", ignore), "v1alpha1.IgnoreDifferences"),
                          List("info", InfoType()), IntegerPointer("revisionHistoryLimit"),
                          Named(List("sources", SourceType()), "v1alpha1.ApplicationSources"),
                          Pointer("sourceHydrator", HydratorType())});
  return type;
}

const StructType& OperationType() {
  static const StructType initiator =
      Struct("OperationInitiator", {Text("username"), Bool("automated")});
  static const StructType apply = Struct("SyncStrategyApply", {Bool("force")});
  static const StructType hook = Struct("SyncStrategyHook", {Bool("force")});
  static const StructType strategy =
      Struct("SyncStrategy", {Pointer("apply", apply), Pointer("hook", hook)});
  static const StructType resource =
      Struct("SyncOperationResource",
             {Text("group"), RequiredText("kind"), RequiredText("name"), Text("namespace")});
  static const StructType sync =
      Struct("SyncOperation",
             {Text("revision"), Bool("prune"), Bool("dryRun"), Pointer("syncStrategy", strategy),
              List("resources", resource), Pointer("source", SourceType()), Texts("manifests"),
              Named(Texts("syncOptions"), "v1alpha1.SyncOptions"),
              Named(List("sources", SourceType()), "v1alpha1.ApplicationSources"),
              Texts("revisions"), Integer("autoHealAttemptsCount")});
  static const StructType type =
      Struct("Operation", {Pointer("sync", sync), Required("initiatedBy", initiator),
                           List("info", InfoType()), Required("retry", RetryType())});
  return type;
}

}  // namespace

const FieldType* StructType::Find(absl::string_view wanted) const {
  const auto it =
      std::lower_bound(fields.begin(), fields.end(), wanted,
                       [](const FieldType& f, absl::string_view n) { return f.name < n; });
  return it != fields.end() && it->name == wanted ? &*it : nullptr;
}

const StructType& ApplicationType() {
  static const StructType metadata = Struct(
      "ObjectMeta",
      {Text("name"),
       Text("generateName"),
       Text("namespace"),
       TextMap("labels"),
       TextMap("annotations"),
       {"finalizers", Shape::kTextList, Empty::kOmitted, nullptr, ListPatch::kMergesScalars}});
  static const StructType type =
      Struct("Application", {Text("apiVersion"), Text("kind"), Required("metadata", metadata),
                             Required("spec", SpecType()), Pointer("operation", OperationType())});
  return type;
}

const StructType& PatchType() {
  static const StructType owner =
      Struct("OwnerReference",
             {RequiredText("apiVersion"), RequiredText("kind"), RequiredText("name"),
              RequiredText("uid"), BoolPointer("controller"), BoolPointer("blockOwnerDeletion")});
  static const StructType metadata = Struct(
      "ObjectMeta", {Text("name"), Text("generateName"), Text("namespace"), Text("selfLink"),
                     Text("uid"), Text("resourceVersion"), Integer("generation"),
                     IntegerPointer("deletionGracePeriodSeconds"), TextMap("labels"),
                     TextMap("annotations"), List("ownerReferences", owner), Texts("finalizers")});
  static const StructType type =
      Struct("Application", {Text("apiVersion"), Text("kind"), Required("metadata", metadata),
                             Required("spec", SpecType()), Pointer("operation", OperationType())});
  return type;
}

const StructType& TemplateType() {
  static const StructType metadata =
      Struct("ApplicationSetTemplateMeta", {Text("name"), Text("namespace"), TextMap("labels"),
                                            TextMap("annotations"), Texts("finalizers")});
  static const StructType type = Struct(
      "ApplicationSetTemplate", {Required("metadata", metadata), Required("spec", SpecType())});
  return type;
}

}  // namespace leidang::generators
