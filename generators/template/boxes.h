#pragma once

// The payloads of values that only template functions make, and how fmt sees them.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "generators/template/value.h"

namespace leidang::generators {

struct ComplexBox : internal::Box {
  ComplexBox(double r, double i) : real(r), imag(i) {}
  const double real, imag;
};
TValue MakeComplex(double real, double imag);
// Go's == of two values of one struct or pointer type.
bool EqualBoxes(const TValue& a, const TValue& b);
// reflect.DeepEqual of two values of one struct or pointer type.
bool DeepEqualBoxes(const TValue& a, const TValue& b);

// sprig.certificate
struct CertificateBox : internal::Box {
  CertificateBox(TValue c, TValue k) : cert(std::move(c)), key(std::move(k)) {}
  const TValue cert, key;
};

// v1.JSON: the text as it came.
struct RawJsonBox : internal::Box {
  RawJsonBox(std::string t, TValue b) : text(std::move(t)), bytes(std::move(b)) {}
  const std::string text;
  const TValue bytes;  // The same as a []uint8.
};

namespace go {

// The fields of a struct, by name.
std::vector<std::pair<std::string, TValue>> FieldsOf(const TValue& v);
// The text that %#v shows for a time.
std::string GoStringOf(const TValue& v);
// What encoding/json writes, without quotes, for a type with a MarshalJSON of its own.
absl::StatusOr<std::string> JsonTextOf(const TValue& v);

}  // namespace go
}  // namespace leidang::generators
