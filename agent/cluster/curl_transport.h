#pragma once

// CurlTransport: ApiTransport over the network, by libcurl: HTTP/2 where the server has it, kept
// connections, TLS that is always verified.
//
// Requests share connections of their own, streams others, so that no watch, however slow, stands
// in the way of a request. Of a stream whose lines are not taken in time some megabytes are kept;
// beyond that it is paused, and waits at the server. Nothing is read from the environment.

#include <cstdint>
#include <memory>

#include "agent/cluster/api_endpoint.h"
#include "agent/cluster/api_transport.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

class CurlTransport final : public ApiTransport {
 public:
  // Callbacks run on `loop`. The two other loops are kept busy with I/O as long as anything is
  // under way; Stop and then their own Stop come before the transport is destroyed.
  CurlTransport(EventLoop& loop, EventLoop& request_io, EventLoop& stream_io,
                const ApiEndpoint& endpoint);
  ~CurlTransport() override;

  void Send(ApiRequest request, Done done) override;
  StreamId Stream(ApiRequest request, StreamCalls calls) override;
  void Cancel(StreamId stream) override;

  // Nothing is sent or received any more, so that the I/O loops can be stopped at once.
  // Thread-safe.
  void Stop();

 private:
  class Pump;
  struct Ends;

  const std::shared_ptr<Ends> ends_;  // Joint with the pumps; what callbacks reach, on `loop`.
  const std::shared_ptr<Pump> requests_;
  const std::shared_ptr<Pump> streams_;
  uint64_t last_id_ = 0;
};

}  // namespace leidang::agent
