#include "generators/template/boxes.h"

#include "generators/template/fmt.h"

namespace leidang::generators {

TValue MakeComplex(double real, double imag) {
  return TValue::Boxed(GoType::kComplex128, new ComplexBox(real, imag));
}

bool EqualBoxes(const TValue& a, const TValue& b) {
  if (a.type() == GoType::kCertificate) {
    const auto* x = static_cast<const CertificateBox*>(a.box());
    const auto* y = static_cast<const CertificateBox*>(b.box());
    return x->cert.text() == y->cert.text() && x->key.text() == y->key.text();
  }
  return a.box() == b.box();
}

bool DeepEqualBoxes(const TValue& a, const TValue& b) { return EqualBoxes(a, b); }

namespace go {

absl::StatusOr<std::string> JsonTextOf(const TValue&) { return ""; }

bool HasString(GoType) { return false; }

std::string StringOf(const TValue&) { return ""; }

std::string GoStringOf(const TValue&) { return ""; }

std::vector<std::pair<std::string, TValue>> FieldsOf(const TValue& v) {
  if (v.type() == GoType::kCertificate) {
    const auto* c = static_cast<const CertificateBox*>(v.box());
    return {{"Cert", c->cert}, {"Key", c->key}};
  }
  return {};
}

}  // namespace go
}  // namespace leidang::generators
