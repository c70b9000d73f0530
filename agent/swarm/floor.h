#pragma once

// What gRPC itself takes for so many agents: a server that holds mutual-TLS connections with one
// open stream each and does nothing else, as the floor under the figures of a hub.

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/swarm/figures.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// The server, in a process of its own: serves until its standard input ends or a signal comes, with
// the identity that lies in `directory`, and writes its port to `directory`/port.
absl::Status ServeFloor(const std::string& directory);

// Starts `program` as that server, connects `agents` streams from here, and measures it. Blocks;
// not on `loop`.
absl::StatusOr<Figure> MeasureFloor(EventLoop& loop, const std::string& program,
                                    const std::string& directory, size_t agents);

}  // namespace leidang::agent
