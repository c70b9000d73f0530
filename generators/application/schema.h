#pragma once

// The fields of an Application and how Argo CD writes them: what its Go types keep, drop and insist
// on.
//
// A set's template and a patch's result pass through these types, and that shows: unknown fields
// vanish, empty fields are left out unless their type insists on them, a number where text belongs
// is an error. Constant data; thread-safe.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace leidang::generators {

enum class Shape {
  kText,
  kBool,
  kInteger,
  kIntegerOrText,
  kTextList,
  kTextMap,
  kBoolMap,
  kStruct,
  kStructList,
  // Any JSON (`valuesObject`).
  kRaw,
  // One parameter of a config management plugin: text, list or map, told apart by which is there.
  kPluginParameter,
  kPluginParameterList,
  // Time as RFC 3339 text.
  kTime,
};

enum class Empty {
  kOmitted,
  kWritten,
  // A pointer: left out only where it is absent or null; `false` and an empty struct are written.
  kPointer,
};

// How a strategic merge patch joins lists.
enum class ListPatch { kReplaces, kMergesScalars };

struct StructType;

struct FieldType {
  absl::string_view name;
  Shape shape = Shape::kText;
  Empty empty = Empty::kOmitted;
  const StructType* type = nullptr;  // Of kStruct and kStructList.
  ListPatch list_patch = ListPatch::kReplaces;
  // Its place in the Go type, which is the order in which its texts are rendered.
  uint16_t order = 0;
  // The Go type of a list that has a name of its own; for messages.
  absl::string_view go_type;
};

struct StructType {
  absl::string_view name;  // Of the Go type, for messages.
  // Sorted by name.
  std::vector<FieldType> fields;

  // nullptr where there is none of that name.
  const FieldType* Find(absl::string_view name) const;
};

// The whole object without its status.
const StructType& ApplicationType();
// The same with all of its metadata, as a patch may give them; for GoTypeMismatch.
const StructType& PatchType();
// `spec.template` of a set.
const StructType& TemplateType();

}  // namespace leidang::generators
