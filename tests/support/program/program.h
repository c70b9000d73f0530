#pragma once

// Program: a child process that is killed, stopped and started again.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include <sys/types.h>

namespace leidang::testing {

// Thread-compatible; started and ended on one thread, with which the child would die.
class Program {
 public:
  // What it prints is appended to `log`.
  Program(std::vector<std::string> argv, std::string log);
  ~Program();  // Kills it.
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void set_argv(std::vector<std::string> argv) { argv_ = std::move(argv); }
  void Start();
  // SIGKILL, and waits for its end.
  void Kill();
  // SIGTERM, and waits for its end, `grace_ms` at most; then as Kill. True if it ended by itself
  // with exit code 0, or so early in its life that the signal came before it asks for signals.
  bool Terminate(int grace_ms);
  void Stop();      // SIGSTOP
  void Continue();  // SIGCONT
  // True while it runs, a stopped one included.
  bool IsRunning();
  // It ended although nobody ended it: how; "" if it did not.
  const std::string& died() const { return died_; }

  uint64_t resident_bytes() const;
  uint64_t resident_bytes_peak() const;
  uint64_t anonymous_bytes() const;  // Of the resident ones; the rest is of files.
  absl::Duration cpu_time() const;   // Without that of its children.

 private:
  uint64_t StatusBytes(const std::string& field) const;
  void Ended(int status);

  std::vector<std::string> argv_;
  const std::string log_;
  pid_t pid_ = -1;
  absl::Time started_;
  std::string died_;
};

}  // namespace leidang::testing
