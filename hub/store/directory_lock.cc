#include "hub/store/directory_lock.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include <sys/file.h>
#include <sys/stat.h>

namespace leidang::hub {
namespace {

absl::Status Failed(absl::string_view what, const std::string& path, int error) {
  const std::string message = absl::StrCat("cannot ", what, " ", path, ": ", std::strerror(error));
  if (error == EACCES || error == EPERM || error == EROFS) {
    return absl::PermissionDeniedError(
        absl::StrCat(message, ". Give the user of the hub write access, or set --data-dir."));
  }
  return absl::UnavailableError(message);
}

std::string Holder(int descriptor) {
  char text[32] = {};
  const ssize_t size = ::pread(descriptor, text, sizeof(text) - 1, 0);
  if (size <= 0) return "another process";
  return absl::StrCat("process ", absl::StripAsciiWhitespace(text));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Acquire(
    const std::string& directory) {
  std::error_code error;
  const bool created = std::filesystem::create_directories(directory, error);
  if (error) return Failed("create the data directory", directory, error.value());
  if (created && ::chmod(directory.c_str(), 0700) != 0) {
    return Failed("set the mode of", directory, errno);
  }
  const std::string path = directory + "/LOCK";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return Failed("open", path, errno);
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(descriptor));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Failed("lock", path, errno);
    return absl::FailedPreconditionError(absl::StrCat("the data directory ", directory,
                                                      " is in use by ", Holder(descriptor),
                                                      ": stop it, or set another --data-dir"));
  }
  const std::string pid = absl::StrCat(::getpid(), "\n");
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return Failed("write", path, errno);
  }
  return lock;
}

DirectoryLock::~DirectoryLock() { ::close(descriptor_); }

}  // namespace leidang::hub
