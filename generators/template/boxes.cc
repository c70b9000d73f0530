#include "generators/template/boxes.h"

#include "absl/strings/str_cat.h"

#include "generators/template/fmt.h"
#include "generators/template/semver.h"
#include "generators/template/time.h"

namespace leidang::generators {

TValue MakeComplex(double real, double imag) {
  return TValue::Boxed(GoType::kComplex128, new ComplexBox(real, imag));
}

bool EqualBoxes(const TValue& a, const TValue& b) {
  switch (a.type()) {
    case GoType::kTime: {
      const go::Time &x = go::TimeOf(a), &y = go::TimeOf(b);
      return x.SameInstant(y) && x.location == y.location;
    }
    case GoType::kLocation:
      return static_cast<const go::LocationBox*>(a.box())->location ==
             static_cast<const go::LocationBox*>(b.box())->location;
    case GoType::kVersion: {
      const gotmpl::Version &x = gotmpl::VersionOf(a), &y = gotmpl::VersionOf(b);
      return x.original == y.original && x.String() == y.String();
    }
    case GoType::kComplex128: {
      const auto* x = static_cast<const ComplexBox*>(a.box());
      const auto* y = static_cast<const ComplexBox*>(b.box());
      return x->real == y->real && x->imag == y->imag;
    }
    case GoType::kCertificate: {
      const auto* x = static_cast<const CertificateBox*>(a.box());
      const auto* y = static_cast<const CertificateBox*>(b.box());
      return x->cert.text() == y->cert.text() && x->key.text() == y->key.text();
    }
    case GoType::kRawJson:
      return static_cast<const RawJsonBox*>(a.box())->text ==
             static_cast<const RawJsonBox*>(b.box())->text;
    default:
      return a.box() == b.box();
  }
}

bool DeepEqualBoxes(const TValue& a, const TValue& b) {
  // Pointers are followed.
  if (a.type() == GoType::kVersionPtr && a.box() != nullptr && b.box() != nullptr) {
    const gotmpl::Version &x = gotmpl::VersionOf(a), &y = gotmpl::VersionOf(b);
    return x.original == y.original && x.String() == y.String();
  }
  return EqualBoxes(a, b);
}

namespace go {

bool HasString(GoType type) {
  switch (type) {
    case GoType::kDuration:
    case GoType::kMonth:
    case GoType::kWeekday:
    case GoType::kTime:
    case GoType::kLocation:
    case GoType::kVersion:
    case GoType::kVersionPtr:
      return true;
    default:
      return false;
  }
}

std::string StringOf(const TValue& v) {
  switch (v.type()) {
    case GoType::kDuration:
      return DurationString(v.as_int());
    case GoType::kMonth: {
      const absl::string_view name = v.as_int() >= 1 && v.as_int() <= 12
                                         ? MonthName(static_cast<int>(v.as_int()))
                                         : absl::string_view();
      return name.empty() ? absl::StrCat("%!Month(", v.as_uint(), ")") : std::string(name);
    }
    case GoType::kWeekday: {
      const absl::string_view name = v.as_int() >= 0 && v.as_int() <= 6
                                         ? WeekdayName(static_cast<int>(v.as_int()))
                                         : absl::string_view();
      return name.empty() ? absl::StrCat("%!Weekday(", v.as_uint(), ")") : std::string(name);
    }
    case GoType::kTime:
      return TimeOf(v).String();
    case GoType::kLocation:
      return static_cast<const LocationBox*>(v.box())->location->name();
    default:
      return v.box() == nullptr ? "<nil>" : gotmpl::VersionOf(v).String();
  }
}

std::string GoStringOf(const TValue& v) { return TimeOf(v).GoString(); }

absl::StatusOr<std::string> JsonTextOf(const TValue& v) {
  if (v.type() != GoType::kTime) return StringOf(v);
  absl::StatusOr<std::string> text = TimeOf(v).Json();
  if (text.ok()) return text;
  return absl::InvalidArgumentError(absl::StrCat(
      "json: error calling MarshalJSON for type time.Time: ", text.status().message()));
}

std::vector<std::pair<std::string, TValue>> FieldsOf(const TValue& v) {
  if (v.type() == GoType::kCertificate) {
    const auto* c = static_cast<const CertificateBox*>(v.box());
    return {{"Cert", c->cert}, {"Key", c->key}};
  }
  if (v.type() == GoType::kRawJson) {
    return {{"Raw", static_cast<const RawJsonBox*>(v.box())->bytes}};
  }
  if (v.type() == GoType::kVersion || v.type() == GoType::kVersionPtr) {
    const gotmpl::Version& version = gotmpl::VersionOf(v);
    return {{"major", TValue::Uint64(version.major)},
            {"minor", TValue::Uint64(version.minor)},
            {"patch", TValue::Uint64(version.patch)},
            {"pre", TValue::String(version.pre)},
            {"metadata", TValue::String(version.metadata)},
            {"original", TValue::String(version.original)}};
  }
  if (v.type() == GoType::kTime) {
    // Seconds since year 1, as Go keeps them.
    const Time& t = TimeOf(v);
    return {{"wall", TValue::Uint64(static_cast<uint64_t>(t.nsec))},
            {"ext", TValue::Int64(t.sec + 62135596800)},
            {"loc", TValue::Boxed(GoType::kLocation, nullptr)}};
  }
  return {};
}

}  // namespace go
}  // namespace leidang::generators
