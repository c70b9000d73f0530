#pragma once

// CHECK(condition): stops the program with file, line and text when an invariant of ours is broken;
// on in release builds too. Never for input: what a peer, a disk, Git or an API server may
// plausibly send is an absl::Status.

#include "absl/base/optimization.h"

namespace leidang {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace leidang

#define CHECK(condition)                                      \
  do {                                                        \
    if (ABSL_PREDICT_FALSE(!(condition))) {                   \
      ::leidang::CheckFailed(__FILE__, __LINE__, #condition); \
    }                                                         \
  } while (false)
