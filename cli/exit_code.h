#pragma once

#include "absl/status/status.h"

namespace leidang::cli {

// What the command line ends with, for scripts (design: names fixed once).
enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kDifferences = 2,
  kNotFound = 3,
  kRefused = 4,  // Refused, or held for approval.
  kTimedOut = 5,
  kUnreachable = 6,
  kUsage = 64,
};

ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace leidang::cli
