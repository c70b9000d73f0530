#pragma once

// How a child begins: a group of its own, limits, an environment that is exactly what is given, no
// inherited descriptor. Internal to common/process.

#include <cstdint>
#include <unistd.h>
#include <utility>

#include "absl/status/statusor.h"

#include "common/process/child_process.h"

namespace leidang {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

// Both ends block. kUnavailable, naming the program, as below.
absl::StatusOr<Pipe> MakePipe(const ChildCommand& command);
absl::StatusOr<Descriptor> OpenNull(const ChildCommand& command);

struct ChildStreams {
  int in = -1;
  int out = -1;
  int err = -1;
};

struct StartedChild {
  pid_t pid = -1;
  Descriptor process;  // A process descriptor; none on an old kernel.
  bool without_network = false;
};

// Starts argv[0] with `streams` as 0, 1 and 2. The caller reaps it. kUnavailable if it cannot be
// started. The kernel kills the child when the calling thread ends.
absl::StatusOr<StartedChild> StartChild(const ChildCommand& command, const ChildStreams& streams);

// Whether the child has ended; it stays a zombie, so that its group's number is nobody else's.
bool HasExited(pid_t pid);

}  // namespace leidang
