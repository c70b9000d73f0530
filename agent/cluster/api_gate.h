#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "agent/cluster/api_transport.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

struct ApiGateOptions {
  // More in flight only lengthen the server's queue.
  size_t in_flight_max = 8;
  int tries_max = 8;  // Of a request that is answered 429.
  absl::Duration retry_after_max = absl::Seconds(30);
};

// ApiGate: requests to an API server, so many at once, in order. Answers 429 are tried again after
// the time that the server says; meanwhile nothing is sent, and afterwards half as many at once,
// growing again with success. An answer 401 is tried again once.
//
// Loop-bound.
class ApiGate {
 public:
  // References must outlive it.
  ApiGate(EventLoop& loop, ApiTransport& transport, ApiGateOptions options = {});
  ~ApiGate();

  void Send(ApiRequest request, ApiTransport::Done done);

  size_t limit() const { return limit_; }

 private:
  struct Waiting {
    ApiRequest request;
    ApiTransport::Done done;
    int tries = 0;
  };

  void Pump();
  void Answered(Waiting waiting, absl::StatusOr<ApiResponse> answer);
  void Pause(absl::Duration time);

  EventLoop& loop_;
  ApiTransport& transport_;
  const ApiGateOptions options_;
  size_t limit_;
  size_t in_flight_ = 0;
  size_t successes_ = 0;  // Since the limit was changed last.
  bool paused_ = false;
  std::deque<Waiting> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with callbacks.
};

}  // namespace leidang::agent
