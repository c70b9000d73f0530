#pragma once

// The functions of the template language by theme, each set in a file of its own.

#include <vector>

#include "absl/types/span.h"

#include "generators/template/functions.h"

namespace leidang::generators::gotmpl {

absl::Span<const Function> BuiltinFunctions();     // fn_builtin.cc
absl::Span<const Function> ComparisonFunctions();  // fn_compare.cc
absl::Span<const Function> StringFunctions();      // fn_strings.cc
absl::Span<const Function> ListFunctions();        // fn_lists.cc
absl::Span<const Function> DictFunctions();        // fn_dicts.cc
absl::Span<const Function> DefaultFunctions();     // fn_defaults.cc
absl::Span<const Function> MathFunctions();        // fn_math.cc
absl::Span<const Function> EncodingFunctions();    // fn_encoding.cc
absl::Span<const Function> PathFunctions();        // fn_paths.cc
absl::Span<const Function> RegexFunctions();       // fn_regex.cc
absl::Span<const Function> NameFunctions();        // fn_names.cc
absl::Span<const Function> DateFunctions();        // fn_dates.cc
absl::Span<const Function> SemverFunctions();      // fn_semver.cc
absl::Span<const Function> RandomFunctions();      // fn_random.cc
absl::Span<const Function> CryptoFunctions();      // fn_crypto.cc

// All of them; of two with one name the later counts.
std::vector<absl::Span<const Function>> AllFunctions();

bool ComplexIsTrue(const TValue& v);

}  // namespace leidang::generators::gotmpl
