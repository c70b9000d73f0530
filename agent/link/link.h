#pragma once

// Link: the agent's end of the hub link (docs/formats/link.md). Connects, obeys the hub it may
// obey, keeps the state up to date, reports, and reconnects for ever.
//
// Promises
// - DurableBeforeVisible: a change is acknowledged after State has it on disk.
// - OneSession: only the highest session epoch seen, which is durable, is obeyed.
// - MonotoneRevision, NothingByAbsence: a foreign or older authority, or one whose log ends before
// the revision held,
//   is refused and reported, and changes nothing.
// - BoundedEverything: acknowledgements are cumulative, statuses are merged per entry in State,
// operations are read
//   from State; no queue grows with what happens.
//
// Loop-bound. Knows no gRPC type: see transport.h.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "agent/link/backoff.h"
#include "agent/link/options.h"
#include "agent/link/transport.h"
#include "agent/state/state.h"
#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "leidang/v1/link.pb.h"

namespace leidang::agent {

class HubSession;

enum class LinkPhase : uint8_t {
  kStopped,
  kWaiting,     // For the next attempt.
  kConnecting,  // Up to Welcome.
  kLive,
};

// Why the agent did not obey a hub that answered.
struct Refusal {
  v1::Refused::Why why = v1::Refused::WHY_UNSPECIFIED;
  intent::Authority offered;
  std::string message;
  absl::Time at;
};

struct LinkSnapshot {
  LinkPhase phase = LinkPhase::kStopped;
  std::string hub;             // The address of this or the next attempt.
  uint64_t session_epoch = 0;  // Of the live session.
  absl::Time since;            // Of the phase.
  uint64_t failures = 0;       // Attempts in a row that did not become stable.
  uint64_t sessions = 0;       // Sessions that went live.
  std::string last_error;      // Of the last session or attempt that ended.
  absl::StatusCode last_code = absl::StatusCode::kOk;  // Of it.
  std::optional<Refusal>
      refusal;  // Of the last attempt that reached a hub; empty once a hub is obeyed.
  uint64_t ignored_messages = 0;  // Of kinds that this version does not know or use.
};

class Link {
 public:
  // `loop`, `random`, `state` and `transport` must outlive it.
  Link(EventLoop& loop, Random& random, State& state, Transport& transport, LinkOptions options);
  // Aborts the session; commits that were handed to State still happen.
  ~Link();

  // First attempt now. REQUIRES: stopped.
  void Start();
  // Ends the session and all attempts.
  void Stop();

  // A person at this cluster accepts this hub: the session ends, and the next one may be with it.
  void Trust(const intent::HubId& hub, State::Done done);

  // Does not wait longer for the next attempt: what stood against it is gone. Nothing while one is
  // under way.
  void RetryNow();

  LinkSnapshot Snapshot() const;
  // Every status that waits was sent to the hub, in this session.
  bool reported() const;
  // Runs on the loop after the phase changed.
  void OnPhase(std::function<void(LinkPhase)> observer) { on_phase_ = std::move(observer); }

 private:
  friend class HubSession;

  // How a session ended, told by HubSession.
  struct Ended {
    absl::Status status;
    std::optional<Refusal> refusal;
    // From a Goodbye; else the backoff decides.
    std::optional<absl::Duration> retry_after;
    absl::Duration spread;
  };

  void Attempt();
  void Schedule(absl::Duration delay);
  void SetPhase(LinkPhase phase);
  void EndSession();

  void SessionLive();
  void SessionEnded(Ended ended);
  // Hands to State; counts what is in flight, so that no session greets a hub with a revision that
  // is about to change.
  void Commit(Transaction transaction, State::Done done);

  EventLoop& loop_;
  Random& random_;
  State& state_;
  Transport& transport_;
  const LinkOptions options_;

  Backoff backoff_;
  size_t next_hub_ = 0;
  std::unique_ptr<HubSession> session_;
  EventLoop::TimerId timer_ = 0;
  size_t commits_in_flight_ = 0;
  bool attempt_when_drained_ = false;
  absl::Duration live_since_;
  LinkSnapshot snapshot_;
  std::function<void(LinkPhase)> on_phase_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::agent
