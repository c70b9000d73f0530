#pragma once

// The object tree: JSON values as Boost.JSON holds them, and the only place that parses and prints
// them.
//
// Boost.JSON 1.81's own number conversion is off by one unit in 19 % of 17-digit values and its
// parser stops at 32 levels, so text is converted here, with std::from_chars and a limit of 1,000
// levels, and printed in Go's float format. tests/tidy bans boost::json::parse, serialize and erase
// elsewhere.
//
// Pure; thread-safe.

#include <cstddef>
#include <initializer_list>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/json/value.hpp"

namespace leidang::object {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

inline constexpr size_t kDepthMax = 1000;

enum class Duplicates { kError, kLastWins };

struct ParseOptions {
  Duplicates duplicates = Duplicates::kLastWins;  // As encoding/json.
  size_t depth_max = kDepthMax;
};

// One JSON document and nothing after it. Integers that fit become int64 or uint64, all else double
// (`-0` too, as an integer has no sign of zero). Text is UTF-8 without a byte order mark.
// kInvalidArgument with line, column (both from 1; columns count bytes) and what is wrong.
absl::StatusOr<Value> ParseJson(absl::string_view text, const ParseOptions& options = {});

// Compact JSON, keys in the order of the object. Numbers and escapes as Go's encoding/json prints
// them, without its HTML escaping; so a whole double beyond 2^53 reads back as the integer that its
// text shows. Always valid: bytes that are not UTF-8 become U+FFFD, infinities and NaN (which no
// parser here yields) become null.
std::string ToJson(const Value& value);

// Compact JSON with keys sorted by bytes; a whole double that an int64 or uint64 could hold is
// printed as that integer, so values that are Equal have equal text. The form that digests are
// taken of.
std::string CanonicalJson(const Value& value);

// Two spaces of indent a level, keys in the order of the object, as `kubectl -o json`.
std::string PrettyJson(const Value& value);

// Go's shortest float text: strconv.FormatFloat(d, 'g' as encoding/json chooses, -1, 64).
std::string FormatFloat(double d);

// Equal as JSON: key order ignored, numbers compared by value whatever their representation.
bool Equal(const Value& a, const Value& b);

// The member at a path of object keys, or nullptr where one is missing or not an object.
const Value* Find(const Value& value, std::initializer_list<absl::string_view> path);
// Its text when it is a string, else "".
absl::string_view FindString(const Value& value, std::initializer_list<absl::string_view> path);

// Erases keeping the order of the other keys. True if it was there.
bool StableErase(Object& object, absl::string_view key);

}  // namespace leidang::object
