#include "agent/render/kustomize.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdlib.h>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

#include "agent/render/manifest_files.h"
#include "agent/render/render_error.h"
#include "common/base/status_macros.h"
#include "common/base/utf8.h"
#include "common/yaml/yaml.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kFileNames[] = {"kustomization.yaml", "kustomization.yml",
                                            "Kustomization"};
constexpr size_t kMessageBytesMax = 4096;

// The path of the kustomization in `path`, "" if there is none.
std::string KustomizationIn(const SourceTree& tree, absl::string_view path) {
  for (const absl::string_view name : kFileNames) {
    std::string file = path.empty() ? std::string(name) : absl::StrCat(path, "/", name);
    if (tree.Find(file) != nullptr) return file;
  }
  return "";
}

// Patches go into the file as Argo CD puts them there; JSON is YAML too.
absl::Status AppendPatches(const std::string& file, const object::Array& patches) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  absl::StatusOr<object::Value> kustomization = yaml::ParseYaml(text, "kustomization");
  if (!kustomization.ok() || !kustomization->is_object()) {
    return RenderError(RenderReason::kRenderFailed,
                       absl::StrCat("spec.source.kustomize.patches: the kustomization is no map: ",
                                    kustomization.status().message()));
  }
  object::Value& list = kustomization->get_object()["patches"];
  if (!list.is_array()) list.emplace_array();
  for (const object::Value& patch : patches) list.get_array().push_back(patch);
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << object::ToJson(*kustomization);
  if (!out.flush()) {
    return RenderError(RenderReason::kToolUnavailable, absl::StrCat("cannot write ", file));
  }
  return absl::OkStatus();
}

std::string Clean(absl::string_view message, const std::string& copy) {
  std::string clean(absl::StripAsciiWhitespace(message));
  clean = absl::StrReplaceAll(clean, {{copy + "/tree/", ""}, {copy + "/tree", "."}, {copy, "."}});
  clean = std::string(absl::StripPrefix(clean, "Error: "));
  clean.resize(Utf8Prefix(clean, kMessageBytesMax).size());
  return clean;
}

absl::Status ErrorOf(const ChildResult& result, const std::string& copy, const ToolLimits& limits) {
  switch (result.end) {
    case ChildResult::End::kExited:
      break;
    case ChildResult::End::kDeadline:
    case ChildResult::End::kSilent:
      return RenderError(
          RenderReason::kTooLarge,
          absl::StrCat("kustomize was not done after ", absl::FormatDuration(limits.deadline)));
    case ChildResult::End::kOutputTooLong:
      return RenderError(
          RenderReason::kTooLarge,
          absl::StrCat("kustomize printed more than ", limits.output_bytes_max >> 20, " MiB"));
    case ChildResult::End::kCancelled:
      return absl::CancelledError("kustomize was ended with the agent");
    case ChildResult::End::kSignalled:
      return RenderError(RenderReason::kRenderFailed,
                         absl::StrCat("kustomize was ended by signal ", result.code,
                                      "; it may need more than its ", limits.memory_bytes_max >> 20,
                                      " MiB of memory"));
  }
  // Go's runtime ends with code 2 and this text when the kernel refuses it memory.
  if (absl::StrContains(result.err, "out of memory") ||
      absl::StrContains(result.err, "cannot allocate memory")) {
    return RenderError(RenderReason::kTooLarge,
                       absl::StrCat("kustomize needs more than ", limits.memory_bytes_max >> 20,
                                    " MiB of memory"));
  }
  const std::string message = Clean(result.err, copy);
  return RenderError(
      RenderReason::kRenderFailed,
      absl::StrCat("kustomize: ",
                   message.empty() ? absl::StrCat("exit code ", result.code) : message));
}

}  // namespace

