#pragma once

// Fields: an object's members by type, with errors that name their path. A null member counts as
// absent.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::generators {

// A view: `value` must outlive it. A value that is no object has no members.
class Fields {
 public:
  Fields(const object::Value& value, std::string path) : value_(&value), path_(std::move(path)) {}

  // nullptr where it is absent or null.
  const object::Value* Find(absl::string_view name) const;

  absl::StatusOr<std::string> Text(absl::string_view name) const;  // "" where absent.
  absl::StatusOr<std::optional<std::string>> OptionalText(absl::string_view name) const;
  absl::StatusOr<bool> Flag(absl::string_view name) const;  // false where absent.
  absl::StatusOr<std::optional<int64_t>> OptionalInteger(absl::string_view name) const;
  absl::StatusOr<std::vector<std::string>> Texts(absl::string_view name) const;
  absl::StatusOr<std::optional<std::vector<std::string>>> OptionalTexts(
      absl::string_view name) const;
  absl::StatusOr<std::map<std::string, std::string>> TextMap(absl::string_view name) const;
  absl::StatusOr<const object::Value*> Object(absl::string_view name) const;  // nullptr: absent.
  absl::StatusOr<std::optional<Fields>> Struct(absl::string_view name) const;
  absl::StatusOr<std::vector<object::Value>> List(absl::string_view name) const;
  absl::StatusOr<std::vector<Fields>> Structs(absl::string_view name) const;

  const std::string& path() const { return path_; }

 private:
  absl::Status Wrong(absl::string_view name, absl::string_view expected,
                     const object::Value& found) const;

  const object::Value* value_;
  std::string path_;
};

}  // namespace leidang::generators
