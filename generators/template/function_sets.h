#pragma once

// The functions of the template language by theme, each set in a file of its own.

#include <vector>

#include "absl/types/span.h"

#include "generators/template/functions.h"

namespace leidang::generators::gotmpl {

absl::Span<const Function> BuiltinFunctions();     // fn_builtin.cc
absl::Span<const Function> ComparisonFunctions();  // fn_compare.cc

// All of them; of two with one name the later counts.
std::vector<absl::Span<const Function>> AllFunctions();

bool ComplexIsTrue(const TValue& v);

}  // namespace leidang::generators::gotmpl