absl::StatusOr<std::string> Kustomize::Run(const std::string& copy, const std::string& directory,
                                           std::vector<std::string> arguments) const {
  ChildCommand command;
  command.argv = std::move(arguments);
  command.argv.insert(command.argv.begin(), options_.program);
  command.environment = {absl::StrCat("TMPDIR=", copy, "/tmp"), absl::StrCat("HOME=", copy, "/tmp"),
                         absl::StrCat("GOMEMLIMIT=", options_.limits.memory_bytes_max / 2)};
  command.directory = directory;
  command.network = ChildCommand::Network::kNone;
  command.deadline = options_.limits.deadline;
  command.output_bytes_max = options_.limits.output_bytes_max;
  command.memory_bytes_max = options_.limits.memory_bytes_max;
  command.file_bytes_max = options_.limits.output_bytes_max;
  absl::StatusOr<ChildResult> result = RunChild(command, clock_, cancel_);
  if (!result.ok()) {
    return RenderError(RenderReason::kToolUnavailable, result.status().message());
  }
  if (!result->Succeeded()) return ErrorOf(*result, copy, options_.limits);
  return std::move(result->out);
}

absl::Status Kustomize::Edit(const std::string& copy, const std::string& directory,
                             const SourceTree& tree, absl::string_view path,
                             const KustomizeOptions& options) const {
  for (const std::vector<std::string>& edit : options.edits) {
    std::vector<std::string> arguments = {"edit"};
    arguments.insert(arguments.end(), edit.begin(), edit.end());
    RETURN_IF_ERROR(Run(copy, directory, std::move(arguments)).status());
  }
  if (!options.patches.empty()) {
    const std::string file = absl::StrCat(copy, "/tree/", KustomizationIn(tree, path));
    RETURN_IF_ERROR(AppendPatches(file, options.patches));
  }
  std::vector<std::string> components;
  for (const std::string& component : options.components) {
    const bool there = tree.HasDirectory(absl::StrCat(path, "/", component));
    if (there || options.missing == KustomizeOptions::MissingComponents::kAreErrors) {
      components.push_back(component);
    }
  }
  if (components.empty()) return absl::OkStatus();
  std::vector<std::string> arguments = {"edit", "add", "component", "--"};
  arguments.insert(arguments.end(), components.begin(), components.end());
  return Run(copy, directory, std::move(arguments)).status();
}

absl::StatusOr<std::vector<object::Value>> Kustomize::Render(
    const SourceTree& tree, absl::string_view path, const KustomizeOptions& options) const {
  const std::optional<std::string> root = tree.Resolve(path);
  if (!root.has_value() || !tree.HasDirectory(*root)) {
    return RenderError(RenderReason::kPathNotFound,
                       absl::StrCat("the source has no directory ", path));
  }
  if (KustomizationIn(tree, *root).empty()) {
    return RenderError(RenderReason::kRenderFailed,
                       absl::StrCat("there is no kustomization.yaml, kustomization.yml or "
                                    "Kustomization in ",
                                    path));
  }
  std::string copy = absl::StrCat(options_.temp_directory, "/leidang-render-XXXXXX");
  if (::mkdtemp(copy.data()) == nullptr) {
    return RenderError(RenderReason::kToolUnavailable,
                       absl::StrCat("cannot make a directory in ", options_.temp_directory));
  }
  const absl::Cleanup remove = [&copy] {
    std::error_code ignored;
    std::filesystem::remove_all(copy, ignored);
  };
  std::error_code error;
  std::filesystem::create_directory(copy + "/tree", error);
  std::filesystem::create_directory(copy + "/tmp", error);
  if (absl::Status laid_out = tree.LayOut(copy + "/tree"); !laid_out.ok()) {
    return RenderError(absl::IsInvalidArgument(laid_out) ? RenderReason::kRenderFailed
                                                         : RenderReason::kToolUnavailable,
                       Clean(laid_out.message(), copy));
  }
  const std::string directory = root->empty() ? copy + "/tree" : copy + "/tree/" + *root;
  RETURN_IF_ERROR(Edit(copy, directory, tree, *root, options));
  ASSIGN_OR_RETURN(const std::string out, Run(copy, directory, {"build", "."}));
  ASSIGN_OR_RETURN(std::vector<object::Value> objects, ParseToolOutput(out, "kustomize"));
  return ExpandLists(std::move(objects));
}

}  // namespace leidang::agent
