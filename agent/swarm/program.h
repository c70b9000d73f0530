#pragma once

// A child program that is measured and killed, and what the kernel says about a process.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include <sys/types.h>

namespace leidang::agent {

struct ProcessUsage {
  double resident_mb = 0;
  double resident_peak_mb = 0;
  double cpu_s = 0;  // User and system, since its start.
  uint64_t descriptors = 0;
};
// Zeros for one that is not there.
ProcessUsage UsageOf(pid_t pid);

// Of the files below `directory`.
double DiskMb(const std::string& directory);

// Raises the soft limit of open files to the hard one. kResourceExhausted, saying what to do, if
// that is below `wanted`.
absl::Status RaiseDescriptorLimit(uint64_t wanted);

// Thread-compatible; started and ended on one thread, with which the child would die.
class Program {
 public:
  // argv[0] is a path. Output goes to the end of the file `log`.
  Program(std::vector<std::string> argv, std::string log);
  ~Program();  // Kills.
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void set_argv(std::vector<std::string> argv) { argv_ = std::move(argv); }
  absl::Status Start();
  // SIGKILL; returns when it is gone.
  void Kill();
  bool IsRunning();
  pid_t pid() const { return pid_; }
  const std::string& log() const { return log_; }

 private:
  std::vector<std::string> argv_;
  const std::string log_;
  pid_t pid_ = -1;
};

}  // namespace leidang::agent
