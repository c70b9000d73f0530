#pragma once

// Numbers and quoted text as Go's package strconv reads and writes them. Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::generators::go {

// strconv.Quote, QuoteToASCII.
std::string Quote(absl::string_view text);
std::string QuoteToAscii(absl::string_view text);
// One rune between `quote`s, escaped as strconv.QuoteRune (or QuoteRuneToASCII).
enum class Escape { kUnprintable, kNonAscii };
std::string QuoteRune(uint32_t rune, Escape escape = Escape::kUnprintable);
// Whether the text can stand between backquotes as it is (strconv.CanBackquote).
bool CanBackquote(absl::string_view text);

// The value of a Go string literal ("…", `…`) or character literal ('…'); nullopt where it is no
// valid one.
std::optional<std::string> Unquote(absl::string_view literal);
// The first character of text within `quote`s: its value, and what is left behind it.
struct Unquoted {
  uint32_t value = 0;
  bool multibyte = false;
  absl::string_view tail;
};
std::optional<Unquoted> UnquoteChar(absl::string_view text, char quote);

enum class ParseError { kNone, kSyntax, kRange };
template <typename T>
struct Parsed {
  T value = 0;  // The nearest one representable with kRange.
  ParseError error = ParseError::kNone;
  bool ok() const { return error == ParseError::kNone; }
};
// Base 0 takes the base from the prefix and allows underscores, as Go literals.
Parsed<uint64_t> ParseUint(absl::string_view text, int base);
Parsed<int64_t> ParseInt(absl::string_view text, int base);
Parsed<double> ParseFloat(absl::string_view text);

// strconv.FormatFloat(d, format, precision, 64): format one of e E f g G b x X; precision -1 is the
// shortest text that reads back as the same number.
std::string FormatFloat(double d, char format, int precision);

}  // namespace leidang::generators::go
