#pragma once

// FastTemplate: the `{{name}}` substitution that ApplicationSets use without goTemplate. Compiled
// once, executed for many parameter sets.
//
// A text takes part only if one of its lines holds `{{` and, later, `}}`; otherwise it stays as it
// is. A tag runs to the next `}}`; trimmed, it is looked up as one flat key. Where the key is
// absent or its value is no text, the tag stays as written. Values are not looked at again.
//
// Thread rule: immutable, may be shared by threads.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "generators/template/value.h"

namespace leidang::generators {

class FastTemplate {
 public:
  // kInvalidArgument for an opening without an end, in the words of Argo CD.
  static absl::StatusOr<FastTemplate> Compile(absl::string_view text);

  // Appends the text with its tags replaced. REQUIRES: root is a map or nil.
  void Execute(const TValue& root, std::string* out) const;

  // Whether there is nothing to replace.
  bool is_literal() const { return tags_.empty(); }
  const std::string& text() const { return text_; }

 private:
  struct Tag {
    std::string before;  // Literal text in front.
    std::string raw;     // The tag as written, braces included.
    TValue key;          // Empty text: never replaced.
  };

  std::string text_;
  std::vector<Tag> tags_;
  std::string after_;
};

}  // namespace leidang::generators
