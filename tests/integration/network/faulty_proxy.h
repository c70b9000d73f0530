#pragma once

// FaultyProxy: TCP between agents and a hub, on which everything may go wrong. One listener an
// agent, so that each can be cut off by itself.

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

#include "common/base/mutex.h"

namespace leidang::testing {

// Thread-safe; works on a thread of its own until it is destroyed.
class FaultyProxy {
 public:
  // `listeners` ports are opened on 127.0.0.1, all of which lead to `upstream_port` there.
  FaultyProxy(size_t listeners, int upstream_port);
  ~FaultyProxy();
  FaultyProxy(const FaultyProxy&) = delete;
  FaultyProxy& operator=(const FaultyProxy&) = delete;

  int port(size_t listener) const { return ports_[listener]; }

  // Resets every connection of it, on both sides.
  void Cut(size_t listener);
  // Bytes of its present and new connections arrive so much later, until `until`.
  void Delay(size_t listener, absl::Duration by, absl::Duration lasting);
  // The agent's side of its connections is reset; the hub hears nothing of it for so long.
  void HalfOpen(size_t listener, absl::Duration lasting);
  // Nothing passes, in neither direction, and nobody is told; then the connections are reset.
  void Swallow(size_t listener, absl::Duration lasting);
  // New connections are accepted and reset at once.
  void Refuse(size_t listener, absl::Duration lasting);
  // From now on a connection of it on which nothing moved for so long is reset on both sides, as
  // boxes on the way do.
  void CutIdle(size_t listener, absl::Duration after);
  // No fault goes on; what a fault holds is reset.
  void Heal();

  uint64_t connections() const { return accepted_; }
  uint64_t idle_cuts() const { return idle_cuts_; }
  uint64_t bytes() const { return bytes_; }

 private:
  struct Piece {
    std::string bytes;
    absl::Time due;
  };
  // One direction of a connection.
  struct Pipe {
    int from = -1;
    int to = -1;
    std::deque<Piece> pieces;
    size_t held = 0;
    bool ended = false;   // `from` has said its last.
    bool closed = false;  // `to` was told.
  };
  struct Connection {
    size_t listener = 0;
    int agent = -1;  // -1: gone.
    int hub = -1;
    Pipe up;
    Pipe down;
    absl::Time silent_until = absl::InfinitePast();  // Nothing passes; then it is reset.
    absl::Time moved;                                // Something did, last.
    bool dead = false;
  };
  struct Listener {
    int descriptor = -1;
    absl::Duration delay;
    absl::Time delay_until = absl::InfinitePast();
    absl::Time refuse_until = absl::InfinitePast();
    absl::Duration idle_max = absl::InfiniteDuration();
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void AcceptAll(size_t listener) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Take(Connection& connection, Pipe& pipe, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Pass(Connection& connection, Pipe& pipe, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Reset(Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Sweep(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const int upstream_port_;
  std::vector<int> ports_;
  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> idle_cuts_{0};
  std::atomic<bool> stopping_{false};

  Mutex mu_;
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(mu_);
  std::list<Connection> connections_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace leidang::testing
