// eq, ne, lt, le, gt, ge.

#include <optional>

#include "absl/strings/str_cat.h"

#include "generators/template/boxes.h"
#include "generators/template/fmt.h"
#include "generators/template/function_sets.h"

namespace leidang::generators::gotmpl {
namespace {

enum class Kind { kInvalid, kBool, kComplex, kInt, kFloat, kString, kUint };

Kind BasicKind(const Slot& slot) {
  if (!slot.valid()) return Kind::kInvalid;
  switch (slot.v.type()) {
    case GoType::kBool:
      return Kind::kBool;
    case GoType::kInt:
    case GoType::kInt64:
    case GoType::kDuration:
    case GoType::kMonth:
    case GoType::kWeekday:
      return Kind::kInt;
    case GoType::kUint8:
    case GoType::kUint32:
    case GoType::kUint64:
      return Kind::kUint;
    case GoType::kFloat64:
      return Kind::kFloat;
    case GoType::kComplex128:
      return Kind::kComplex;
    case GoType::kString:
      return Kind::kString;
    default:
      return Kind::kInvalid;
  }
}

bool CanBeNil(const TValue& v) {
  return v.is_list() || v.is_map() || v.type() == GoType::kVersionPtr ||
         v.type() == GoType::kLocation;
}

bool IsNil(const Slot& slot) {
  if (!slot.valid()) return true;
  if (slot.v.is_list()) return slot.v.list() == nullptr;
  if (slot.v.is_map()) return slot.v.map() == nullptr;
  return CanBeNil(slot.v) && slot.v.box() == nullptr;
}

absl::Status Incompatible(const Slot& a, const Slot& b) {
  return CallError(absl::StrCat("incompatible types for comparison: ", GoTypeName(a.v.type()),
                                " and ", GoTypeName(b.v.type())));
}

// The values of one basic kind.
bool SameBasic(Kind kind, const TValue& a, const TValue& b) {
  switch (kind) {
    case Kind::kFloat:
      return a.as_float() == b.as_float();
    case Kind::kString:
      return a.text() == b.text();
    case Kind::kComplex: {
      const auto* x = static_cast<const ComplexBox*>(a.box());
      const auto* y = static_cast<const ComplexBox*>(b.box());
      return x->real == y->real && x->imag == y->imag;
    }
    default:
      return a.as_int() == b.as_int();
  }
}

// As %s shows it.
std::string AsText(const TValue& v) {
  std::string out;
  go::Printer(&out).Printf("%s", absl::MakeConstSpan(&v, 1));
  return out;
}

// Neither is of a basic kind.
absl::Status SameOther(const Slot& a, const Slot& b, bool* same) {
  const bool same_kind = a.valid() && b.valid() && GoKindName(a.v.type()) == GoKindName(b.v.type());
  if (!same_kind && a.valid() && b.valid()) {
    return CallError(absl::StrCat("non-comparable types ", AsText(a.v), ": ",
                                  GoTypeName(a.v.type()), ", ", GoTypeName(b.v.type()), ": ",
                                  go::Plain(b.v)));
  }
  if (IsNil(a) || IsNil(b)) {
    *same = IsNil(a) == IsNil(b);
    return absl::OkStatus();
  }
  if (b.v.is_list() || b.v.is_map()) {
    return CallError(
        absl::StrCat("non-comparable type ", AsText(b.v), ": ", GoTypeName(b.v.type())));
  }
  *same = a.v.type() == b.v.type() && EqualBoxes(a.v, b.v);
  return absl::OkStatus();
}

absl::StatusOr<bool> Same(const Slot& a, const Slot& b) {
  const Kind ka = BasicKind(a), kb = BasicKind(b);
  if (ka == kb && ka != Kind::kInvalid) return SameBasic(ka, a.v, b.v);
  if (ka == Kind::kInt && kb == Kind::kUint)
    return a.v.as_int() >= 0 && a.v.as_uint() == b.v.as_uint();
  if (ka == Kind::kUint && kb == Kind::kInt)
    return b.v.as_int() >= 0 && a.v.as_uint() == b.v.as_uint();
  if (ka != kb) {
    if (a.valid() && b.valid()) return Incompatible(a, b);
    return false;
  }
  bool same = false;
  if (absl::Status status = SameOther(a, b, &same); !status.ok()) return status;
  return same;
}

absl::StatusOr<bool> Less(const Slot& a, const Slot& b) {
  const Kind ka = BasicKind(a), kb = BasicKind(b);
  constexpr absl::string_view kBad = "invalid type for comparison";
  if (ka == Kind::kInvalid || kb == Kind::kInvalid) return CallError(kBad);
  if (ka == Kind::kInt && kb == Kind::kUint)
    return a.v.as_int() < 0 || a.v.as_uint() < b.v.as_uint();
  if (ka == Kind::kUint && kb == Kind::kInt)
    return b.v.as_int() >= 0 && a.v.as_uint() < b.v.as_uint();
  if (ka != kb) return Incompatible(a, b);
  switch (ka) {
    case Kind::kInt:
      return a.v.as_int() < b.v.as_int();
    case Kind::kUint:
      return a.v.as_uint() < b.v.as_uint();
    case Kind::kFloat:
      return a.v.as_float() < b.v.as_float();
    case Kind::kString:
      return a.v.text() < b.v.text();
    default:
      return CallError(kBad);
  }
}

Slot Unwrapped(Call& call, size_t i) {
  Slot slot = call.slot(i);
  slot.Unwrap();
  return slot;
}

absl::Status Eq(Call& call) {
  if (call.size() == 1) return CallError("missing argument for comparison");
  const Slot first = Unwrapped(call, 0);
  for (size_t i = 1; i < call.size(); ++i) {
    const absl::StatusOr<bool> same = Same(first, Unwrapped(call, i));
    if (!same.ok()) return same.status();
    if (*same) return call.ReturnBool(true);
  }
  return call.ReturnBool(false);
}

absl::Status Ne(Call& call) {
  const absl::StatusOr<bool> same = Same(Unwrapped(call, 0), Unwrapped(call, 1));
  return same.ok() ? call.ReturnBool(!*same) : same.status();
}

absl::Status Lt(Call& call) {
  const absl::StatusOr<bool> less = Less(Unwrapped(call, 0), Unwrapped(call, 1));
  return less.ok() ? call.ReturnBool(*less) : less.status();
}

absl::Status Ge(Call& call) {
  const absl::StatusOr<bool> less = Less(Unwrapped(call, 0), Unwrapped(call, 1));
  return less.ok() ? call.ReturnBool(!*less) : less.status();
}

absl::StatusOr<bool> LessOrSame(Call& call) {
  const Slot a = Unwrapped(call, 0), b = Unwrapped(call, 1);
  const absl::StatusOr<bool> less = Less(a, b);
  if (!less.ok() || *less) return less;
  return Same(a, b);
}

absl::Status Le(Call& call) {
  const absl::StatusOr<bool> le = LessOrSame(call);
  return le.ok() ? call.ReturnBool(*le) : le.status();
}

absl::Status Gt(Call& call) {
  const absl::StatusOr<bool> le = LessOrSame(call);
  return le.ok() ? call.ReturnBool(!*le) : le.status();
}

constexpr Function kFunctions[] = {
    {"eq", "v.v", 'b', Eq, kBuiltin}, {"ge", "vv", 'b', Ge, kBuiltin},
    {"gt", "vv", 'b', Gt, kBuiltin},  {"le", "vv", 'b', Le, kBuiltin},
    {"lt", "vv", 'b', Lt, kBuiltin},  {"ne", "vv", 'b', Ne, kBuiltin},
};

}  // namespace

absl::Span<const Function> ComparisonFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
