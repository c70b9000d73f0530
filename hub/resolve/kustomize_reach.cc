#include "hub/resolve/kustomize_reach.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"
#include "hub/resolve/tool_choice.h"
#include "hub/source/repository_url.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

using object::Value;

constexpr uint64_t kKustomizationBytesMax = 4 << 20;
constexpr std::array<const char*, 3> kNames = {"kustomization.yaml", "kustomization.yml",
                                               "Kustomization"};

// What an entry of a field may be.
enum class Kind {
  kFile,
  kDirectory,  // With a kustomization of its own.
  kFileOrDirectory,
  kFileOrText,  // A file, or YAML written in place.
  kAnyOrText,
};

struct Field {
  const char* name;
  Kind kind;
};

constexpr Field kListFields[] = {
    {"resources", Kind::kFileOrDirectory}, {"bases", Kind::kDirectory},
    {"components", Kind::kDirectory},      {"crds", Kind::kFile},
    {"configurations", Kind::kFile},       {"patchesStrategicMerge", Kind::kFileOrText},
    {"generators", Kind::kAnyOrText},      {"transformers", Kind::kAnyOrText},
    {"validators", Kind::kAnyOrText},
};

constexpr const char* kPathLists[] = {"patches", "patchesJson6902", "replacements"};

// Their files are configurations of plugins, which may name further files below the directory.
constexpr const char* kPluginFields[] = {"generators", "transformers", "validators"};

constexpr const char* kChartFields[] = {"helmCharts", "helmChartInflationGenerator"};

bool LooksRemote(absl::string_view text) {
  if (absl::StartsWith(text, "./") || absl::StartsWith(text, "../")) return false;
  if (absl::StrContains(text, "://") || absl::StrContains(text, "::") ||
      absl::StrContains(text, "?ref=") || absl::StrContains(text, "?version=") ||
      absl::StrContains(text, "//") || absl::StrContains(text, ".git")) {
    return true;
  }
  const absl::string_view host = text.substr(0, std::min(text.find('/'), text.size()));
  if (absl::StrContains(host, "@") && absl::StrContains(text, ":")) return true;  // git@host:path
  // host.tld/organisation/repository
  return host.size() < text.size() && host.find('.') != absl::string_view::npos &&
         host.find_first_not_of('.') != absl::string_view::npos &&
         host.find_first_not_of('.') == 0 && absl::StrContains(text.substr(host.size() + 1), "/");
}

// As much of an entry as a message needs: entries may be whole documents.
std::string Shown(absl::string_view text) {
  constexpr size_t kShownMax = 120;
  const std::string line =
      WithoutCredentials(text.substr(0, std::min(text.find('\n'), text.size())));
  return absl::StrCat("\"", absl::string_view(line).substr(0, kShownMax), "\"");
}

// A file's text holds marks of SOPS: somebody encrypted it, and Kustomize would deliver it so.
bool IsEncrypted(absl::string_view text) {
  return absl::StrContains(text, "ENC[AES256_GCM,") &&
         (absl::StrContains(text, "sops:") || absl::StrContains(text, "\"sops\""));
}

// One kustomization, and the words with which errors say where something stands in it.
struct Kustomization {
  std::string directory;  // Links followed.
  std::string file;       // "" for what the Application itself says.
  std::string text;
  Value value;
};

class Reach {
 public:
  explicit Reach(ClosureBuilder* builder) : builder_(*builder), tree_(builder->tree()) {}

  absl::Status Run(const std::string& directory, const Value& application);

 private:
  absl::StatusOr<Kustomization> Load(const std::string& directory);
  absl::Status AddKustomization(const Kustomization& kustomization);
  absl::Status AddField(const Kustomization& k, const Field& field);
  absl::Status AddPathList(const Kustomization& k, const char* name);
  absl::Status AddGenerators(const Kustomization& k, const char* name);
  absl::Status AddGeneratorFiles(const Kustomization& k, const std::string& where,
                                 const Value& generator);
  absl::Status RefuseCharts(const Kustomization& k) const;
  absl::Status AddApplication(const std::string& directory, const Value& application);

  absl::Status AddReference(const Kustomization& k, const std::string& where,
                            absl::string_view text, Kind kind);
  absl::Status AddFound(const Kustomization& k, const std::string& where, absl::string_view text,
                        const std::string& path, const ClosureDependency& found, Kind kind);
  absl::Status Missing(const Kustomization& k, const std::string& where, absl::string_view text,
                       Kind kind) const;
  absl::StatusOr<std::vector<std::string>> Texts(const Kustomization& k, const std::string& where,
                                                 const Value& list) const;
  absl::Status RefuseEncrypted(const Kustomization& k, const std::string& where,
                               const std::string& path) const;

