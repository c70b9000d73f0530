#pragma once

// RunningFleet: a hub and agents as programs of their own, and the command lines that ask them. As
// a user has it, but below a temporary folder and on free ports. Each can be killed and started
// again, and the hub's data directory taken away meanwhile.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include <sys/types.h>

#include "common/time/real_clock.h"
#include "tests/support/program/program.h"
#include "tests/support/temp_dir.h"

namespace leidang::testing {

// One file as it lies on the disk: another inode or time means that it was written again.
struct FileFacts {
  ino_t inode = 0;
  int64_t modified_ns = 0;
  std::string content;

  friend bool operator==(const FileFacts&, const FileFacts&) = default;
};

// Thread-compatible; used on the thread that made it.
class RunningFleet {
 public:
  // Starts a hub that looks at Git every second, with these flags besides. Fails the test if it
  // does not come up.
  explicit RunningFleet(std::vector<std::string> hub_flags = {});
  // Ends all of it. Fails the test if a program has ended by itself.
  ~RunningFleet();

  // On the ports that it had before; for whoever has killed it.
  void StartHub();
  void KillHub() { hub_->Kill(); }
  Program& hub() { return *hub_; }

  // Registers a cluster and starts its agent, whose target is the folder Directory(name).
  void AddCluster(const std::string& name, const std::string& label = "");
  // The same with another target: `options` of leidang-agent that name it.
  void AddClusterWith(const std::string& name, const std::string& label,
                      const std::vector<std::string>& options);
  Program& agent(const std::string& cluster) { return *agents_.at(cluster); }
  std::string Directory(const std::string& cluster) const;
  std::string AgentDirectory(const std::string& cluster) const;
  // Every file of every cluster, by "<cluster>/<file>".
  std::map<std::string, FileFacts> Files() const;

  struct Answer {
    int code = -1;
    std::string out;
    std::string err;
  };
  // Runs `leidang` with these arguments and what it needs to find the hub.
  Answer Leidang(std::vector<std::string> arguments) const;
  // Asks again and again, for `patience` at most, until the exit code is 0 and the output contains
  // `text`. Gives the last answer.
  Answer LeidangUntil(const std::vector<std::string>& arguments, const std::string& text,
                      absl::Duration patience = absl::Seconds(20)) const;
  // Runs `leidang-hub` with these arguments on the hub's data directory, and a passphrase.
  Answer LeidangHub(std::vector<std::string> arguments) const;
  // Runs `leidang-agent` with these arguments.
  Answer LeidangAgent(std::vector<std::string> arguments) const;
  // Runs these lines with bash, as a person would who has the programs in PATH, and knows the hub.
  // The first that fails ends them.
  Answer Shell(const std::string& lines) const;
  // Until the hub has proven each cluster in sync, for `patience` at most; fails the test if not.
  void WaitForProof(absl::Duration patience) const;

  // A file below the fleet's folder with this content; gives its path.
  std::string Write(const std::string& name, const std::string& content) const;
  std::string folder() const { return folder_.path(); }
  std::string hub_directory() const { return folder_ / "hub"; }
  const std::string& hub_address() const { return hub_address_; }
  // "HOST:PORT" of its pages; "" without --http-listen.
  const std::string& http_address() const { return http_address_; }
  std::string HubLog() const { return ReadFile(folder_ / "hub.log"); }
  std::string AgentLog(const std::string& cluster) const;

 private:
  std::vector<std::string> HubCommand() const;
  std::vector<std::string> ClientEnvironment() const;
  Answer Run(std::vector<std::string> argv, const std::vector<std::string>& environment) const;

  TempDir folder_;
  RealClock clock_;
  const std::vector<std::string> hub_flags_;
  std::unique_ptr<Program> hub_;
  std::map<std::string, std::unique_ptr<Program>> agents_;
  std::string agents_port_ = "0";
  std::string users_port_ = "0";
  std::string hub_address_;
  std::string http_address_;
};

// Asks until `condition` holds; false after `patience`.
template <typename Condition>
bool WaitUntil(const Condition& condition, absl::Duration patience);
void PauseBetweenQuestions();

template <typename Condition>
bool WaitUntil(const Condition& condition, absl::Duration patience) {
  const RealClock clock;
  const absl::Duration begin = clock.Monotonic();
  while (!condition()) {
    if (clock.Monotonic() - begin > patience) return false;
    PauseBetweenQuestions();
  }
  return true;
}

}  // namespace leidang::testing
