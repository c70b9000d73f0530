#pragma once

// JSON as Go's package encoding/json writes and reads it, with its messages. Pure; thread-safe.

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "generators/template/value.h"

namespace leidang::generators::go {

enum class HtmlEscape { kYes, kNo };
enum class JsonLayout { kCompact, kIndented };
struct JsonOptions {
  HtmlEscape html = HtmlEscape::kYes;  // <, > and & as \u003c, …
  JsonLayout layout = JsonLayout::kCompact;
  size_t bytes_max = size_t{64} << 20;
};

// kInvalidArgument with Go's text for what JSON cannot hold; kResourceExhausted beyond the limit.
absl::StatusOr<std::string> EncodeJson(const TValue& value, const JsonOptions& options = {});

// One value and nothing behind it, numbers as float64. With an error `*value` is what Go leaves in
// the variable: nil for bad syntax, the rest of the value for a number out of range.
absl::Status DecodeJson(absl::string_view text, TValue* value);

}  // namespace leidang::generators::go