  // "https://host/repo at 1234abc: base/kustomization.yaml:3: resources[0]".
  std::string At(const Kustomization& k, const std::string& where, absl::string_view text) const;
  absl::Status Error(SourceReason reason, const Kustomization& k, const std::string& where,
                     absl::string_view text, absl::string_view what) const {
    return SourceError(reason, absl::StrCat(At(k, where, text), ": ", what));
  }

  ClosureBuilder& builder_;
  const GitTree& tree_;
  std::set<std::string> seen_;
  std::vector<std::string> waiting_;  // Directories with a kustomization, still to be read.
};

std::string Reach::At(const Kustomization& k, const std::string& where,
                      absl::string_view text) const {
  if (k.file.empty()) return absl::StrCat(tree_.name(), ": spec.source.kustomize.", where);
  size_t number = 0;
  size_t found = 0;
  const absl::string_view first_line = text.substr(0, std::min(text.find('\n'), text.size()));
  if (!first_line.empty()) {
    for (const absl::string_view line : absl::StrSplit(k.text, '\n')) {
      ++number;
      absl::string_view code = absl::StripLeadingAsciiWhitespace(line);
      if (absl::StartsWith(code, "#") || !absl::StrContains(line, first_line)) continue;
      found = number;
      break;
    }
  }
  return absl::StrCat(tree_.name(), ": ", k.file, found == 0 ? "" : absl::StrCat(":", found), ": ",
                      where);
}

absl::StatusOr<Kustomization> Reach::Load(const std::string& directory) {
  Kustomization k;
  k.directory = directory;
  for (const char* name : kNames) {
    const std::string path = JoinPath(directory, name);
    if (builder_.DependOn(path).id.IsNone()) continue;
    RETURN_IF_ERROR(builder_.Add(path));
    if (!k.file.empty()) continue;  // That there are several, Kustomize says.
    k.file = path;
    ASSIGN_OR_RETURN(k.text, tree_.Read(path, kKustomizationBytesMax));
  }
  if (k.file.empty()) {
    return SourceError(
        SourceReason::kPathNotFound,
        absl::StrCat(tree_.name(), ": directory \"", directory, "\" has no kustomization.yaml"));
  }
  auto value = yaml::ParseYaml(k.text, k.file);
  if (!value.ok()) {
    return SourceError(SourceReason::kInvalidYaml,
                       absl::StrCat(tree_.name(), ": ", value.status().message()));
  }
  if (value->is_null()) value->emplace_object();
  if (!value->is_object()) {
    return SourceError(SourceReason::kInvalidSource,
                       absl::StrCat(tree_.name(), ": ", k.file, ": a kustomization is a map"));
  }
  k.value = *std::move(value);
  return k;
}

absl::Status Reach::Run(const std::string& directory, const Value& application) {
  waiting_.push_back(directory);
  RETURN_IF_ERROR(AddApplication(directory, application));
  while (!waiting_.empty()) {
    const std::string next = std::move(waiting_.back());
    waiting_.pop_back();
    if (!seen_.insert(next).second) continue;
    if (seen_.size() > builder_.limits().kustomizations_max) {
      return SourceError(
          SourceReason::kTooLarge,
          absl::StrCat(tree_.name(), ": more than ", builder_.limits().kustomizations_max,
                       " kustomizations are reached, at \"", next, "\""));
    }
    ASSIGN_OR_RETURN(const Kustomization k, Load(next));
    RETURN_IF_ERROR(AddKustomization(k));
  }
  return absl::OkStatus();
}

absl::Status Reach::AddApplication(const std::string& directory, const Value& application) {
  if (!application.is_object()) return absl::OkStatus();
  Kustomization k;
  k.directory = directory;
  k.value = application;
  const Value* ignore = object::Find(application, {"ignoreMissingComponents"});
  if (ignore != nullptr && ignore->is_bool() && ignore->get_bool()) {
    const Value* components = object::Find(application, {"components"});
    object::Array present;
    if (components != nullptr && components->is_array()) {
      for (const Value& component : components->get_array()) {
        if (!component.is_string()) continue;
        const absl::string_view text(component.get_string().data(), component.get_string().size());
        const auto path = NormalizePath(absl::StrCat(directory, "/", text));
        if (path.ok() && !builder_.DependOn(*path).id.IsNone()) present.push_back(component);
      }
    }
    k.value.get_object()["components"] = std::move(present);
  }
  RETURN_IF_ERROR(AddField(k, {"components", Kind::kDirectory}));
  return AddPathList(k, "patches");
}

