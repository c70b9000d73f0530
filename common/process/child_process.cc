#include "common/process/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace leidang {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(500);
constexpr size_t kStackBytes = 128 << 10;

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

struct Pipe {
  Descriptor read;
  Descriptor write;
};

absl::StatusOr<Pipe> MakePipe(const ChildCommand& command) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return StartError(command, errno);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

// A child from its start to its reaping.
class Child {
 public:
  Child(const ChildCommand& command, const Clock& clock, const CancelSignal* cancel)
      : command_(command), clock_(clock), cancel_(cancel) {}

  absl::Status Start();
  ChildResult Finish();

 private:
  int Clone(char* stack_top, void* birth);
  void Wait(absl::Duration longest);
  // True once the end of the program is known.
  bool HasExited();
  bool ReadSome(Descriptor* from, bool is_error);
  void Watch();
  void End(ChildResult::End why);

  const ChildCommand& command_;
  const Clock& clock_;
  const CancelSignal* const cancel_;
  pid_t pid_ = -1;
  Descriptor process_;
  Descriptor out_;
  Descriptor err_;
  absl::Duration started_;
  absl::Duration last_sign_;
  absl::Duration asked_to_end_ = absl::InfiniteDuration();
  uint64_t last_progress_ = 0;
  bool killed_ = false;
  ChildResult result_;
};

absl::Status Child::Start() {
  const std::vector<char*> argv = Pointers(command_.argv);
  const std::vector<char*> envp = Pointers(command_.environment);
  ASSIGN_OR_RETURN(Pipe out, MakePipe(command_));
  ASSIGN_OR_RETURN(Pipe err, MakePipe(command_));
  const Descriptor in(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) return StartError(command_, errno);

  Birth birth{.argv = argv.data(),
              .envp = envp.data(),
              .directory = command_.directory.c_str(),
              .in = in.get(),
              .out = out.write.get(),
              .err = err.write.get(),
              .parent = ::getpid(),
              .file_bytes_max = command_.file_bytes_max,
              .memory_bytes_max = command_.memory_bytes_max,
              .signals = {},
              .error = 0};
  ::sigemptyset(&birth.signals);
  std::vector<char> stack(kStackBytes);
  char* top = stack.data() + stack.size();
  top -= reinterpret_cast<uintptr_t>(top) % 16;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  errno = 0;
  const int clone_error = Clone(top, &birth);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid_ < 0) return StartError(command_, clone_error);
  if (birth.error != 0) {
    ::waitpid(pid_, nullptr, 0);
    return StartError(command_, birth.error);
  }
  process_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  started_ = last_sign_ = clock_.Monotonic();
  return absl::OkStatus();
}

// Makes the child, apart from the network if that is wanted and possible. An errno.
int Child::Clone(char* stack_top, void* birth) {
  // As posix_spawn does it: no copy of page tables, however large this process is.
  constexpr int kFlags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  if (command_.network == ChildCommand::Network::kNone) {
    // A privileged process may simply have it; others need a user namespace to own it.
    for (const int apart : {CLONE_NEWNET, CLONE_NEWNET | CLONE_NEWUSER}) {
      pid_ = ::clone(BecomeProgram, stack_top, kFlags | apart, birth);
      if (pid_ >= 0) {
        result_.without_network = true;
        return 0;
      }
    }
  }
  pid_ = ::clone(BecomeProgram, stack_top, kFlags, birth);
  return errno;
}

void Child::Wait(absl::Duration longest) {
  const int cancelled = cancel_ == nullptr || result_.end == ChildResult::End::kCancelled
                            ? -1
                            : cancel_->descriptor();
  std::array<pollfd, 4> fds = {{{out_.get(), POLLIN, 0},
                                {err_.get(), POLLIN, 0},
                                {process_.get(), POLLIN, 0},
                                {cancelled, POLLIN, 0}}};
  // Without a process descriptor (an old kernel) the end is noticed at the next tick.
  const absl::Duration tick = process_.get() < 0 ? absl::Milliseconds(20) : kTick;
  const int64_t ms = std::clamp<int64_t>(
      absl::ToInt64Milliseconds(absl::Ceil(std::min(longest, tick), absl::Milliseconds(1))), 1,
      absl::ToInt64Milliseconds(kTick));
  ::poll(fds.data(), fds.size(), static_cast<int>(ms));
}

bool Child::HasExited() {
  siginfo_t info;
  std::memset(&info, 0, sizeof(info));
  // WNOWAIT: the process stays a zombie, so that its group's number cannot be taken by another.
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return errno != EINTR;
  }
  return info.si_pid == pid_;
}

