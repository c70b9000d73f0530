#pragma once

// ApiTransport: HTTP to one Kubernetes API server, as bytes: requests that have an answer, and
// streams of lines. `CurlTransport` is the network, `MemoryApiServer` a server in memory.
//
// Asynchronous and loop-bound: callbacks run on the loop that the implementation was given, never
// inside a call, and none runs after the transport is destroyed.

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace leidang::agent {

struct ApiRequest {
  std::string method = "GET";
  std::string path;  // With the query; begins with "/".
  std::string accept = "application/json";
  std::string content_type;
  std::string body;
};

struct ApiResponse {
  int status = 0;
  std::string body;
  absl::Duration retry_after = absl::ZeroDuration();  // Zero: not said.
};

class ApiTransport {
 public:
  // kUnavailable, or kDeadlineExceeded, without an answer; an answer of any status is OK.
  using Done = std::function<void(absl::StatusOr<ApiResponse>)>;
  using OnLine = std::function<void(std::string line)>;
  using StreamId = uint64_t;  // Never 0.

  virtual ~ApiTransport() = default;

  virtual void Send(ApiRequest request, Done done) = 0;

  // Of a stream. `on_open` may be null.
  struct StreamCalls {
    std::function<void()> on_open;  // Once, before the first line: the answer is a success.
    OnLine on_line;
    Done on_end;
  };
  // Opens a stream: each line of a successful answer goes to `on_line`, then `on_end` runs once.
  // The body of an answer that is no success is in `on_end`'s response. Streams never hold up
  // requests or one another.
  virtual StreamId Stream(ApiRequest request, StreamCalls calls) = 0;
  // No callback of that stream runs any more.
  virtual void Cancel(StreamId stream) = 0;
};

}  // namespace leidang::agent
