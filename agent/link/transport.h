#pragma once

// Transport: how the link reaches a hub. agent/link/grpc implements it for programs, tests/sim in
// virtual time.
//
// Loop-bound: calls are made, and callbacks run, on the loop that the implementation was given;
// never a callback inside a call.

#include <memory>
#include <string>

#include "absl/status/status.h"

#include "leidang/v1/link.pb.h"

namespace leidang::agent {

// Where a hub listens. The name that its certificate must carry is apart from the address that is
// dialled.
struct HubAddress {
  std::string target;    // "hub.example.com:7443"
  std::string tls_name;  // Empty: the host of `target`.
};

class StreamObserver {
 public:
  // Connected, authenticated, ready to write. Once.
  virtual void OnOpen() = 0;
  // One for each Read at most.
  virtual void OnMessage(v1::HubMessage message) = 0;
  // The message written last has left: the next may be written.
  virtual void OnWritten() = 0;
  // The end, also of a stream that never opened. Nothing follows. OK: the hub ended it in good
  // order.
  virtual void OnClosed(absl::Status status) = 0;

 protected:
  ~StreamObserver() = default;
};

// One stream to a hub. Destroying it, also from within its own callbacks, aborts it, and no
// callback runs any more.
class Stream {
 public:
  virtual ~Stream() = default;

  // REQUIRES: open, and nothing written that OnWritten has not answered.
  virtual void Write(v1::AgentMessage message) = 0;
  // Asks for the next message: without it none is delivered, and the hub meets backpressure.
  // REQUIRES: open, and no Read that OnMessage has not answered.
  virtual void Read() = 0;
  // No more writes. What was written reaches the hub if the connection holds; OnClosed follows.
  virtual void Finish() = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // `observer` must outlive the stream. The transport sets no deadline of its own.
  virtual std::unique_ptr<Stream> Open(const HubAddress& hub, StreamObserver* observer) = 0;
};

}  // namespace leidang::agent
