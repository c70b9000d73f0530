#pragma once

// base64 and base32 with Go's strictness and messages ("illegal base64 data at input byte 4").
// Pure; thread-safe.

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::generators::gotmpl {

absl::StatusOr<std::string> DecodeBase64(absl::string_view text);
std::string EncodeBase32(absl::string_view bytes);
absl::StatusOr<std::string> DecodeBase32(absl::string_view text);

}  // namespace leidang::generators::gotmpl
