#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "common/base/mutex.h"

namespace leidang::tests {

// An HTTP proxy that knows CONNECT and nothing else; whatever host is asked for is this machine.
class ConnectProxy {
 public:
  ConnectProxy();
  ~ConnectProxy();

  std::string address() const;  // "127.0.0.1:port"
  uint64_t connections() const { return connections_; }

 private:
  void Accept();
  void Serve(int client);

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> connections_{0};
  Mutex mu_;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mu_);
  std::thread acceptor_;
};

}  // namespace leidang::tests
