#include "common/random/random.h"

#include <cerrno>
#include <cstring>

#include <sys/random.h>

#include "common/base/check.h"

namespace leidang {
namespace {

uint64_t SplitMix64(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t RotateLeft(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

}  // namespace

uint64_t Random::Below(uint64_t bound) {
  CHECK(bound > 0);
  // Values below 2^64 mod bound would make small results likelier; draw again.
  const uint64_t reject_below = (0 - bound) % bound;
  while (true) {
    const uint64_t x = Next();
    if (x >= reject_below) return x % bound;
  }
}

bool Random::Chance(uint64_t numerator, uint64_t denominator) {
  return Below(denominator) < numerator;
}

double Random::Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

std::string Random::Bytes(size_t count) {
  std::string out;
  out.reserve(count);
  while (out.size() < count) {
    uint64_t x = Next();
    for (int i = 0; i < 8 && out.size() < count; ++i, x >>= 8) {
      out.push_back(static_cast<char>(x & 0xff));
    }
  }
  return out;
}

SeededRandom::SeededRandom(uint64_t seed) {
  for (uint64_t& word : state_) word = SplitMix64(seed);
}

uint64_t SeededRandom::Next() {
  const uint64_t result = RotateLeft(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = RotateLeft(state_[3], 45);
  return result;
}

uint64_t SystemRandom::Next() {
  uint64_t value = 0;
  ssize_t got = 0;
  do {
    got = getrandom(&value, sizeof(value), 0);
  } while (got < 0 && errno == EINTR);
  // Requests of up to 256 bytes are answered whole once the pool is ready.
  CHECK(got == static_cast<ssize_t>(sizeof(value)));
  return value;
}

}  // namespace leidang
