#pragma once

namespace leidang {

// Debian builds Abseil for debugging: every mutex of gRPC then records in one graph for the whole
// process in which order it is taken, to find deadlocks. With many connections that is a sixth of
// the CPU time and some of the memory. Programs that hold connections call this first.
void StopTracingLibraryMutexes();

}  // namespace leidang
