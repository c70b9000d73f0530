#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include <sys/types.h>

namespace leidang::hub {

// The whole file. kNotFound, kPermissionDenied, kUnavailable name it.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

// Puts `text` in place of the file, durably: it is there as a whole or not at all, after a power
// cut too. kResourceExhausted when the disk is full.
absl::Status WriteDurably(const std::string& path, absl::string_view text, mode_t mode);

// Makes what was created or renamed in the folder durable.
absl::Status SyncFolder(const std::string& path);

}  // namespace leidang::hub
