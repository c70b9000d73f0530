#include "agent/render/kustomize_options.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "agent/render/render_error.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

using object::Value;

absl::Status Wrong(absl::string_view field, absl::string_view what) {
  return RenderError(RenderReason::kInvalidSpec,
                     absl::StrCat("spec.source.kustomize.", field, " ", what));
}

const Value* Given(const Value& spec, absl::string_view field) {
  const Value* found = object::Find(spec, {field});
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string Text(const Value& value) {
  return std::string(value.get_string().data(), value.get_string().size());
}

absl::StatusOr<std::string> ReadText(const Value& spec, absl::string_view field) {
  const Value* found = Given(spec, field);
  if (found == nullptr) return std::string();
  if (!found->is_string()) return Wrong(field, "is not text");
  return Text(*found);
}

enum class Switch { kOff, kOn };

absl::StatusOr<Switch> ReadSwitch(const Value& spec, absl::string_view field) {
  const Value* found = Given(spec, field);
  if (found == nullptr) return Switch::kOff;
  if (!found->is_bool()) return Wrong(field, "is neither true nor false");
  return found->get_bool() ? Switch::kOn : Switch::kOff;
}

absl::StatusOr<std::vector<std::string>> ReadTexts(const Value& spec, absl::string_view field) {
  std::vector<std::string> texts;
  const Value* found = Given(spec, field);
  if (found == nullptr) return texts;
  if (!found->is_array()) return Wrong(field, "is no list");
  for (const Value& item : found->get_array()) {
    if (!item.is_string()) return Wrong(field, "holds an item that is not text");
    texts.push_back(Text(item));
  }
  return texts;
}

absl::StatusOr<std::map<std::string, std::string>> ReadMap(const Value& spec,
                                                           absl::string_view field) {
  std::map<std::string, std::string> map;
  const Value* found = Given(spec, field);
  if (found == nullptr) return map;
  if (!found->is_object()) return Wrong(field, "is no map");
  for (const auto& member : found->get_object()) {
    if (!member.value().is_string()) return Wrong(field, "holds a value that is not text");
    map[std::string(member.key().data(), member.key().size())] = Text(member.value());
  }
  return map;
}

// "--" ends the options, so that no value of a user is taken for one.
void AddEdit(KustomizeOptions& options, std::vector<std::string> verb,
             const std::vector<std::string>& values) {
  if (values.empty() || (values.size() == 1 && values[0].empty())) return;
  verb.push_back("--");
  verb.insert(verb.end(), values.begin(), values.end());
  options.edits.push_back(std::move(verb));
}

absl::StatusOr<std::vector<std::string>> ReadReplicas(const Value& spec) {
  std::vector<std::string> replicas;
  const Value* found = Given(spec, "replicas");
  if (found == nullptr) return replicas;
  if (!found->is_array()) return Wrong("replicas", "is no list");
  for (const Value& item : found->get_array()) {
    const absl::string_view name = object::FindString(item, {"name"});
    const Value* count = object::Find(item, {"count"});
    if (name.empty()) return Wrong("replicas", "holds an item without a name");
    int64_t number = -1;
    if (count != nullptr && count->is_int64()) number = count->get_int64();
    if (count != nullptr && count->is_string() &&
        !absl::SimpleAtoi(object::FindString(item, {"count"}), &number)) {
      number = -1;
    }
    if (number < 0) {
      return Wrong("replicas", absl::StrCat("has no count of 0 or more for ", name));
    }
    replicas.push_back(absl::StrCat(name, "=", number));
  }
  return replicas;
}

absl::Status ReadLabels(const Value& spec, const BuildEnvironment& environment,
                        KustomizeOptions& options) {
  ASSIGN_OR_RETURN(const auto labels, ReadMap(spec, "commonLabels"));
  ASSIGN_OR_RETURN(const Switch force, ReadSwitch(spec, "forceCommonLabels"));
  ASSIGN_OR_RETURN(const Switch no_selector, ReadSwitch(spec, "labelWithoutSelector"));
  ASSIGN_OR_RETURN(const Switch templates, ReadSwitch(spec, "labelIncludeTemplates"));
  std::vector<std::string> verb = {"add", "label"};
  if (force == Switch::kOn) verb.push_back("--force");
  if (no_selector == Switch::kOn) verb.push_back("--without-selector");
  if (templates == Switch::kOn) verb.push_back("--include-templates");
  std::vector<std::string> values;
  for (const auto& [name, value] : labels) {
    values.push_back(absl::StrCat(name, ":", ExpandVariables(value, environment)));
  }
  AddEdit(options, std::move(verb), values);
  return absl::OkStatus();
}

absl::Status ReadAnnotations(const Value& spec, const BuildEnvironment& environment,
                             KustomizeOptions& options) {
  ASSIGN_OR_RETURN(const auto annotations, ReadMap(spec, "commonAnnotations"));
  ASSIGN_OR_RETURN(const Switch force, ReadSwitch(spec, "forceCommonAnnotations"));
  ASSIGN_OR_RETURN(const Switch expand, ReadSwitch(spec, "commonAnnotationsEnvsubst"));
  std::vector<std::string> verb = {"add", "annotation"};
  if (force == Switch::kOn) verb.push_back("--force");
  std::vector<std::string> values;
  for (const auto& [name, value] : annotations) {
    values.push_back(absl::StrCat(
        name, ":", expand == Switch::kOn ? ExpandVariables(value, environment) : value));
  }
  AddEdit(options, std::move(verb), values);
  return absl::OkStatus();
}

bool IsNameByte(char c) { return absl::ascii_isalnum(c) || c == '_'; }
bool IsSpecialName(char c) {
  return absl::ascii_isdigit(c) || absl::StrContains("*#$@!?-", absl::string_view(&c, 1));
}

std::string ValueOf(absl::string_view name, const BuildEnvironment& environment) {
  if (name == "$") return "$";
  const auto found = environment.find(std::string(name));
  return found == environment.end() ? "" : found->second;
}

}  // namespace

