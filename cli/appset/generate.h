#pragma once

// `leidang appset generate`: the Applications of ApplicationSets, without a hub.

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leidang::cli {

struct GenerateRequest {
  std::string file;                       // YAML or JSON; other kinds in it are passed over.
  std::optional<std::string> world;       // A folder as DirectoryWorld reads it.
  std::vector<std::string> repositories;  // Each `URL=path` of a working copy.
  std::string output = "yaml";            // `yaml`, `json` or `name`.
  std::optional<std::string> explain;     // Show how this one Application comes about instead.
};

struct GenerateResult {
  // 0: done. 1: something failed, and `out` holds what did not. 64: the request itself is wrong.
  int exit_code = 0;
  std::string out;
  std::string err;  // One line for each error and warning.
};

// Reads the file system; never throws.
GenerateResult GenerateApplications(const GenerateRequest& request);

}  // namespace leidang::cli
