#pragma once

// What our programs that run until they are told to stop have in common.

#include <csignal>
#include <string>

#include "absl/status/status.h"

namespace leidang {

// The signals that stop a program: SIGTERM and SIGINT. From construction on they are held for Wait,
// in this thread and in all that are started later, until the process ends; SIGPIPE is ignored.
// Make it before any thread. Thread-compatible.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Returns when one has come.
  void Wait() const;

 private:
  sigset_t signals_;
};

// Makes the directory, and those above it, unless they exist; nobody but this user may enter it
// then. kInternal or kPermissionDenied, naming the path.
absl::Status MakePrivateDirectory(const std::string& path);

}  // namespace leidang
