#pragma once

#include <cstdint>
#include <string>

namespace leidang {

// Random is a source of random numbers, passed in wherever one is needed so that a seed repeats a
// run.
//
// `SeededRandom` is deterministic (the same numbers on every machine, for a seed) and
// thread-compatible. `SystemRandom` takes every number from the operating system, is thread-safe,
// and is the one to use for identities, tokens and nonces.
class Random {
 public:
  virtual ~Random() = default;

  virtual uint64_t Next() = 0;

  // Uniform in [0, bound). REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound);
  // True with probability `numerator` / `denominator`.
  bool Chance(uint64_t numerator, uint64_t denominator);
  // Uniform in [0, 1).
  double Unit();
  std::string Bytes(size_t count);
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed);
  uint64_t Next() override;

 private:
  uint64_t state_[4];  // xoshiro256**, seeded through splitmix64.
};

class SystemRandom final : public Random {
 public:
  uint64_t Next() override;
};

}  // namespace leidang
