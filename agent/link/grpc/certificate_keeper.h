#pragma once

// CertificateKeeper: the agent's certificate is renewed at two thirds of its life, and when the hub
// turns the agent away, the hub is asked why, since a handshake that fails carries no reason.
//
// Whether a certificate has ended is the hub's word: the agent's clock only says when to ask early.
// Loop-bound; a call under way is cancelled by the destructor, which waits for its end.

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "agent/link/grpc/channel.h"
#include "agent/link/grpc/loop_gate.h"
#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

class CertificateKeeper {
 public:
  struct Options {
    std::string hub;  // "host:port" of the user port; empty: nothing can be asked.
    IdentityFiles files;
    // Between looks at the certificate's dates: half to one and a half of it, so that agents that
    // joined together do not come back together.
    absl::Duration look_every = absl::Hours(1);
    absl::Duration ask_pause = absl::Minutes(5);  // Between questions to the hub.
    uint64_t failures_before_asking = 3;          // A hub that is down is asked nothing.
    absl::Duration timeout = absl::Seconds(30);
  };

  // All must outlive it.
  CertificateKeeper(EventLoop& loop, Random& random, Log& log, Options options);
  ~CertificateKeeper();

  void Start();
  // The link could not connect, for the `failures`th time in a row.
  void OnFailure(absl::StatusCode code, uint64_t failures);
  // Runs on the loop once there is a new certificate: to connect with it.
  void OnRenewed(std::function<void()> observer) { on_renewed_ = std::move(observer); }

 private:
  void Look();
  // Gets a certificate that lasts longer and puts it in the place of the old one; the key stays.
  void Renew();
  void AskWhy();
  struct Call;
  std::shared_ptr<Call> Begin(const Identity& identity);
  void Renewed(const Call& call);
  void Answered(const Call& call);

  EventLoop& loop_;
  Random& random_;
  Log& log_;
  const Options options_;
  const std::shared_ptr<LoopGate> gate_;
  EventLoop::TimerId timer_ = 0;
  absl::Duration ask_not_before_;
  std::shared_ptr<Call> call_;  // The one under way, if any.
  std::function<void()> on_renewed_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::agent
