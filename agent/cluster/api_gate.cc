#include "agent/cluster/api_gate.h"

#include <algorithm>
#include <utility>

namespace leidang::agent {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kTooManyRequests = 429;
constexpr size_t kSuccessesToGrow = 20;

}  // namespace

ApiGate::ApiGate(EventLoop& loop, ApiTransport& transport, ApiGateOptions options)
    : loop_(loop), transport_(transport), options_(options), limit_(options.in_flight_max) {}

ApiGate::~ApiGate() { *alive_ = false; }

void ApiGate::Send(ApiRequest request, ApiTransport::Done done) {
  waiting_.push_back({std::move(request), std::move(done), 0});
  Pump();
}

void ApiGate::Pump() {
  while (!paused_ && in_flight_ < limit_ && !waiting_.empty()) {
    auto next = std::make_shared<Waiting>(std::move(waiting_.front()));
    waiting_.pop_front();
    ++in_flight_;
    ++next->tries;
    // A copy, as it may have to be sent again.
    transport_.Send(next->request,
                    [this, alive = alive_, next](absl::StatusOr<ApiResponse> answer) {
                      if (*alive) Answered(std::move(*next), std::move(answer));
                    });
  }
}

void ApiGate::Answered(Waiting waiting, absl::StatusOr<ApiResponse> answer) {
  --in_flight_;
  // What is shown to the server may have been renewed meanwhile; it is read again.
  if (answer.ok() && answer->status == kUnauthorized && waiting.tries == 1) {
    waiting_.push_front(std::move(waiting));
    return Pump();
  }
  if (answer.ok() && answer->status == kTooManyRequests && waiting.tries < options_.tries_max) {
    limit_ = std::max<size_t>(1, limit_ / 2);
    successes_ = 0;
    const absl::Duration told =
        answer->retry_after > absl::ZeroDuration() ? answer->retry_after : absl::Seconds(1);
    waiting_.push_front(std::move(waiting));
    return Pause(std::min(told, options_.retry_after_max));
  }
  if (++successes_ >= kSuccessesToGrow && limit_ < options_.in_flight_max) {
    ++limit_;
    successes_ = 0;
  }
  const ApiTransport::Done done = std::move(waiting.done);
  const std::shared_ptr<bool> alive = alive_;
  done(std::move(answer));
  if (*alive) Pump();
}

void ApiGate::Pause(absl::Duration time) {
  if (paused_) return;
  paused_ = true;
  loop_.After(time, [this, alive = alive_] {
    if (!*alive) return;
    paused_ = false;
    Pump();
  });
}

}  // namespace leidang::agent
