#include "hub/store/rocks/sync_probe.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include "absl/strings/str_cat.h"

namespace leidang::hub {
namespace {

constexpr size_t kWriteBytes = 4096;
constexpr absl::Duration kTimeMax = absl::Seconds(1);

absl::Status Failed(const std::string& path) {
  const int error = errno;
  const std::string message = absl::StrCat("cannot write ", path, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  if (error == EACCES || error == EROFS) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

}  // namespace

absl::StatusOr<SyncLatency> MeasureSync(const std::string& directory, size_t samples,
                                        const Clock& clock) {
  const std::string path = directory + "/.sync-probe";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return Failed(path);
  const std::string block(kWriteBytes, '\x5a');
  std::vector<absl::Duration> taken;
  absl::Status status;
  const absl::Duration begin = clock.Monotonic();
  while (taken.size() < samples && clock.Monotonic() - begin < kTimeMax) {
    const absl::Duration before = clock.Monotonic();
    // Growing the file is what a write-ahead log does.
    if (::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        ::fdatasync(file) != 0) {
      status = Failed(path);
      break;
    }
    taken.push_back(clock.Monotonic() - before);
  }
  ::close(file);
  ::unlink(path.c_str());
  if (!status.ok()) return status;
  std::sort(taken.begin(), taken.end());
  SyncLatency latency;
  latency.samples = taken.size();
  latency.median = taken[taken.size() / 2];
  latency.p99 = taken[taken.size() - 1 - taken.size() / 100];
  return latency;
}

}  // namespace leidang::hub
