#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace leidang::object {

// A SHA-256 value; text form 64 lower-case hexadecimal digits. All zero means "none".
struct Sha256 {
  std::array<uint8_t, 32> bytes{};

  static Sha256 Of(absl::string_view data);
  static std::optional<Sha256> FromHex(absl::string_view hex);
  static std::optional<Sha256> FromRaw(absl::string_view raw);

  std::string Hex() const;
  std::string Raw() const;
  bool IsNone() const { return *this == Sha256(); }

  friend auto operator<=>(const Sha256&, const Sha256&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const Sha256& s) {
    return H::combine(std::move(h), s.bytes);
  }
};

// For data that comes in pieces. Thread-compatible.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;

  void Add(absl::string_view data);
  // Ends the stream. REQUIRES: called once.
  Sha256 Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace leidang::object