absl::Status Reach::RefuseCharts(const Kustomization& k) const {
  for (const char* name : kChartFields) {
    const Value* charts = object::Find(k.value, {name});
    if (charts == nullptr || !charts->is_array() || charts->get_array().empty()) continue;
    return Error(
        SourceReason::kUnsupportedSource, k, name, name,
        "Helm charts in a kustomization are not supported yet; render the chart and commit "
        "what it gives");
  }
  return absl::OkStatus();
}

absl::Status Reach::AddKustomization(const Kustomization& k) {
  RETURN_IF_ERROR(RefuseCharts(k));
  for (const Field& field : kListFields) RETURN_IF_ERROR(AddField(k, field));
  for (const char* name : kPathLists) RETURN_IF_ERROR(AddPathList(k, name));
  for (const char* name : {"configMapGenerator", "secretGenerator"}) {
    RETURN_IF_ERROR(AddGenerators(k, name));
  }
  const absl::string_view openapi = object::FindString(k.value, {"openapi", "path"});
  if (!openapi.empty()) RETURN_IF_ERROR(AddReference(k, "openapi.path", openapi, Kind::kFile));
  for (const char* name : kPluginFields) {
    const Value* plugins = object::Find(k.value, {name});
    if (plugins == nullptr || !plugins->is_array() || plugins->get_array().empty()) continue;
    return builder_.Add(k.directory);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Reach::Texts(const Kustomization& k,
                                                      const std::string& where,
                                                      const Value& list) const {
  std::vector<std::string> texts;
  if (list.is_null()) return texts;
  if (!list.is_array()) {
    return Error(SourceReason::kInvalidSource, k, where, where, "expected a list");
  }
  for (const Value& entry : list.get_array()) {
    if (!entry.is_string()) {
      return Error(SourceReason::kInvalidSource, k, absl::StrCat(where, "[", texts.size(), "]"),
                   where, "expected text");
    }
    texts.emplace_back(entry.get_string().data(), entry.get_string().size());
  }
  return texts;
}

absl::Status Reach::AddField(const Kustomization& k, const Field& field) {
  const Value* list = object::Find(k.value, {field.name});
  if (list == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, Texts(k, field.name, *list));
  for (size_t i = 0; i < texts.size(); ++i) {
    RETURN_IF_ERROR(AddReference(k, absl::StrCat(field.name, "[", i, "]"), texts[i], field.kind));
  }
  return absl::OkStatus();
}

absl::Status Reach::AddPathList(const Kustomization& k, const char* name) {
  const Value* list = object::Find(k.value, {name});
  if (list == nullptr || !list->is_array()) return absl::OkStatus();
  for (size_t i = 0; i < list->get_array().size(); ++i) {
    const absl::string_view path = object::FindString(list->get_array()[i], {"path"});
    if (path.empty()) continue;
    RETURN_IF_ERROR(AddReference(k, absl::StrCat(name, "[", i, "].path"), path, Kind::kFile));
  }
  return absl::OkStatus();
}

absl::Status Reach::AddGenerators(const Kustomization& k, const char* name) {
  const Value* list = object::Find(k.value, {name});
  if (list == nullptr || !list->is_array()) return absl::OkStatus();
  for (size_t i = 0; i < list->get_array().size(); ++i) {
    RETURN_IF_ERROR(AddGeneratorFiles(k, absl::StrCat(name, "[", i, "]"), list->get_array()[i]));
  }
  return absl::OkStatus();
}

absl::Status Reach::AddGeneratorFiles(const Kustomization& k, const std::string& where,
                                      const Value& generator) {
  std::vector<std::string> files;
  for (const char* name : {"files", "envs"}) {
    const Value* list = object::Find(generator, {name});
    if (list == nullptr) continue;
    ASSIGN_OR_RETURN(std::vector<std::string> texts,
                     Texts(k, absl::StrCat(where, ".", name), *list));
    for (std::string& text : texts) {
      // A file may have its key before it: `application.conf=files/prod.conf`.
      const size_t equals = absl::string_view(name) == "files" ? text.find('=') : std::string::npos;
      files.push_back(equals == std::string::npos ? std::move(text) : text.substr(equals + 1));
    }
  }
  const absl::string_view env = object::FindString(generator, {"env"});
  if (!env.empty()) files.emplace_back(env);
  for (const std::string& file : files) {
    RETURN_IF_ERROR(AddReference(k, where, file, Kind::kFile));
    ASSIGN_OR_RETURN(const std::string path, NormalizePath(absl::StrCat(k.directory, "/", file)));
    RETURN_IF_ERROR(RefuseEncrypted(k, where, path));
  }
  return absl::OkStatus();
}

// Of generators' files only: an encrypted resource is seen when it is rendered, these are not.
absl::Status Reach::RefuseEncrypted(const Kustomization& k, const std::string& where,
                                    const std::string& path) const {
  ASSIGN_OR_RETURN(const std::string text, tree_.Read(path, builder_.limits().file_bytes_max));
  if (!IsEncrypted(text)) return absl::OkStatus();
  return Error(SourceReason::kUnsupportedSource, k, where, "",
               absl::StrCat("\"", path, "\" is encrypted with SOPS, which is not supported yet"));
}

absl::Status Reach::Missing(const Kustomization& k, const std::string& where,
                            absl::string_view text, Kind kind) const {
  const bool may_be_text = kind == Kind::kFileOrText || kind == Kind::kAnyOrText;
  if (may_be_text) {
    const auto inline_yaml = yaml::ParseYaml(text, where);
    if (inline_yaml.ok() && !inline_yaml->is_string()) return absl::OkStatus();
  }
  if (LooksRemote(text)) {
    return Error(SourceReason::kRemoteBase, k, where, text,
                 absl::StrCat(Shown(text),
                              " is not in the repository; remote bases are not fetched: copy it "
                              "into the repository, or make it a source of its own"));
  }
  return Error(SourceReason::kPathNotFound, k, where, text,
               absl::StrCat(Shown(text), ": there is no such file or directory in the repository"));
}

absl::Status Reach::AddReference(const Kustomization& k, const std::string& where,
                                 absl::string_view text, Kind kind) {
  if (text.empty() || text.find('\n') != absl::string_view::npos) {
    return text.empty() ? Error(SourceReason::kInvalidSource, k, where, "", "is empty")
                        : Missing(k, where, text, kind);
  }
  if (text[0] == '/') {
    return Error(SourceReason::kInvalidSource, k, where, text,
                 absl::StrCat(Shown(text), " is an absolute path; name it relative to \"",
                              k.directory, "\""));
  }
  const auto path = NormalizePath(absl::StrCat(k.directory, "/", text));
  if (!path.ok()) {
    if (absl::StrContains(text, "://")) return Missing(k, where, text, kind);
    return Error(SourceReason::kInvalidSource, k, where, text,
                 absl::StrCat(Shown(text), " leads out of the repository"));
  }
  const ClosureDependency& found = builder_.DependOn(*path);
  if (!found.id.IsNone()) return AddFound(k, where, text, *path, found, kind);
  // A path that is there but cannot be followed (a submodule, a link out) has its own message.
  const absl::Status why = tree_.Find(*path).status();
  if (absl::StrContains(why.message(), "submodule") || absl::StrContains(why.message(), "link")) {
    return Error(SourceReason::kPathNotFound, k, where, text, why.message());
  }
  return Missing(k, where, text, kind);
}

absl::Status Reach::AddFound(const Kustomization& k, const std::string& where,
                             absl::string_view text, const std::string& path,
                             const ClosureDependency& found, Kind kind) {
  ASSIGN_OR_RETURN(const TreeEntry entry, tree_.Find(path));
  if (entry.mode == FileMode::kSubmodule) {
    return Error(SourceReason::kPathNotFound, k, where, text,
                 absl::StrCat(Shown(text),
                              " is a submodule, whose files are not part of this "
                              "repository"));
  }
  if (entry.mode != FileMode::kDirectory) {
    if (kind == Kind::kDirectory) {
      return Error(SourceReason::kInvalidSource, k, where, text,
                   absl::StrCat(Shown(text), " is a file, and a directory is needed"));
    }
    return builder_.Add(path);
  }
  if (kind == Kind::kFile || kind == Kind::kFileOrText) {
    return Error(SourceReason::kInvalidSource, k, where, text,
                 absl::StrCat(Shown(text), " is a directory, and a file is needed"));
  }
  ASSIGN_OR_RETURN(const std::vector<TreeEntry> entries, tree_.List(path));
  const bool has_kustomization =
      std::any_of(entries.begin(), entries.end(),
                  [](const TreeEntry& e) { return IsKustomizationName(e.name); });
  if (!has_kustomization) {
    return Error(SourceReason::kPathNotFound, k, where, text,
                 absl::StrCat("directory \"", text, "\" has no kustomization.yaml"));
  }
  // The links on the way; of the directory itself only what its kustomization names.
  RETURN_IF_ERROR(builder_.AddWay(path));
  waiting_.push_back(found.resolved);
  return absl::OkStatus();
}

}  // namespace

absl::Status AddKustomizeReach(const std::string& directory, const object::Value& application,
                               ClosureBuilder* builder) {
  return Reach(builder).Run(directory, application);
}

}  // namespace leidang::hub
