#pragma once

// What an unquoted YAML scalar means, by the rules of Go's YAML 1.1 reader. Internal to the room:
// the reader resolves with it, the writer quotes what would resolve to something else. Pure;
// thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::yaml {

enum class ScalarType { kNull, kBool, kInt, kFloat, kTimestamp, kMerge, kBinary, kString };

struct Scalar {
  ScalarType type = ScalarType::kString;
  // Null: monostate. Int: int64, or uint64 if it only fits that. Float may be infinite or not a
  // number. All others: text.
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string> value;
};

// An unquoted scalar without a tag.
Scalar ResolvePlain(absl::string_view text);

// A scalar with a tag in long form ("tag:yaml.org,2002:int"). An error says which text is not of
// which tag.
absl::StatusOr<Scalar> ResolveTagged(absl::string_view tag, absl::string_view text);

// What Go says where ResolveTagged fails.
std::string GoTagError(absl::string_view tag, absl::string_view text);

inline constexpr char kMergeTag[] = "tag:yaml.org,2002:merge";

// A date or a date with a time that Go's reader takes for a timestamp: "2024-1-31", "2001-12-14
// 21:59:43.1".
bool IsTimestamp(absl::string_view text);

// Go's strconv.FormatFloat(d, 'g', -1, 64 or 32), with `.inf`, `-.inf` and `.nan` as YAML writes
// them.
std::string FormatFloatG(double d);
std::string FormatFloatG(float f);

}  // namespace leidang::yaml
