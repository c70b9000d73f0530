#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace leidang::hub {

// Holds `<directory>/LOCK`, so that one hub at a time uses a data directory. Released when it is
// destroyed and when the process ends, however that comes about. Creates the directory, mode 0700.
class DirectoryLock {
 public:
  // kFailedPrecondition names the process that holds it; kPermissionDenied, kUnavailable name what
  // cannot be made.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Acquire(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  const int descriptor_;
};

}  // namespace leidang::hub
