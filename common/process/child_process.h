#pragma once

// RunChild: another program, run under limits that it cannot escape: a deadline, a bound on
// silence, on output, on memory and on the size of files, an environment that is exactly what is
// given, no inherited descriptor, no terminal.
//
// The child leads a process group of its own. When RunChild returns, for whatever reason, every
// process of that group has been sent SIGKILL. If the calling program dies, the kernel kills the
// child.
//
// Thread-safe. Blocks; call it on a worker that outlives the child.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/time/clock.h"

namespace leidang {

// Ends all children that were given it, now and later. Thread-safe.
class CancelSignal {
 public:
  CancelSignal();
  ~CancelSignal();
  CancelSignal(const CancelSignal&) = delete;
  CancelSignal& operator=(const CancelSignal&) = delete;

  void Cancel();
  bool IsCancelled() const;
  int descriptor() const { return descriptor_; }  // Readable once cancelled.

 private:
  const int descriptor_;
};

struct ChildCommand {
  std::vector<std::string> argv;         // argv[0] is an absolute path.
  std::vector<std::string> environment;  // "NAME=value", and nothing else.
  std::string directory = "/";
  absl::Duration deadline = absl::Minutes(1);
  absl::Duration grace = absl::Seconds(2);  // Between SIGTERM and SIGKILL.
  // No output, and no change of `progress`, for so long ends the child.
  absl::Duration silence_max = absl::InfiniteDuration();
  std::function<uint64_t()> progress;   // Asked about each half second; may be empty.
  uint64_t output_bytes_max = 1 << 20;  // Of stdout; more ends the child.
  size_t error_bytes_max = 32 << 10;    // Of stderr: the last so many are kept.
  uint64_t file_bytes_max = 0;          // RLIMIT_FSIZE; 0 is no limit.
  // kNone: no network, not even the loopback, where the kernel lets this process have such a
  // namespace; ChildResult says whether it did.
  enum class Network : uint8_t { kShared, kNone } network = Network::kShared;
  // RLIMIT_DATA of each process: what it may write to of its own, reserved addresses apart; 0 is no
  // limit.
  uint64_t memory_bytes_max = 0;
};

struct ChildResult {
  enum class End { kExited, kSignalled, kDeadline, kSilent, kOutputTooLong, kCancelled };
  End end = End::kExited;
  int code = 0;  // Exit code for kExited, signal for kSignalled.
  std::string out;
  std::string err;
  bool without_network = false;

  bool Succeeded() const { return end == End::kExited && code == 0; }
};

// kUnavailable if the program cannot be started at all (not installed, no processes left).
// `cancel` may be nullptr.
absl::StatusOr<ChildResult> RunChild(const ChildCommand& command, const Clock& clock,
                                     const CancelSignal* cancel);

// The first executable file of that name in a PATH-like list; an absolute `name` is returned as it
// is. kNotFound, saying where was looked.
absl::StatusOr<std::string> FindProgram(absl::string_view name, absl::string_view search_path);

}  // namespace leidang
