#pragma once

#include "hub/options.h"

namespace leidang::hub {

// Runs a sub-command: on the running hub, through its admin socket, where one answers; else on the
// data directory itself. Prints its outcome, and returns the exit code.
int RunCommand(const HubOptions& options);

}  // namespace leidang::hub
