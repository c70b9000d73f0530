#include "common/process/program.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include <sys/stat.h>

namespace leidang {

StopSignals::StopSignals() : signals_() {
  sigemptyset(&signals_);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void StopSignals::Wait() const {
  int received = 0;
  sigwait(&signals_, &received);
}

absl::Status MakePrivateDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return absl::InternalError(
        absl::StrCat("cannot create the directory ", path, ": ", error.message()));
  }
  if (::chmod(path.c_str(), 0700) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("the directory ", path, " does not belong to this user"));
  }
  return absl::OkStatus();
}

}  // namespace leidang
