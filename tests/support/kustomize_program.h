#pragma once

// Where tests find the real kustomize: LEIDANG_KUSTOMIZE, else the one that install-deps built.

#include <stdlib.h>
#include <string>

#include "absl/strings/ascii.h"
#include "gtest/gtest.h"

#include "common/process/child_process.h"
#include "common/time/real_clock.h"

namespace leidang::testing {

inline std::string KustomizeProgram() {
  if (const char* given = ::getenv("LEIDANG_KUSTOMIZE"); given != nullptr) return given;
  const RealClock clock;
  ChildCommand command;
  command.argv = {"/usr/bin/env", "bash", "install-deps", "--print-kustomize"};
  for (const char* name : {"HOME", "PATH", "XDG_CACHE_HOME", "LEIDANG_CACHE"}) {
    if (const char* value = ::getenv(name); value != nullptr) {
      command.environment.push_back(std::string(name) + "=" + value);
    }
  }
  char* const here = ::realpath(".", nullptr);
  command.directory = here;
  ::free(here);
  const absl::StatusOr<ChildResult> result = RunChild(command, clock, nullptr);
  EXPECT_TRUE(result.ok() && result->Succeeded())
      << "kustomize is not there: run ./install-deps --for test, or set LEIDANG_KUSTOMIZE";
  return result.ok() ? std::string(absl::StripAsciiWhitespace(result->out)) : "";
}

}  // namespace leidang::testing
