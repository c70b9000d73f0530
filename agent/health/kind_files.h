#pragma once

// The files of kinds/, as CMake has put them into the program. Internal to agent/health.

#include <vector>

#include "absl/strings/string_view.h"

namespace leidang::agent {

struct KindFile {
  absl::string_view name;
  absl::string_view text;
};

std::vector<KindFile> KindFiles();

}  // namespace leidang::agent
