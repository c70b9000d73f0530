#pragma once

namespace leidang::agent {

// From now on this process may compute, take memory, and read and write the descriptors that it
// has; everything else that a system call could do (open, connect, fork, execute, signal) fails.
// Returns false where the kernel or the machine has no such filter; nothing has changed then.
bool ConfineThisProcess();

}  // namespace leidang::agent
