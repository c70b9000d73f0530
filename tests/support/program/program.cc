#include "tests/support/program/program.h"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <sys/prctl.h>
#include <sys/wait.h>

#include "common/base/check.h"

namespace leidang::testing {
namespace {

// Loaded and at its first lines.
constexpr absl::Duration kOwnSignalsWithin = absl::Seconds(2);

}  // namespace

Program::Program(std::vector<std::string> argv, std::string log)
    : argv_(std::move(argv)), log_(std::move(log)) {}

Program::~Program() { Kill(); }

void Program::Start() {
  CHECK(pid_ < 0);
  std::vector<char*> argv;
  for (std::string& argument : argv_) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  CHECK(log >= 0);
  started_ = absl::Now();
  pid_ = ::fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(log, 1);
    ::dup2(log, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(log);
}

void Program::Ended(int status) {
  pid_ = -1;
  died_ = WIFSIGNALED(status) ? absl::StrCat("signal ", WTERMSIG(status))
                              : absl::StrCat("exit code ", WEXITSTATUS(status));
}

bool Program::IsRunning() {
  int status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) Ended(status);
  return pid_ > 0;
}

void Program::Kill() {
  if (!IsRunning()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

bool Program::Terminate(int grace_ms) {
  if (!IsRunning()) return false;
  ::kill(pid_, SIGTERM);
  const absl::Time until = absl::Now() + absl::Milliseconds(grace_ms);
  while (absl::Now() < until) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
        return absl::Now() - started_ < kOwnSignalsWithin;
      return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    absl::SleepFor(absl::Milliseconds(10));
  }
  Kill();
  return false;
}

void Program::Stop() {
  if (IsRunning()) ::kill(pid_, SIGSTOP);
}

void Program::Continue() {
  if (IsRunning()) ::kill(pid_, SIGCONT);
}

uint64_t Program::StatusBytes(const std::string& field) const {
  std::ifstream file(absl::StrCat("/proc/", pid_, "/status"));
  std::string line;
  while (std::getline(file, line)) {
    if (absl::StartsWith(line, field)) return std::stoull(line.substr(field.size())) * 1024;
  }
  return 0;
}

uint64_t Program::resident_bytes() const { return StatusBytes("VmRSS:"); }
uint64_t Program::resident_bytes_peak() const { return StatusBytes("VmHWM:"); }
uint64_t Program::anonymous_bytes() const { return StatusBytes("RssAnon:"); }

absl::Duration Program::cpu_time() const {
  // The sum over its threads, in nanoseconds; /proc/PID/stat counts in hundredths of a second.
  absl::Duration time;
  std::error_code gone;
  for (const auto& thread :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid_, "/task"), gone)) {
    std::ifstream file(thread.path() / "schedstat");
    int64_t nanoseconds = 0;
    if (file >> nanoseconds) time += absl::Nanoseconds(nanoseconds);
  }
  return time;
}

}  // namespace leidang::testing
