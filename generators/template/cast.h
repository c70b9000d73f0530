#pragma once

// How sprig turns values of any type into text, numbers, truth and lists. Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "generators/template/value.h"

namespace leidang::generators::gotmpl {

// Never fail: what is no number is 0. Integer text takes a base prefix ("0x1A"), a fraction of
// zeros is dropped.
int64_t ToInt64(const TValue& v);
double ToFloat64(const TValue& v);
// What Go's conversion of a float64 to an int64 gives, out of range included.
int64_t Truncated(double d);

// A text as it is, bytes as text, everything else as %v shows it.
std::string ToText(const TValue& v);
// As text each, nils left out; one value that is no list is a list of one.
std::vector<std::string> ToTexts(const TValue& v);

// The zero of its type.
bool IsEmpty(const TValue& v);

// reflect.DeepEqual: types count, nil and empty differ. Nothing where the steps are used up.
class Budget;
std::optional<bool> DeepEqual(const TValue& a, const TValue& b, Budget* budget);

}  // namespace leidang::generators::gotmpl