bool Child::ReadSome(Descriptor* from, bool is_error) {
  if (from->get() < 0) return false;
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(from->get(), buffer.data(), buffer.size());
  if (got < 0) return false;
  if (got == 0) {
    from->Close();
    return false;
  }
  last_sign_ = clock_.Monotonic();
  std::string& text = is_error ? result_.err : result_.out;
  text.append(buffer.data(), static_cast<size_t>(got));
  if (is_error && text.size() > 2 * command_.error_bytes_max) {
    text.erase(0, text.size() - command_.error_bytes_max);
  }
  if (!is_error && text.size() > command_.output_bytes_max) {
    text.resize(command_.output_bytes_max);
    End(ChildResult::End::kOutputTooLong);
  }
  return true;
}

// Asks the group to end, the first time; the reason of the first time counts.
void Child::End(ChildResult::End why) {
  if (asked_to_end_ != absl::InfiniteDuration()) return;
  asked_to_end_ = clock_.Monotonic();
  result_.end = why;
  ::kill(-pid_, SIGTERM);
}

void Child::Watch() {
  const absl::Duration now = clock_.Monotonic();
  if (asked_to_end_ != absl::InfiniteDuration()) {
    if (!killed_ && now - asked_to_end_ >= command_.grace) {
      killed_ = true;
      ::kill(-pid_, SIGKILL);
    }
    return;
  }
  if (cancel_ != nullptr && cancel_->IsCancelled()) return End(ChildResult::End::kCancelled);
  if (now - started_ >= command_.deadline) return End(ChildResult::End::kDeadline);
  if (command_.progress) {
    const uint64_t progress = command_.progress();
    if (progress != last_progress_) last_sign_ = now;
    last_progress_ = progress;
  }
  if (now - last_sign_ >= command_.silence_max) End(ChildResult::End::kSilent);
}

ChildResult Child::Finish() {
  while (!HasExited()) {
    const absl::Duration now = clock_.Monotonic();
    absl::Duration longest =
        asked_to_end_ == absl::InfiniteDuration()
            ? std::min(started_ + command_.deadline, last_sign_ + command_.silence_max) - now
            : asked_to_end_ + command_.grace - now;
    if (killed_) longest = kTick;
    Wait(longest);
    ReadSome(&out_, false);
    ReadSome(&err_, true);
    Watch();
  }
  // What was written before the end is in the pipes; what is left of the group may hold them open.
  while (result_.out.size() < command_.output_bytes_max && ReadSome(&out_, false)) {
  }
  for (int rounds = 0; rounds < 16 && ReadSome(&err_, true); ++rounds) {
  }
  ::kill(-pid_, SIGKILL);
  siginfo_t info;
  std::memset(&info, 0, sizeof(info));
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  if (asked_to_end_ == absl::InfiniteDuration()) {
    result_.end =
        info.si_code == CLD_EXITED ? ChildResult::End::kExited : ChildResult::End::kSignalled;
  }
  result_.code = info.si_status;
  if (result_.err.size() > command_.error_bytes_max) {
    result_.err.erase(0, result_.err.size() - command_.error_bytes_max);
  }
  return std::move(result_);
}

}  // namespace

CancelSignal::CancelSignal() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(descriptor_ >= 0);
}

CancelSignal::~CancelSignal() { ::close(descriptor_); }

void CancelSignal::Cancel() {
  const uint64_t one = 1;
  CHECK(::write(descriptor_, &one, sizeof(one)) == sizeof(one));
}

bool CancelSignal::IsCancelled() const {
  pollfd fd{descriptor_, POLLIN, 0};
  return ::poll(&fd, 1, 0) == 1;
}

absl::StatusOr<ChildResult> RunChild(const ChildCommand& command, const Clock& clock,
                                     const CancelSignal* cancel) {
  CHECK(!command.argv.empty());
  Child child(command, clock, cancel);
  RETURN_IF_ERROR(child.Start());
  return child.Finish();
}

absl::StatusOr<std::string> FindProgram(absl::string_view name, absl::string_view search_path) {
  if (!name.empty() && name[0] == '/') return std::string(name);
  for (const absl::string_view directory : absl::StrSplit(search_path, ':', absl::SkipEmpty())) {
    std::string path = absl::StrCat(directory, "/", name);
    struct stat status;
    if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::access(path.c_str(), X_OK) == 0) {
      return path;
    }
  }
  return absl::NotFoundError(
      absl::StrCat("the program \"", name, "\" is not in ", search_path, "; install it"));
}

}  // namespace leidang
