#pragma once

// Admission: a listener that lets connections in at a bounded rate, before TLS, so that a herd of
// agents cannot starve those that are connected.
//
// Rate and number are bounded: a machine that does fewer handshakes than the rate allows is not
// given more to do at once. Connections are accepted at once and held, in the order in which they
// come; waiting is no failure, and an agent's connect deadline allows for it. One whose peer has
// gone meanwhile costs nothing. With `held_max` waiting the rest stays in the kernel's queue. A
// thread of its own; thread-safe.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/time/real_clock.h"
#include "common/time/workers.h"

namespace leidang::hub {

struct AdmissionOptions {
  double per_second = 500;  // About twice the mutual-TLS handshakes that two cores do.
  double burst = 100;
  // Let in and not arrived yet: beyond it nobody is let in. One that takes longer than
  // `unfinished_time` does not count any more.
  size_t unfinished_max = 100;
  absl::Duration unfinished_time = absl::Seconds(10);
  size_t held_max = 16'384;
};

class Admission {
 public:
  // `address` is "HOST:PORT"; port 0 picks a free one. kInvalidArgument, kUnavailable: name it.
  static absl::StatusOr<std::unique_ptr<Admission>> Listen(const std::string& address,
                                                           const AdmissionOptions& options);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  int port() const { return port_; }

  // Who gets the connections, non-blocking, and owns them. Runs on the thread. Once.
  using LetIn = std::function<void(int listener, int connection)>;
  // `arrived` says how many have come so far through TLS and have said what they want; it is asked
  // on the thread.
  using Arrived = std::function<uint64_t()>;
  void Start(LetIn let_in, Arrived arrived);
  // No connection is let in any more; those held are closed. May be called again.
  void Stop();

  size_t held() const { return held_count_; }

 private:
  Admission(int listener, int port, const AdmissionOptions& options);
  void Serve(const LetIn& let_in, const Arrived& arrived);
  // How long to wait for the next connection; negative: for ever.
  int WaitMs(bool can_accept) const;
  // False where the process has no descriptor left.
  bool AcceptAll();
  void Pass(const LetIn& let_in, uint64_t arrived);

  const int listener_;
  const int port_;
  const AdmissionOptions options_;
  const int wake_;  // Readable once it stops.
  RealClock clock_;
  std::deque<int> held_;                   // The thread's.
  std::deque<absl::Duration> unfinished_;  // The thread's: when each was let in.
  uint64_t arrived_ = 0;
  double tokens_;
  absl::Duration refilled_;
  std::atomic<size_t> held_count_{0};
  std::atomic<bool> stopping_{false};
  WorkerThreads thread_{"admission", 1};
};

}  // namespace leidang::hub
