#include "agent/link/link.h"

#include <algorithm>
#include <utility>

#include "agent/link/hub_session.h"
#include "common/base/check.h"

namespace leidang::agent {

Link::Link(EventLoop& loop, Random& random, State& state, Transport& transport, LinkOptions options)
    : loop_(loop),
      random_(random),
      state_(state),
      transport_(transport),
      options_(std::move(options)),
      backoff_(random, options_.backoff) {
  CHECK(!options_.hubs.empty());
}

Link::~Link() {
  Stop();
  *alive_ = false;
}

void Link::Start() {
  CHECK(snapshot_.phase == LinkPhase::kStopped);
  Schedule(absl::ZeroDuration());
}

void Link::Stop() {
  loop_.Cancel(timer_);
  attempt_when_drained_ = false;
  EndSession();
  if (snapshot_.phase != LinkPhase::kStopped) SetPhase(LinkPhase::kStopped);
}

void Link::Trust(const intent::HubId& hub, State::Done done) {
  const bool running = snapshot_.phase != LinkPhase::kStopped;
  Stop();
  snapshot_.refusal.reset();
  Commit({TrustHub{hub}}, std::move(done));
  backoff_.Reset();
  if (running) Schedule(absl::ZeroDuration());
}

void Link::RetryNow() {
  if (snapshot_.phase != LinkPhase::kWaiting || attempt_when_drained_) return;
  loop_.Cancel(timer_);
  Schedule(absl::ZeroDuration());
}

LinkSnapshot Link::Snapshot() const {
  LinkSnapshot snapshot = snapshot_;
  snapshot.hub = options_.hubs[next_hub_].target;
  snapshot.failures = backoff_.failures();
  if (session_ != nullptr) {
    snapshot.session_epoch = session_->session_epoch();
    snapshot.ignored_messages += session_->ignored_messages();
  }
  return snapshot;
}

bool Link::reported() const { return session_ != nullptr && session_->reported(); }

void Link::SetPhase(LinkPhase phase) {
  snapshot_.phase = phase;
  snapshot_.since = loop_.clock().Now();
  if (on_phase_) on_phase_(phase);
}

void Link::Schedule(absl::Duration delay) {
  SetPhase(LinkPhase::kWaiting);
  timer_ = loop_.After(delay, [this] { Attempt(); });
}

void Link::Attempt() {
  if (commits_in_flight_ > 0) {
    attempt_when_drained_ = true;
    return;
  }
  SetPhase(LinkPhase::kConnecting);
  session_ = std::make_unique<HubSession>(*this, options_.hubs[next_hub_]);
  session_->Open();
}

void Link::EndSession() {
  if (session_ == nullptr) return;
  snapshot_.ignored_messages += session_->ignored_messages();
  session_->Abandon();
  // The session may be the caller: it goes when the stack is gone.
  std::shared_ptr<HubSession> ended = std::move(session_);
  loop_.Post([ended] {});
}

void Link::SessionLive() {
  live_since_ = loop_.clock().Monotonic();
  snapshot_.refusal.reset();
  ++snapshot_.sessions;
  SetPhase(LinkPhase::kLive);
}

void Link::SessionEnded(Ended ended) {
  const bool was_live = snapshot_.phase == LinkPhase::kLive;
  EndSession();
  snapshot_.last_code = ended.status.code();
  snapshot_.last_error = ended.status.ok() ? "" : ended.status.ToString();
  if (was_live && loop_.clock().Monotonic() - live_since_ >= options_.stable_after)
    backoff_.Reset();
  absl::Duration delay;
  if (ended.retry_after.has_value()) {
    const absl::Duration wait =
        std::clamp(*ended.retry_after, absl::ZeroDuration(), options_.wait_max);
    const absl::Duration spread = std::clamp(ended.spread, absl::ZeroDuration(), options_.wait_max);
    delay = wait + spread * random_.Unit();
  } else if (ended.refusal.has_value()) {
    delay = backoff_.Longest();
  } else {
    delay = backoff_.Next();
  }
  if (ended.refusal.has_value()) snapshot_.refusal = std::move(ended.refusal);
  // A hub that lasted is the one to return to; any other end makes the next in the list worth a
  // try.
  if (!was_live) next_hub_ = (next_hub_ + 1) % options_.hubs.size();
  Schedule(delay);
}

void Link::Commit(Transaction transaction, State::Done done) {
  ++commits_in_flight_;
  state_.Commit(std::move(transaction),
                [this, alive = alive_, done = std::move(done)](absl::Status status) {
                  if (!*alive) return;
                  --commits_in_flight_;
                  done(std::move(status));
                  if (*alive && commits_in_flight_ == 0 && attempt_when_drained_) {
                    attempt_when_drained_ = false;
                    Attempt();
                  }
                });
}

}  // namespace leidang::agent
