#include "common/process/piped_child.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "absl/strings/str_cat.h"
#include <sys/wait.h>

#include "common/base/status_macros.h"
#include "common/process/child_start.h"

namespace leidang {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(500);
constexpr absl::Duration kDying = absl::Milliseconds(20);
constexpr size_t kReadBytes = 64 << 10;

int Released(Descriptor& from) {
  const int fd = ::fcntl(from.get(), F_DUPFD_CLOEXEC, 3);
  from.Close();
  if (fd >= 0) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

// SIGPIPE for one write, in a program that may not ignore it everywhere.
class PipeSignalBlocked {
 public:
  PipeSignalBlocked() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~PipeSignalBlocked() {
    const timespec now{0, 0};
    const int error = errno;
    if (::sigismember(&before_, SIGPIPE) == 0) ::sigtimedwait(&pipe_, nullptr, &now);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PipedChild>> PipedChild::Start(const ChildCommand& command,
                                                              const Clock& clock) {
  ASSIGN_OR_RETURN(Pipe in, MakePipe(command));
  ASSIGN_OR_RETURN(Pipe out, MakePipe(command));
  ASSIGN_OR_RETURN(const Descriptor null, OpenNull(command));
  ASSIGN_OR_RETURN(
      const StartedChild started,
      StartChild(command, {.in = in.read.get(), .out = out.write.get(), .err = null.get()}));
  std::unique_ptr<PipedChild> child(new PipedChild(clock, started.pid, Released(in.write),
                                                   Released(out.read), started.without_network));
  if (child->in_ < 0 || child->out_ < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot start ", command.argv[0], ": no descriptor is left"));
  }
  return child;
}

PipedChild::PipedChild(const Clock& clock, int pid, int in, int out, bool without_network)
    : clock_(clock), pid_(pid), in_(in), out_(out), without_network_(without_network) {}

PipedChild::~PipedChild() { End(); }

absl::Status PipedChild::Await(int descriptor, short events, absl::Duration deadline) const {
  const absl::Duration left = deadline - clock_.Monotonic();
  if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("the child took too long");
  pollfd fd{descriptor, events, 0};
  const absl::Duration tick = std::min(absl::Ceil(left, absl::Milliseconds(1)), kTick);
  ::poll(&fd, 1, static_cast<int>(absl::ToInt64Milliseconds(tick)));
  return absl::OkStatus();
}

absl::Status PipedChild::Write(absl::string_view bytes, absl::Duration deadline) {
  const PipeSignalBlocked blocked;
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(in_, bytes.data(), bytes.size());
    if (wrote > 0) {
      bytes.remove_prefix(static_cast<size_t>(wrote));
    } else if (wrote < 0 && errno != EAGAIN && errno != EINTR) {
      return absl::UnavailableError("the child does not read any more");
    } else {
      RETURN_IF_ERROR(Await(in_, POLLOUT, deadline));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PipedChild::Read(size_t bytes, absl::Duration deadline) {
  std::string out;
  while (out.size() < bytes) {
    const size_t before = out.size();
    out.resize(before + std::min(bytes - before, kReadBytes));
    const ssize_t got = ::read(out_, out.data() + before, out.size() - before);
    out.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
      return absl::UnavailableError("the child has ended");
    }
    if (got < 0) RETURN_IF_ERROR(Await(out_, POLLIN, deadline));
  }
  return out;
}

std::string PipedChild::End() {
  if (pid_ < 0) return "killed";
  for (int* descriptor : {&in_, &out_}) {
    if (*descriptor >= 0) ::close(*descriptor);
    *descriptor = -1;
  }
  // One that is about to die of itself should say why.
  const absl::Duration until = clock_.Monotonic() + kDying;
  while (!HasExited(pid_) && clock_.Monotonic() < until) ::poll(nullptr, 0, 1);
  const bool gone = HasExited(pid_);
  ::kill(-pid_, SIGKILL);
  siginfo_t info;
  std::memset(&info, 0, sizeof(info));
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (!gone) return "killed";
  return absl::StrCat(info.si_code == CLD_EXITED ? "exit code " : "signal ", info.si_status);
}

}  // namespace leidang
