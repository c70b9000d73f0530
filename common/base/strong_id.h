#pragma once

// Id128<Tag>: a 128-bit identity with a type of its own, so that a ClusterId is never taken for a
// HubId. Text form: 32 lower-case hexadecimal digits. Ordered by its bytes. All zero means "none".
//
//   struct ClusterIdTag {};
//   using ClusterId = Id128<ClusterIdTag>;

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace leidang {

template <typename Tag>
class Id128 {
 public:
  using Bytes = std::array<uint8_t, 16>;

  constexpr Id128() = default;
  explicit constexpr Id128(const Bytes& bytes) : bytes_(bytes) {}

  // nullopt unless `raw` has exactly 16 bytes.
  static std::optional<Id128> FromRaw(absl::string_view raw) {
    if (raw.size() != 16) return std::nullopt;
    Id128 id;
    for (size_t i = 0; i < 16; ++i) id.bytes_[i] = static_cast<uint8_t>(raw[i]);
    return id;
  }

  // nullopt unless `hex` is 32 lower-case hexadecimal digits.
  static std::optional<Id128> FromHex(absl::string_view hex) {
    if (hex.size() != 32) return std::nullopt;
    for (const char c : hex) {
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
    }
    return FromRaw(absl::HexStringToBytes(hex));
  }

  const Bytes& bytes() const { return bytes_; }
  std::string Raw() const {
    return std::string(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
  }
  std::string Hex() const { return absl::BytesToHexString(Raw()); }
  bool IsNone() const { return *this == Id128(); }

  friend auto operator<=>(const Id128&, const Id128&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const Id128& id) {
    return H::combine(std::move(h), id.bytes_);
  }

 private:
  Bytes bytes_{};
};

}  // namespace leidang
