#pragma once

// ApiGate: the requests to one API server: how many at once, and which of them first.
//
// Promises
// - At most `limit()` are in flight: ApiGateOptions::in_flight_max, fewer after the server has
// asked
//   for patience.
// - Two urgencies. What is sent by Send (writes, and the single looks that they and decisions need)
//   goes in order, before all that is sent by SendLater (lists, Events). Of those at most half of
//   the limit are in flight, so that they never hold up the others, however slowly they are
//   answered; and as long as the limit is more than one, one of them is, so that they come to an
//   end, too.
// - What is sent by SendLater has a lane: lanes take turns, and each is in order. An answer 429
//   slows its lane alone.
// - An answer 429 to what was sent by Send, or within a moment to lanes of several API groups, is
// of
//   a server that has too much to do: nothing is sent for the time that it says, and half as much
//   at once afterwards, growing again with success.
// - An answer 429 is tried again some times (ApiGateOptions), an answer 401 once; then it is the
//   caller's, as every other one is at once.
//
// Loop-bound.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"

#include "agent/cluster/api_transport.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

struct ApiGateOptions {
  // More in flight only lengthen the server's queue.
  size_t in_flight_max = 8;
  int tries_max = 8;        // Of a request that is answered 429.
  int later_tries_max = 2;  // The same of one with a lane.
  absl::Duration retry_after_max = absl::Seconds(30);
};

class ApiGate {
 public:
  // References must outlive it.
  ApiGate(EventLoop& loop, ApiTransport& transport, ApiGateOptions options = {});
  ~ApiGate();

  void Send(ApiRequest request, ApiTransport::Done done);
  // `lane`: what is asked for, as "gadgets.example.com"; what follows its first dot is its group.
  void SendLater(const std::string& lane, ApiRequest request, ApiTransport::Done done);

  size_t limit() const { return limit_; }

 private:
  struct Waiting {
    ApiRequest request;
    ApiTransport::Done done;
    int tries = 0;
  };
  struct Lane {
    std::deque<Waiting> waiting;
    enum class State : uint8_t { kOpen, kSlowed } state = State::kOpen;
  };
  using Lanes = std::map<std::string, Lane>;

  void Pump();
  // True if one was.
  bool SendNext();
  // The one whose turn it is; the end if none may send.
  Lanes::iterator NextLane();
  void Start(Waiting next, const Lanes::value_type* lane);
  void Answered(Waiting waiting, absl::StatusOr<ApiResponse> answer);
  void AnsweredLater(const std::string& lane, Waiting waiting, absl::StatusOr<ApiResponse> answer);
  void Finish(const Waiting& waiting, absl::StatusOr<ApiResponse> answer);
  void Succeeded();
  absl::Duration WaitOf(const ApiResponse& answer) const;
  void SlowLane(const std::string& name, absl::Duration time);
  void Slow(absl::Duration time);

  EventLoop& loop_;
  ApiTransport& transport_;
  const ApiGateOptions options_;
  size_t limit_;
  size_t in_flight_ = 0;
  size_t later_in_flight_ = 0;
  size_t successes_ = 0;  // Since the limit was changed last.
  bool paused_ = false;
  std::deque<Waiting> first_;
  Lanes lanes_;                                    // With something that waits, or slowed.
  std::string last_lane_;                          // Whose turn was last.
  std::map<std::string, absl::Duration> refused_;  // Groups of lanes, and when it was.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with callbacks.
};

}  // namespace leidang::agent
