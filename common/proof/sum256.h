#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "common/object/sha256.h"

namespace leidang::proof {

// Sum256 is an unsigned number modulo 2^256: the sum of the elements of a bucket. As bytes it is 32
// of them, big-endian. Thread-compatible.
class Sum256 {
 public:
  constexpr Sum256() = default;

  // nullopt unless `raw` has exactly 32 bytes.
  static std::optional<Sum256> FromRaw(absl::string_view raw);
  std::string Raw() const;

  // Takes the digest as an unsigned big-endian number.
  void Add(const object::Sha256& element);
  void Subtract(const object::Sha256& element);

  friend bool operator==(const Sum256&, const Sum256&) = default;

 private:
  std::array<uint64_t, 4> words_{};  // Least significant first.
};

}  // namespace leidang::proof
