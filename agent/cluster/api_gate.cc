#include "agent/cluster/api_gate.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace leidang::agent {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kTooManyRequests = 429;
constexpr size_t kSuccessesToGrow = 20;
// Lanes of so many groups that are refused within this time: it is not for what they ask.
constexpr size_t kGroupsOfOverload = 3;
constexpr absl::Duration kMoment = absl::Seconds(2);

bool Says(const absl::StatusOr<ApiResponse>& answer, int status) {
  return answer.ok() && answer->status == status;
}

std::string GroupOf(const std::string& lane) {
  const size_t dot = lane.find('.');
  return dot == std::string::npos ? "" : lane.substr(dot + 1);
}

}  // namespace

ApiGate::ApiGate(EventLoop& loop, ApiTransport& transport, ApiGateOptions options)
    : loop_(loop), transport_(transport), options_(options), limit_(options.in_flight_max) {}

ApiGate::~ApiGate() { *alive_ = false; }

void ApiGate::Send(ApiRequest request, ApiTransport::Done done) {
  first_.push_back({std::move(request), std::move(done), 0});
  Pump();
}

void ApiGate::SendLater(const std::string& lane, ApiRequest request, ApiTransport::Done done) {
  lanes_[lane].waiting.push_back({std::move(request), std::move(done), 0});
  Pump();
}

void ApiGate::Pump() {
  while (SendNext()) {
  }
}

bool ApiGate::SendNext() {
  if (paused_ || in_flight_ >= limit_) return false;
  const auto lane = NextLane();
  const bool last_place = in_flight_ + 1 == limit_;
  const bool owed = lane != lanes_.end() && later_in_flight_ == 0 && last_place && limit_ > 1;
  if (!first_.empty() && !owed) {
    Waiting next = std::move(first_.front());
    first_.pop_front();
    Start(std::move(next), nullptr);
    return true;
  }
  if (lane == lanes_.end()) return false;
  Waiting next = std::move(lane->second.waiting.front());
  lane->second.waiting.pop_front();
  last_lane_ = lane->first;
  Start(std::move(next), &*lane);
  if (lane->second.waiting.empty()) lanes_.erase(lane);
  return true;
}

ApiGate::Lanes::iterator ApiGate::NextLane() {
  if (later_in_flight_ >= std::max<size_t>(1, limit_ / 2)) return lanes_.end();
  const auto may_send = [](const Lanes::value_type& lane) {
    return lane.second.state == Lane::State::kOpen && !lane.second.waiting.empty();
  };
  const auto after = lanes_.upper_bound(last_lane_);
  const auto found = std::find_if(after, lanes_.end(), may_send);
  if (found != lanes_.end()) return found;
  const auto before = std::find_if(lanes_.begin(), after, may_send);
  return before == after ? lanes_.end() : before;
}

void ApiGate::Start(Waiting next, const Lanes::value_type* lane) {
  ++in_flight_;
  std::optional<std::string> name;
  if (lane != nullptr) {
    name = lane->first;
    ++later_in_flight_;
  }
  ++next.tries;
  const auto sent = std::make_shared<Waiting>(std::move(next));
  // A copy, as it may have to be sent again.
  transport_.Send(sent->request,
                  [this, alive = alive_, sent, name](absl::StatusOr<ApiResponse> answer) {
                    if (!*alive) return;
                    --in_flight_;
                    if (!name.has_value()) return Answered(std::move(*sent), std::move(answer));
                    --later_in_flight_;
                    AnsweredLater(*name, std::move(*sent), std::move(answer));
                  });
}

void ApiGate::Answered(Waiting waiting, absl::StatusOr<ApiResponse> answer) {
  // What is shown to the server may have been renewed meanwhile; it is read again.
  if (Says(answer, kUnauthorized) && waiting.tries == 1) {
    first_.push_front(std::move(waiting));
    return Pump();
  }
  if (Says(answer, kTooManyRequests) && waiting.tries < options_.tries_max) {
    first_.push_front(std::move(waiting));
    return Slow(WaitOf(*answer));
  }
  Finish(waiting, std::move(answer));
}

void ApiGate::AnsweredLater(const std::string& lane, Waiting waiting,
                            absl::StatusOr<ApiResponse> answer) {
  const bool refused = Says(answer, kTooManyRequests);
  if (refused) SlowLane(lane, WaitOf(*answer));
  const int tries_max = refused ? options_.later_tries_max : 2;
  if ((refused || Says(answer, kUnauthorized)) && waiting.tries < tries_max) {
    lanes_[lane].waiting.push_front(std::move(waiting));
    return Pump();
  }
  Finish(waiting, std::move(answer));
}

void ApiGate::Finish(const Waiting& waiting, absl::StatusOr<ApiResponse> answer) {
  if (!Says(answer, kTooManyRequests)) Succeeded();
  const std::shared_ptr<bool> alive = alive_;
  waiting.done(std::move(answer));
  if (*alive) Pump();
}

void ApiGate::Succeeded() {
  if (++successes_ < kSuccessesToGrow || limit_ >= options_.in_flight_max) return;
  ++limit_;
  successes_ = 0;
}

absl::Duration ApiGate::WaitOf(const ApiResponse& answer) const {
  const absl::Duration told =
      answer.retry_after > absl::ZeroDuration() ? answer.retry_after : absl::Seconds(1);
  return std::min(told, options_.retry_after_max);
}

void ApiGate::SlowLane(const std::string& name, absl::Duration time) {
  const absl::Duration now = loop_.clock().Monotonic();
  std::erase_if(refused_, [now](const auto& group) { return now - group.second > kMoment; });
  refused_[GroupOf(name)] = now;
  if (refused_.size() >= kGroupsOfOverload) {
    refused_.clear();
    Slow(time);
  }
  Lane& lane = lanes_[name];
  if (lane.state == Lane::State::kSlowed) return;
  lane.state = Lane::State::kSlowed;
  loop_.After(time, [this, alive = alive_, name] {
    if (!*alive) return;
    const auto found = lanes_.find(name);
    found->second.state = Lane::State::kOpen;
    if (found->second.waiting.empty()) lanes_.erase(found);
    Pump();
  });
}

void ApiGate::Slow(absl::Duration time) {
  limit_ = std::max<size_t>(1, limit_ / 2);
  successes_ = 0;
  if (paused_) return;
  paused_ = true;
  loop_.After(time, [this, alive = alive_] {
    if (!*alive) return;
    paused_ = false;
    Pump();
  });
}

}  // namespace leidang::agent
