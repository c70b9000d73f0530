#pragma once

// What the characters of a text allow the YAML writer to do with it, by the rules of Go's writer.
// Internal to the room. Pure; thread-safe.

#include <string>

#include "absl/strings/string_view.h"

namespace leidang::yaml {

struct TextShape {
  bool several_lines = false;
  bool plain_allowed = true;  // Outside of { } and [ ].
  bool single_quoted_allowed = true;
  bool literal_allowed = true;
};

// REQUIRES for all below: UTF-8.
TextShape ShapeOf(absl::string_view text);

// True if the text begins with what YAML takes for a line break.
bool IsBreak(absl::string_view text);

// "-", "+" or "" behind the | of a literal: what becomes of the line breaks at its end.
absl::string_view ChompingHint(absl::string_view text);

// How the characters of one text are written between double quotes. `text` is looked at by the
// constructor only.
class EscapedText {
 public:
  explicit EscapedText(absl::string_view text);

  // Whether every character is escaped, spaces too.
  bool all() const { return all_; }
  std::string Of(absl::string_view character) const;

 private:
  const bool all_;
};

// "12:30:45", "1:30.5": sexagesimal numbers of YAML 1.1, which other readers still take for
// numbers.
bool IsBase60(absl::string_view text);

}  // namespace leidang::yaml
