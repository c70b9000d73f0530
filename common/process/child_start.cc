#include "common/process/child_start.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "absl/strings/str_cat.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace leidang {
namespace {

constexpr size_t kStackBytes = 128 << 10;

// What the child's first instructions need. They run in the parent's memory with the parent
// stopped, so they may only make system calls and read this.
struct Birth {
  char* const* argv;
  char* const* envp;
  const char* directory;
  int in;
  int out;
  int err;
  pid_t parent;
  rlim_t file_bytes_max;
  rlim_t memory_bytes_max;
  sigset_t signals;
  int error;  // Set by the child when it could not become the program.
};

__attribute__((no_sanitize("address", "undefined", "thread"))) int BecomeProgram(void* argument) {
  Birth* const birth = static_cast<Birth*>(argument);
  // Handlers of the parent must not run here, and ignored signals would be inherited by the
  // program.
  struct sigaction action;
  std::memset(&action, 0, sizeof(action));
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &action, nullptr);
  ::umask(077);
  const rlimit files{birth->file_bytes_max, birth->file_bytes_max};
  const rlimit memory{birth->memory_bytes_max, birth->memory_bytes_max};
  const rlimit no_core{0, 0};
  const bool ready = ::setpgid(0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
                     ::getppid() == birth->parent && ::chdir(birth->directory) == 0 &&
                     ::dup2(birth->in, 0) == 0 && ::dup2(birth->out, 1) == 1 &&
                     ::dup2(birth->err, 2) == 2 && ::setrlimit(RLIMIT_CORE, &no_core) == 0 &&
                     (birth->file_bytes_max == 0 || ::setrlimit(RLIMIT_FSIZE, &files) == 0) &&
                     (birth->memory_bytes_max == 0 || ::setrlimit(RLIMIT_DATA, &memory) == 0);
  if (ready) {
    ::syscall(SYS_close_range, 3U, ~0U, 0U);
    ::sigprocmask(SIG_SETMASK, &birth->signals, nullptr);
    ::execve(birth->argv[0], birth->argv, birth->envp);
  }
  birth->error = errno == 0 ? ECHILD : errno;
  ::_exit(127);
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

absl::Status StartError(const ChildCommand& command, int error) {
  return absl::UnavailableError(
      absl::StrCat("cannot start ", command.argv[0], ": ", std::strerror(error)));
}

// Makes the child, apart from the network if that is wanted and possible. An errno.
int Clone(const ChildCommand& command, char* stack_top, Birth* birth, StartedChild* child) {
  // As posix_spawn does it: no copy of page tables, however large this process is.
  constexpr int kFlags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  if (command.network == ChildCommand::Network::kNone) {
    // A privileged process may simply have it; others need a user namespace to own it.
    for (const int apart : {CLONE_NEWNET, CLONE_NEWNET | CLONE_NEWUSER}) {
      child->pid = ::clone(BecomeProgram, stack_top, kFlags | apart, birth);
      if (child->pid >= 0) {
        child->without_network = true;
        return 0;
      }
    }
  }
  child->pid = ::clone(BecomeProgram, stack_top, kFlags, birth);
  return errno;
}

}  // namespace

absl::StatusOr<Pipe> MakePipe(const ChildCommand& command) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return StartError(command, errno);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

absl::StatusOr<Descriptor> OpenNull(const ChildCommand& command) {
  Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null.get() < 0) return StartError(command, errno);
  return null;
}

absl::StatusOr<StartedChild> StartChild(const ChildCommand& command, const ChildStreams& streams) {
  const std::vector<char*> argv = Pointers(command.argv);
  const std::vector<char*> envp = Pointers(command.environment);
  Birth birth{.argv = argv.data(),
              .envp = envp.data(),
              .directory = command.directory.c_str(),
              .in = streams.in,
              .out = streams.out,
              .err = streams.err,
              .parent = ::getpid(),
              .file_bytes_max = command.file_bytes_max,
              .memory_bytes_max = command.memory_bytes_max,
              .signals = {},
              .error = 0};
  ::sigemptyset(&birth.signals);
  std::vector<char> stack(kStackBytes);
  char* top = stack.data() + stack.size();
  top -= reinterpret_cast<uintptr_t>(top) % 16;
  StartedChild child;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  errno = 0;
  const int clone_error = Clone(command, top, &birth, &child);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child.pid < 0) return StartError(command, clone_error);
  if (birth.error != 0) {
    ::waitpid(child.pid, nullptr, 0);
    return StartError(command, birth.error);
  }
  child.process = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  return child;
}

bool HasExited(pid_t pid) {
  siginfo_t info;
  std::memset(&info, 0, sizeof(info));
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return errno != EINTR;
  }
  return info.si_pid == pid;
}

}  // namespace leidang
