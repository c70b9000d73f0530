// Numbers.

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "generators/template/cast.h"
#include "generators/template/decimal.h"
#include "generators/template/fmt.h"
#include "generators/template/function_sets.h"
#include "generators/template/strconv.h"

namespace leidang::generators::gotmpl {
namespace {

// Go's integers wrap around.
int64_t WrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t WrapSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t WrapMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

absl::Status ReturnInt64(Call& call, int64_t i) { return call.Return(TValue::Int64(i)); }
absl::Status ReturnFloat(Call& call, double d) { return call.Return(TValue::Float(d)); }

absl::Status Add(Call& call) {
  int64_t sum = 0;
  for (size_t i = 0; i < call.size(); ++i) sum = WrapAdd(sum, ToInt64(call[i]));
  return ReturnInt64(call, sum);
}
absl::Status Add1(Call& call) { return ReturnInt64(call, WrapAdd(ToInt64(call[0]), 1)); }
absl::Status Sub(Call& call) {
  return ReturnInt64(call, WrapSub(ToInt64(call[0]), ToInt64(call[1])));
}
absl::Status Mul(Call& call) {
  int64_t product = ToInt64(call[0]);
  for (size_t i = 1; i < call.size(); ++i) product = WrapMul(product, ToInt64(call[i]));
  return ReturnInt64(call, product);
}

absl::Status Div(Call& call) {
  const int64_t a = ToInt64(call[0]), b = ToInt64(call[1]);
  if (b == 0) return CallError("runtime error: integer divide by zero");
  return ReturnInt64(call, b == -1 ? WrapSub(0, a) : a / b);
}
absl::Status Mod(Call& call) {
  const int64_t a = ToInt64(call[0]), b = ToInt64(call[1]);
  if (b == 0) return CallError("runtime error: integer divide by zero");
  return ReturnInt64(call, b == -1 ? 0 : a % b);
}

absl::Status Max(Call& call) {
  int64_t best = ToInt64(call[0]);
  for (size_t i = 1; i < call.size(); ++i) best = std::max(best, ToInt64(call[i]));
  return ReturnInt64(call, best);
}
absl::Status Min(Call& call) {
  int64_t best = ToInt64(call[0]);
  for (size_t i = 1; i < call.size(); ++i) best = std::min(best, ToInt64(call[i]));
  return ReturnInt64(call, best);
}

// math.Max and math.Min: NaN wins but for an infinity of the right sign, and zeros have signs.
double GoMax(double a, double b) {
  if (std::isinf(a) && a > 0) return a;
  if (std::isinf(b) && b > 0) return b;
  if (std::isnan(a) || std::isnan(b)) return std::nan("");
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
double GoMin(double a, double b) {
  if (std::isinf(a) && a < 0) return a;
  if (std::isinf(b) && b < 0) return b;
  if (std::isnan(a) || std::isnan(b)) return std::nan("");
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

absl::Status Maxf(Call& call) {
  double best = ToFloat64(call[0]);
  for (size_t i = 1; i < call.size(); ++i) best = GoMax(best, ToFloat64(call[i]));
  return ReturnFloat(call, best);
}
absl::Status Minf(Call& call) {
  double best = ToFloat64(call[0]);
  for (size_t i = 1; i < call.size(); ++i) best = GoMin(best, ToFloat64(call[i]));
  return ReturnFloat(call, best);
}

absl::Status DecimalFold(Call& call, double first, size_t from, DecimalOp op) {
  std::vector<double> operands = {first};
  for (size_t i = from; i < call.size(); ++i) operands.push_back(ToFloat64(call[i]));
  if (!call.budget().Charge(16 * operands.size())) return call.budget().StepsError();
  const absl::StatusOr<double> result = FoldDecimals(operands, op);
  return result.ok() ? ReturnFloat(call, *result) : result.status();
}
absl::Status Addf(Call& call) { return DecimalFold(call, 0, 0, DecimalOp::kAdd); }
absl::Status Add1f(Call& call) {
  const absl::StatusOr<double> result = FoldDecimals({ToFloat64(call[0]), 1}, DecimalOp::kAdd);
  return result.ok() ? ReturnFloat(call, *result) : result.status();
}
absl::Status Subf(Call& call) { return DecimalFold(call, ToFloat64(call[0]), 1, DecimalOp::kSub); }
absl::Status Mulf(Call& call) { return DecimalFold(call, ToFloat64(call[0]), 1, DecimalOp::kMul); }
absl::Status Divf(Call& call) { return DecimalFold(call, ToFloat64(call[0]), 1, DecimalOp::kDiv); }

absl::Status Floor(Call& call) { return ReturnFloat(call, std::floor(ToFloat64(call[0]))); }
absl::Status Ceil(Call& call) { return ReturnFloat(call, std::ceil(ToFloat64(call[0]))); }

// math.Pow(10, n) by the squarings that Go does, so that its last bit is the same.
double PowerOfTen(int64_t n) {
  int exponent = 0;
  double square = std::frexp(10.0, &exponent);
  int64_t square_exponent = exponent, result_exponent = 0;
  double result = 1;
  for (uint64_t i = n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n); i != 0;
       i >>= 1) {
    if (square_exponent < -4096 || square_exponent > 4096) {
      result_exponent += square_exponent;
      break;
    }
    if ((i & 1) == 1) {
      result *= square;
      result_exponent += square_exponent;
    }
    square *= square;
    square_exponent *= 2;
    if (square < .5) {
      square += square;
      --square_exponent;
    }
  }
  if (n < 0) {
    result = 1 / result;
    result_exponent = -result_exponent;
  }
  return std::ldexp(result, static_cast<int>(result_exponent));
}

absl::Status Round(Call& call) {
  const double round_on = call.size() > 2 ? call.Float(2) : 0.5;
  const double value = ToFloat64(call[0]);
  const double power = PowerOfTen(call.Int(1));
  const double digit = power * value;
  double whole = 0;
  const double fraction = std::modf(digit, &whole);
  const double rounded = fraction >= round_on ? std::ceil(digit) : std::floor(digit);
  return ReturnFloat(call, rounded / power);
}

absl::Status Atoi(Call& call) {
  // The nearest int where it is out of range, as strconv.Atoi returns it beside its error.
  return call.Return(TValue::Int(go::ParseInt(call.Text(0), 10).value));
}
absl::Status Int(Call& call) { return call.Return(TValue::Int(ToInt64(call[0]))); }
absl::Status Int64(Call& call) { return ReturnInt64(call, ToInt64(call[0])); }
absl::Status Float64(Call& call) { return ReturnFloat(call, ToFloat64(call[0])); }
absl::Status ToDecimal(Call& call) {
  const auto parsed = go::ParseInt(go::Plain(call[0]), 8);
  return ReturnInt64(call, parsed.ok() ? parsed.value : 0);
}

// start, start + step, … short of stop. False where that is more than the steps allow.
bool Steps(int64_t start, int64_t stop, int64_t step, Budget* budget, std::vector<int64_t>* out) {
  if (stop < start ? step >= 0 : step <= 0) return true;
  for (int64_t i = start; stop < start ? i > stop : i < stop;) {
    if (!budget->Charge(1)) return false;
    out->push_back(i);
    // Go would wrap around and go on for ever.
    if (__builtin_add_overflow(i, step, &i)) return false;
  }
  return true;
}

absl::Status ReturnInts(Call& call, int64_t start, int64_t stop, int64_t step) {
  std::vector<int64_t> numbers;
  if (!Steps(start, stop, step, &call.budget(), &numbers)) return call.budget().StepsError();
  std::vector<TValue> items;
  items.reserve(numbers.size());
  for (const int64_t n : numbers) items.push_back(TValue::Int(n));
  const size_t capacity = TValue::GrownCapacity(items.size());
  TValue list = TValue::List(std::move(items), GoType::kIntList);
  list.mutable_list()->set_capacity(capacity);
  return call.Return(std::move(list));
}
absl::Status Until(Call& call) {
  return ReturnInts(call, 0, call.Int(0), call.Int(0) < 0 ? -1 : 1);
}
absl::Status UntilStep(Call& call) {
  return ReturnInts(call, call.Int(0), call.Int(1), call.Int(2));
}

absl::Status Seq(Call& call) {
  if (call.size() == 0 || call.size() > 3) return call.ReturnText("");
  const int64_t start = call.size() == 1 ? 1 : call.Int(0);
  const int64_t end = call.Int(call.size() - 1);
  const int64_t direction = end < start ? -1 : 1;
  const int64_t step = call.size() == 3 ? call.Int(1) : direction;
  if (call.size() == 3 && direction < 0 && step > 0) return call.ReturnText("");
  std::vector<int64_t> numbers;
  if (!Steps(start, WrapAdd(end, direction), step, &call.budget(), &numbers))
    return call.budget().StepsError();
  return call.ReturnText(absl::StrJoin(numbers, " "));
}

constexpr Function kFunctions[] = {
    {"add", ".a", 'I', Add},
    {"add1", "a", 'I', Add1},
    {"add1f", "a", 'f', Add1f},
    {"addf", ".a", 'f', Addf},
    {"atoi", "s", 'i', Atoi},
    {"biggest", "a.a", 'I', Max},
    {"ceil", "a", 'f', Ceil},
    {"div", "aa", 'I', Div},
    {"divf", "a.a", 'f', Divf},
    {"float64", "a", 'f', Float64},
    {"floor", "a", 'f', Floor},
    {"int", "a", 'i', Int},
    {"int64", "a", 'I', Int64},
    {"max", "a.a", 'I', Max},
    {"maxf", "a.a", 'f', Maxf},
    {"min", "a.a", 'I', Min},
    {"minf", "a.a", 'f', Minf},
    {"mod", "aa", 'I', Mod},
    {"mul", "a.a", 'I', Mul},
    {"mulf", "a.a", 'f', Mulf},
    {"round", "ai.f", 'f', Round},
    {"seq", ".i", 's', Seq},
    {"sub", "aa", 'I', Sub},
    {"subf", "a.a", 'f', Subf},
    {"toDecimal", "a", 'I', ToDecimal},
    {"until", "i", 'n', Until},
    {"untilStep", "iii", 'n', UntilStep},
};

}  // namespace

absl::Span<const Function> MathFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
