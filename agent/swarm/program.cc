#include "agent/swarm/program.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace leidang::agent {
namespace {

constexpr double kMb = 1e6;

std::string ReadProc(pid_t pid, const char* file) {
  std::ifstream stream(absl::StrCat("/proc/", pid, "/", file));
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

double ResidentMb(const std::string& status, absl::string_view field) {
  for (const absl::string_view line : absl::StrSplit(status, '\n')) {
    if (!absl::StartsWith(line, field)) continue;
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    double kib = 0;
    if (words.size() > 1 && absl::SimpleAtod(words[1], &kib)) return kib * 1024 / kMb;
  }
  return 0;
}

double CpuSeconds(const std::string& stat) {
  // The name, in brackets, may hold spaces.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  const std::vector<absl::string_view> words =
      absl::StrSplit(absl::string_view(stat).substr(name_end + 1), ' ', absl::SkipEmpty());
  double user = 0;
  double system = 0;
  if (words.size() < 13 || !absl::SimpleAtod(words[11], &user) ||
      !absl::SimpleAtod(words[12], &system))
    return 0;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessUsage UsageOf(pid_t pid) {
  ProcessUsage usage;
  const std::string status = ReadProc(pid, "status");
  usage.resident_mb = ResidentMb(status, "VmRSS:");
  usage.resident_peak_mb = ResidentMb(status, "VmHWM:");
  usage.cpu_s = CpuSeconds(ReadProc(pid, "stat"));
  std::error_code error;
  for (std::filesystem::directory_iterator entry(absl::StrCat("/proc/", pid, "/fd"), error), end;
       !error && entry != end; entry.increment(error))
    ++usage.descriptors;
  return usage;
}

double DiskMb(const std::string& directory) {
  double bytes = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(directory, error), end;
       !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    const uintmax_t size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
    if (!gone) bytes += static_cast<double>(size);
  }
  return bytes / kMb;
}

absl::Status RaiseDescriptorLimit(uint64_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return absl::InternalError("getrlimit fails");
  if (limit.rlim_max < wanted) {
    return absl::ResourceExhaustedError(
        absl::StrCat(wanted, " open files are needed and ", limit.rlim_max,
                     " are allowed: raise the limit (ulimit -Hn), or take fewer agents"));
  }
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::InternalError(
        absl::StrCat("cannot raise the limit of open files: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

Program::Program(std::vector<std::string> argv, std::string log)
    : argv_(std::move(argv)), log_(std::move(log)) {}

Program::~Program() { Kill(); }

absl::Status Program::Start() {
  if (::access(argv_[0].c_str(), X_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat("there is no program ", argv_[0], ": name it with --hub-program"));
  }
  std::vector<char*> argv;
  for (std::string& argument : argv_) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return absl::InternalError(absl::StrCat("cannot write ", log_));
  pid_ = ::fork();
  if (pid_ == 0) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(log, 1);
    ::dup2(log, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(log);
  if (pid_ < 0) return absl::ResourceExhaustedError("no process can be started");
  return absl::OkStatus();
}

void Program::Kill() {
  if (!IsRunning()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool Program::IsRunning() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

}  // namespace leidang::agent
