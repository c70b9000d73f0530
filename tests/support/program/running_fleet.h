#pragma once

// RunningFleet: a hub and agents as programs of their own, and the command line that asks them. As
// a user has it, but below a temporary folder and on free ports.

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/process/child_process.h"
#include "common/time/real_clock.h"
#include "common/time/workers.h"
#include "tests/support/temp_dir.h"

namespace leidang::testing {

class RunningFleet {
 public:
  // Starts a hub that looks at Git every second. Fails the test if it does not come up.
  RunningFleet();
  ~RunningFleet();

  // Registers a cluster and starts its agent, whose target is the folder Directory(name).
  void AddCluster(const std::string& name, const std::string& label);
  std::string Directory(const std::string& cluster) const;
  // The same with another target: `options` of leidang-agent that name it.
  void AddClusterWith(const std::string& name, const std::string& label,
                      const std::vector<std::string>& options);

  struct Answer {
    int code = -1;
    std::string out;
    std::string err;
  };
  // Runs `leidang` with these arguments and what it needs to find the hub.
  Answer Leidang(std::vector<std::string> arguments) const;
  // Asks again and again, for at most `patience`, until the exit code is 0 and the output contains
  // `text`. Gives the last answer.
  Answer LeidangUntil(const std::vector<std::string>& arguments, const std::string& text,
                      absl::Duration patience = absl::Seconds(20)) const;

  // A file below the fleet's folder with this content; gives its path.
  std::string Write(const std::string& name, const std::string& content) const;

 private:
  void StartProgram(std::vector<std::string> argv);

  TempDir folder_;
  RealClock clock_;
  CancelSignal stop_;
  WorkerThreads workers_{"programs", 6};
  std::string hub_address_;
};

}  // namespace leidang::testing
