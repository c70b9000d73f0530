#include "generators/template/decimal.h"

#include <charconv>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include <openssl/bn.h>

#include "generators/template/strconv.h"

namespace leidang::generators::gotmpl {
namespace {

constexpr int kDivisionPlaces = 16;
// Beyond this an operand is out of reach of any float.
constexpr int kExponentMax = 5000;

struct FreeBn {
  void operator()(BIGNUM* n) const { BN_free(n); }
};
using Bn = std::unique_ptr<BIGNUM, FreeBn>;

struct FreeCtx {
  void operator()(BN_CTX* c) const { BN_CTX_free(c); }
};

Bn NewBn() { return Bn(BN_new()); }

// value × 10^exponent
struct Decimal {
  Bn value;
  int exponent = 0;
};

class Arithmetic {
 public:
  Arithmetic() : ctx_(BN_CTX_new()) {}

  Decimal FromFloat(double d) const {
    // Shortest scientific digits: 1.25e-07 is 125 × 10^-9.
    const std::string text = go::FormatFloat(std::fabs(d), 'e', -1);
    const size_t e = text.find('e');
    std::string digits;
    for (const char c : text.substr(0, e)) {
      if (c != '.') digits.push_back(c);
    }
    Decimal result;
    BIGNUM* raw = nullptr;
    BN_dec2bn(&raw, digits.c_str());
    result.value.reset(raw);
    if (d == 0) return result;
    result.exponent = std::atoi(text.c_str() + e + 1) - static_cast<int>(digits.size() - 1);
    BN_set_negative(result.value.get(), d < 0 ? 1 : 0);
    return result;
  }

  Decimal Add(const Decimal& a, const Decimal& b, DecimalOp op) const {
    Decimal x = Rescale(a, std::min(a.exponent, b.exponent));
    const Decimal y = Rescale(b, std::min(a.exponent, b.exponent));
    if (op == DecimalOp::kAdd)
      BN_add(x.value.get(), x.value.get(), y.value.get());
    else
      BN_sub(x.value.get(), x.value.get(), y.value.get());
    return x;
  }

  Decimal Mul(const Decimal& a, const Decimal& b) const {
    Decimal product;
    product.value = NewBn();
    BN_mul(product.value.get(), a.value.get(), b.value.get(), ctx_.get());
    product.exponent = a.exponent + b.exponent;
    return product;
  }

  // Rounded to 16 places, halves away from zero. REQUIRES: b is not 0.
  Decimal Div(const Decimal& a, const Decimal& b) const {
    const int shift = a.exponent - b.exponent + kDivisionPlaces;
    Bn numerator(BN_dup(a.value.get())), denominator(BN_dup(b.value.get()));
    Bn power = Power(std::abs(shift));
    BIGNUM* scaled = shift < 0 ? denominator.get() : numerator.get();
    BN_mul(scaled, scaled, power.get(), ctx_.get());
    Decimal quotient;
    quotient.value = NewBn();
    quotient.exponent = -kDivisionPlaces;
    Bn remainder = NewBn();
    BN_div(quotient.value.get(), remainder.get(), numerator.get(), denominator.get(), ctx_.get());
    BN_lshift1(remainder.get(), remainder.get());
    if (BN_ucmp(remainder.get(), denominator.get()) >= 0) {
      const bool negative = BN_is_negative(a.value.get()) != BN_is_negative(b.value.get());
      if (negative)
        BN_sub_word(quotient.value.get(), 1);
      else
        BN_add_word(quotient.value.get(), 1);
    }
    return quotient;
  }

  static double ToFloat(const Decimal& d) {
    char* digits = BN_bn2dec(d.value.get());
    const std::string text = absl::StrCat(digits, "e", d.exponent);
    OPENSSL_free(digits);
    return go::ParseFloat(text).value;
  }

 private:
  Bn Power(int exponent) const {
    Bn ten = NewBn(), e = NewBn(), power = NewBn();
    BN_set_word(ten.get(), 10);
    BN_set_word(e.get(), static_cast<BN_ULONG>(exponent));
    BN_exp(power.get(), ten.get(), e.get(), ctx_.get());
    return power;
  }

  Decimal Rescale(const Decimal& d, int exponent) const {
    Decimal result;
    result.value = NewBn();
    result.exponent = exponent;
    const Bn power = Power(d.exponent - exponent);
    BN_mul(result.value.get(), d.value.get(), power.get(), ctx_.get());
    return result;
  }

  std::unique_ptr<BN_CTX, FreeCtx> ctx_;
};

}  // namespace

absl::StatusOr<double> FoldDecimals(const std::vector<double>& operands, DecimalOp op) {
  const Arithmetic arithmetic;
  Decimal result;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (std::isnan(operands[i]) || std::isinf(operands[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("Cannot create a Decimal from ", go::FormatFloat(operands[i], 'g', -1)));
    }
    Decimal operand = arithmetic.FromFloat(operands[i]);
    if (i == 0) {
      result = std::move(operand);
      continue;
    }
    switch (op) {
      case DecimalOp::kAdd:
      case DecimalOp::kSub:
        result = arithmetic.Add(result, operand, op);
        break;
      case DecimalOp::kMul:
        result = arithmetic.Mul(result, operand);
        break;
      case DecimalOp::kDiv:
        if (operands[i] == 0) return absl::InvalidArgumentError("decimal division by 0");
        result = arithmetic.Div(result, operand);
        break;
    }
    if (std::abs(result.exponent) > kExponentMax) {
      return absl::ResourceExhaustedError("a decimal has too many places");
    }
  }
  return arithmetic.ToFloat(result);
}

}  // namespace leidang::generators::gotmpl
