#pragma once

#include "absl/status/status.h"

#include "leidang/v1/link.pb.h"

namespace leidang::hub {

// The hub's end of one agent's stream: hub/rpc implements it over gRPC, tests/sim in virtual time.
// What happens on the stream is told to the SessionTable by the id that Accept gave.
//
// Loop-bound, never a call back from within a call. Destroying it aborts the stream.
class AgentStream {
 public:
  virtual ~AgentStream() = default;

  // REQUIRES: every earlier Write was answered by SessionTable::Written.
  virtual void Write(v1::HubMessage message) = 0;
  // Asks for the next message, told by SessionTable::Received. Without it none is taken from the
  // network, and the agent meets backpressure. REQUIRES: every earlier Read was answered.
  virtual void Read() = 0;
  // Ends the stream once what was written has left. Nothing is told to the table any more.
  virtual void Close(absl::Status status) = 0;
};

}  // namespace leidang::hub
