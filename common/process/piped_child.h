#pragma once

// PipedChild: a program that stays and answers: what is written goes to its standard input, what it
// prints is read, and it is ended when nobody needs it any more. It has the limits of RunChild on
// memory and files, an environment that is exactly what is given, a group of its own, and nothing
// of its standard error is kept. Its deadline, silence and output limits are the caller's, who
// passes a deadline with each step.
//
// Thread-compatible. Blocks, so it is for workers, and for a thread that outlives it: the kernel
// kills the child when the thread that started it ends.

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/process/child_process.h"
#include "common/time/clock.h"

namespace leidang {

class PipedChild {
 public:
  // kUnavailable if the program cannot be started. `clock` must outlive it.
  static absl::StatusOr<std::unique_ptr<PipedChild>> Start(const ChildCommand& command,
                                                           const Clock& clock);
  // As End.
  ~PipedChild();
  PipedChild(const PipedChild&) = delete;
  PipedChild& operator=(const PipedChild&) = delete;

  // Both: kDeadlineExceeded once the clock's monotonic time is past `deadline`, kUnavailable if the
  // child has closed its end, which it does at the latest when it dies. After an error the stream
  // may be anywhere between two messages: end the child.
  absl::Status Write(absl::string_view bytes, absl::Duration deadline);
  absl::StatusOr<std::string> Read(size_t bytes, absl::Duration deadline);

  // Kills its whole group and says how the child had ended, or "killed" if it had not.
  std::string End();

  bool without_network() const { return without_network_; }
  int pid() const { return pid_; }

 private:
  PipedChild(const Clock& clock, int pid, int in, int out, bool without_network);

  absl::Status Await(int descriptor, short events, absl::Duration deadline) const;

  const Clock& clock_;
  int pid_;  // -1 once ended.
  int in_;
  int out_;
  const bool without_network_;
};

}  // namespace leidang
