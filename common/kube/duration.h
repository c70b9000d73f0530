#pragma once

// Durations as Go writes and reads them: `1h30m`, `1.5s`, `-250ms`. Pure.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leidang::kube {

// Nanoseconds over the whole int64 range. kInvalidArgument with Go's text (`time: unknown unit "d"
// in duration "1d"`).
absl::StatusOr<int64_t> ParseDurationNanoseconds(absl::string_view text);
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

// Go's own form: `1h30m0s`, `1.5µs`, `0s`.
std::string FormatDuration(int64_t nanoseconds);

}  // namespace leidang::kube
