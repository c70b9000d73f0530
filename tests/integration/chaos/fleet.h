#pragma once

// Fleet: a real hub and real agents as processes, with a proxy between them.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/random/random.h"
#include "tests/integration/chaos/writer.h"
#include "tests/integration/network/faulty_proxy.h"
#include "tests/support/program/program.h"

namespace leidang::chaos {

// Thread-compatible; used on the thread that made it.
class Fleet {
 public:
  Fleet(std::string bin, std::string directory, size_t agents, Random& random);

  // The hub is up, every agent has joined and is connected, and the set is applied.
  absl::Status Start();
  void Stop();

  size_t size() const { return clusters_.size(); }
  const std::vector<std::string>& clusters() const { return clusters_; }
  std::string cluster_directory(const std::string& cluster) const;
  Writer& writer() { return *writer_; }
  testing::FaultyProxy& proxy() { return *proxy_; }
  testing::Program& hub() { return *hub_; }
  testing::Program& agent(size_t index) { return *agents_[index]; }

  // What a program did that nobody asked it to; empty if nothing.
  std::string Died();

 private:
  absl::Status StartHub();
  absl::Status StartAgent(size_t index);
  std::vector<std::string> HubCommand(int agents_port, int users_port) const;

  const std::string bin_;
  const std::string directory_;
  Random& random_;
  std::vector<std::string> clusters_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<testing::FaultyProxy> proxy_;
  std::unique_ptr<testing::Program> hub_;
  std::vector<std::unique_ptr<testing::Program>> agents_;
};

// Asks every 50 ms.
bool WaitUntil(absl::Duration patience, const std::function<bool()>& holds);

}  // namespace leidang::chaos
