// This test program is its own script worker, as leidang-agent is.

#include "agent/scripts/worker_main.h"

#include <string>
#include <unistd.h>

#include "gtest/gtest.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == leidang::agent::kScriptWorkerArgument) {
    ::_exit(leidang::agent::RunScriptWorker());
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
