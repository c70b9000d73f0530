#pragma once

// The numbers behind functions that are random in Go: a function of the seed of a rendering and of
// how many streams were opened before, the same on every machine. Thread-compatible.

#include <cstddef>
#include <cstdint>
#include <string>

#include "generators/template/template.h"

namespace leidang::generators::gotmpl {

class RandomStream {
 public:
  // Opens the next stream of `context`.
  explicit RandomStream(RenderContext* context);

  uint64_t Next();
  // Uniform in [0, bound). REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound);
  std::string Bytes(size_t count);

 private:
  uint8_t Byte();

  const std::string prefix_;
  uint64_t block_ = 0;
  std::string bytes_;
  size_t used_ = 0;
};

}  // namespace leidang::generators::gotmpl
