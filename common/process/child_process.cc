#include "common/process/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/process/child_start.h"

namespace leidang {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(500);

// A child from its start to its reaping.
class Child {
 public:
  Child(const ChildCommand& command, const Clock& clock, const CancelSignal* cancel)
      : command_(command), clock_(clock), cancel_(cancel) {}

  absl::Status Start();
  ChildResult Finish();

 private:
  void Wait(absl::Duration longest);
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
  ASSIGN_OR_RETURN(Pipe out, MakePipe(command_));
  ASSIGN_OR_RETURN(Pipe err, MakePipe(command_));
  ASSIGN_OR_RETURN(const Descriptor in, OpenNull(command_));
  ASSIGN_OR_RETURN(
      StartedChild started,
      StartChild(command_, {.in = in.get(), .out = out.write.get(), .err = err.write.get()}));
  pid_ = started.pid;
  result_.without_network = started.without_network;
  process_ = std::move(started.process);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(err_.get(), F_SETFL, O_NONBLOCK);
  started_ = last_sign_ = clock_.Monotonic();
  return absl::OkStatus();
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
  while (!HasExited(pid_)) {
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
  // What was written before the end is in the pipes; what is left of the group may hold them
  // open.
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
