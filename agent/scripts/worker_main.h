#pragma once

namespace leidang::agent {

// The argument with which leidang-agent starts itself as the process that runs scripts.
inline constexpr char kScriptWorkerArgument[] = "--run-scripts";

// That process: answers calls from standard input until it ends, confined (confinement.h). Returns
// the exit code. Called before anything else of the program has begun.
int RunScriptWorker();

}  // namespace leidang::agent
