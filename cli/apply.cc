#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "cli/commands.h"
#include "cli/kinds.h"
#include "common/base/status_macros.h"
#include "common/object/value.h"
#include "common/yaml/yaml.h"

namespace leidang::cli {
namespace {

struct Written {
  std::string place;  // "file:line"
  std::string manifest;
};

bool IsManifestFile(const std::string& path) {
  return absl::EndsWith(path, ".yaml") || absl::EndsWith(path, ".yml") ||
         absl::EndsWith(path, ".json");
}

absl::StatusOr<std::vector<std::string>> FilesOf(const std::string& path) {
  if (path == "-") return std::vector<std::string>{path};
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.is_regular_file(error) && IsManifestFile(entry.path().string()))
      files.push_back(entry.path().string());
  }
  if (files.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has no .yaml, .yml or .json file: name a file or another folder"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path, ": is the name right?"));
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

// A List gives its items; an empty document gives nothing.
absl::Status Collect(const object::Value& value, const std::string& place,
                     std::vector<Written>* out) {
  if (value.is_null()) return absl::OkStatus();
  if (!value.is_object())
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": this is no object with apiVersion and kind"));
  const object::Value* items = object::Find(value, {"items"});
  if (absl::EndsWith(object::FindString(value, {"kind"}), "List") && items != nullptr &&
      items->is_array()) {
    for (const object::Value& item : items->as_array()) RETURN_IF_ERROR(Collect(item, place, out));
    return absl::OkStatus();
  }
  out->push_back({place, object::ToJson(value)});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Written>> ReadManifests(const std::vector<std::string>& paths) {
  std::vector<Written> manifests;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(path));
    for (const std::string& file : files) {
      const std::string name = file == "-" ? "standard input" : file;
      ASSIGN_OR_RETURN(const std::string text, ReadInput(file));
      ASSIGN_OR_RETURN(const std::vector<yaml::Document> documents,
                       yaml::ParseYamlStream(text, name));
      for (const yaml::Document& document : documents) {
        RETURN_IF_ERROR(
            Collect(document.value, absl::StrCat(name, ":", document.line), &manifests));
      }
    }
  }
  return manifests;
}

absl::string_view OutcomeText(v1::ApplyResult::Outcome outcome) {
  switch (outcome) {
    case v1::ApplyResult::CREATED:
      return "created";
    case v1::ApplyResult::CONFIGURED:
      return "configured";
    case v1::ApplyResult::UNCHANGED:
      return "unchanged";
    default:
      return "refused";
  }
}

}  // namespace

absl::Status Apply(Connection& connection, const ApplyOptions& options, Streams streams) {
  ASSIGN_OR_RETURN(const std::vector<Written> manifests, ReadManifests(options.files));
  if (manifests.empty())
    return absl::InvalidArgumentError("nothing to apply: the files hold no object");
  v1::ApplyRequest request;
  for (const Written& written : manifests) request.add_manifests(written.manifest);
  request.set_dry_run(options.dry_run);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::ApplyResponse response;
  RETURN_IF_ERROR(
      connection.Explain(connection.fleet().Apply(&context, request, &response), "apply"));
  size_t refused = 0;
  for (int i = 0; i < response.results_size(); ++i) {
    const v1::ApplyResult& result = response.results(i);
    const std::string& place = manifests[static_cast<size_t>(i)].place;
    for (const std::string& warning : result.warnings())
      streams.err << "warning: " << place << ": " << warning << "\n";
    const std::string name = absl::StrCat(KindName(result.kind()), "/", result.name());
    if (result.outcome() == v1::ApplyResult::REFUSED) {
      ++refused;
      streams.err << "error: " << place << ": " << name << " refused: " << result.message() << "\n";
    } else {
      streams.out << name << " " << OutcomeText(result.outcome())
                  << (options.dry_run ? " (dry run)" : "") << "\n";
    }
  }
  if (refused > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(refused, " of ", manifests.size(), " objects refused; the others were taken"));
  }
  return absl::OkStatus();
}

}  // namespace leidang::cli
