#pragma once

// Kubernetes quantities: `500m`, `1.5Gi`, `2e3`. Exact; rounding, limits and the canonical form are
// Kubernetes's, with its oddities (`Ki` alone is 0, `5.` keeps its text, 1000000E loses its
// suffix). Value type.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/kube/big_decimal.h"

namespace leidang::kube {

class Quantity {
 public:
  // kInvalidArgument with Kubernetes's text; kOutOfRange for an exponent that no machine can hold.
  static absl::StatusOr<Quantity> Parse(absl::string_view text);

  // The form in which Kubernetes writes it.
  std::string Canonical() const;
  // The exact value in plain decimal notation; zeros at the end may stay.
  std::string Decimal() const { return amount_.Text(); }
  // Less than, equal to or greater than zero, as `*this` is to `other`.
  int Compare(const Quantity& other) const;

 private:
  enum class Format { kDecimalExponent, kBinarySi, kDecimalSi };
  struct Suffix {
    int base = 10;
    int32_t exponent = 0;
    Format format = Format::kDecimalSi;
  };
  static absl::StatusOr<Suffix> ParseSuffix(absl::string_view suffix);
  std::string CanonicalDecimal(Format format) const;

  BigDecimal amount_;
  Format format_ = Format::kDecimalSi;
  std::string text_;  // As parsed, where that counts as canonical.
};

}  // namespace leidang::kube
