#pragma once

// Decimal arithmetic of floats as the library behind sprig's `addf` and its kin does it: the
// operands are taken as the shortest decimals that name them, results are exact but for division,
// which keeps 16 places. Pure; thread-safe.

#include <vector>

#include "absl/status/statusor.h"

namespace leidang::generators::gotmpl {

enum class DecimalOp { kAdd, kSub, kMul, kDiv };

// operands[0] op operands[1] op … kInvalidArgument for what has no decimal (NaN, infinity) and for
// a division by 0.
absl::StatusOr<double> FoldDecimals(const std::vector<double>& operands, DecimalOp op);

}  // namespace leidang::generators::gotmpl
