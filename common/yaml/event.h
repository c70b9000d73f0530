#pragma once

// The fence around libyaml: text to events. Internal to the room.

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::yaml {

struct Mark {
  size_t line = 0;    // From 1.
  size_t column = 0;  // From 1, in characters.
};

struct Event {
  enum class Kind {
    kStreamEnd,
    kDocumentStart,
    kDocumentEnd,
    kAlias,
    kScalar,
    kSequenceStart,
    kSequenceEnd,
    kMappingStart,
    kMappingEnd,
  };

  Kind kind = Kind::kStreamEnd;
  Mark mark;
  std::string anchor;  // Of an alias: its target.
  std::string tag;     // In long form.
  std::string value;
  bool plain = false;  // A scalar that resolves by its text if it has no tag.
};

// Payload of errors about what Go reads and libyaml does not: "first last", the offsets of the
// bytes that Go takes for text. They are the backslash of \' in double quotes, or a plain text in
// brackets whose last character is a colon.
inline constexpr char kTextInGo[] = "leidang.dev/yaml-text-in-go";

// An error about a place in a file, in the form that all of the room's errors have.
absl::Status ErrorAt(absl::string_view file_name, const Mark& mark, absl::string_view what);

// Thread-compatible. `text` and `file_name` must outlive it.
class EventReader {
 public:
  EventReader(absl::string_view text, absl::string_view file_name);
  ~EventReader();

  // The next event. REQUIRES: no error and no kStreamEnd has been returned before.
  absl::StatusOr<Event> Next();

 private:
  struct Impl;
  absl::Status Error();
  // OK if Go would complain too.
  absl::Status ErrorOfLibyamlOnly(absl::string_view problem, absl::string_view what);
  Mark MarkOfOffset(size_t offset) const;
  // Where the character of that number stands in the text. REQUIRES: not less than the last time.
  size_t ByteOffset(size_t character);
  // Within brackets Go takes every ? for the beginning of a key, libyaml only one before a space.
  absl::Status CheckPlainInBrackets(const Event& event, const Mark& end);
  // The escape \/ is none of YAML 1.1, though libyaml takes it. `first` and `last` are the numbers
  // of the characters of a scalar in double quotes that begins at `mark`.
  absl::Status CheckEscapes(size_t first, size_t last, const Mark& mark);

  const absl::string_view text_;
  const absl::string_view file_name_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace leidang::yaml