absl::StatusOr<KustomizeOptions> ReadKustomizeOptions(const Value& spec,
                                                      const BuildEnvironment& environment) {
  KustomizeOptions options;
  if (spec.is_null()) return options;
  if (!spec.is_object()) return Wrong("", "is no map");
  ASSIGN_OR_RETURN(const std::string version, ReadText(spec, "version"));
  if (!version.empty()) {
    return RenderError(RenderReason::kUnsupportedSource,
                       absl::StrCat("spec.source.kustomize.version: ", version,
                                    " is asked for, but an agent has one version of Kustomize "
                                    "only; remove the field"));
  }
  ASSIGN_OR_RETURN(const std::string prefix, ReadText(spec, "namePrefix"));
  AddEdit(options, {"set", "nameprefix"}, {prefix});
  ASSIGN_OR_RETURN(const std::string suffix, ReadText(spec, "nameSuffix"));
  AddEdit(options, {"set", "namesuffix"}, {suffix});
  ASSIGN_OR_RETURN(const std::vector<std::string> images, ReadTexts(spec, "images"));
  AddEdit(options, {"set", "image"}, images);
  ASSIGN_OR_RETURN(const std::vector<std::string> replicas, ReadReplicas(spec));
  AddEdit(options, {"set", "replicas"}, replicas);
  RETURN_IF_ERROR(ReadLabels(spec, environment, options));
  RETURN_IF_ERROR(ReadAnnotations(spec, environment, options));
  ASSIGN_OR_RETURN(const std::string ns, ReadText(spec, "namespace"));
  AddEdit(options, {"set", "namespace"}, {ns});

  if (const Value* patches = Given(spec, "patches"); patches != nullptr) {
    if (!patches->is_array()) return Wrong("patches", "is no list");
    options.patches = patches->get_array();
  }
  ASSIGN_OR_RETURN(options.components, ReadTexts(spec, "components"));
  ASSIGN_OR_RETURN(const Switch ignore, ReadSwitch(spec, "ignoreMissingComponents"));
  if (ignore == Switch::kOn) options.missing = KustomizeOptions::MissingComponents::kAreLeftOut;
  return options;
}

std::string ExpandVariables(absl::string_view text, const BuildEnvironment& environment) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '$' || at + 1 == text.size()) {
      out.push_back(text[at++]);
      continue;
    }
    const absl::string_view rest = text.substr(at + 1);
    if (rest[0] == '{') {
      const size_t end = rest.find('}');
      if (end == absl::string_view::npos || end == 1) {
        at += end == 1 ? 3 : 2;  // "${}" and an unclosed "${" vanish.
        continue;
      }
      absl::StrAppend(&out, ValueOf(rest.substr(1, end - 1), environment));
      at += end + 2;
      continue;
    }
    size_t size = IsSpecialName(rest[0]) ? 1 : 0;
    while (size == 0 || (!IsSpecialName(rest[0]) && size < rest.size() && IsNameByte(rest[size]))) {
      if (size == 0 && !IsNameByte(rest[0])) break;
      ++size;
    }
    if (size == 0) {
      out.push_back('$');  // No name follows.
      ++at;
      continue;
    }
    absl::StrAppend(&out, ValueOf(rest.substr(0, size), environment));
    at += size + 1;
  }
  return out;
}

}  // namespace leidang::agent
