#pragma once

// Parameter sets: joined, flattened and shown. Pure; thread-safe.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"
#include "generators/template/value.h"

namespace leidang::generators {

// `over` joined over `under`, as Argo CD joins in goTemplate mode: maps key by key, all else as a
// whole, also where it is empty; an empty map clears nothing. Nothing is copied that need not be:
// the result lies over both. kInvalidArgument where a general map meets a map of text from below:
// Argo CD crashes there. REQUIRES: both are maps or nil.
absl::StatusOr<TValue> JoinParams(const TValue& over, const TValue& under);

// The same without goTemplate: every value becomes text. kInvalidArgument for a key with two
// values.
absl::StatusOr<TValue> JoinFlatParams(const TValue& a, const TValue& b);

// Nested maps and lists as `a.b` and `list.0` to text, as post-selectors see them. Empty ones
// vanish.
std::map<std::string, std::string> FlattenParams(const TValue& params);

// One value of FlattenParams without making the others.
std::optional<std::string> FindFlatParam(const TValue& params, absl::string_view key);

// An object of a file or a plugin's answer as a flat parameter set of text.
TValue FlatParamsOf(const TValue& object);

// The objects of a YAML or JSON text that holds a list of them or, where `single` allows it, one;
// null counts as an empty object. An error is Go's text; what the reader knows beyond it, the
// column and what to do, is its DetailOf.
enum class SingleObject : bool { kNo, kYes };
absl::StatusOr<std::vector<TValue>> ReadObjects(absl::string_view text, absl::string_view path,
                                                SingleObject single);
std::string DetailOf(const absl::Status& status);
absl::Status WithDetail(absl::Status status, absl::string_view detail);

// As the dynamic client of Kubernetes reads JSON: whole numbers are int64.
TValue FromUnstructured(const object::Value& json);

// The input of a plugin as Argo CD shows it to templates: values that are raw JSON.
TValue RawParameters(const object::Value& parameters);

// A map of the map's values as text, of Go's type map[string]string.
TValue TextMap(const std::map<std::string, std::string>& values);

// Compact JSON, cut at `bytes_max` with an ellipsis.
std::string ParamsExcerpt(const TValue& params, size_t bytes_max = 1024);

// Whether a parameter set counts as empty: its template stays as it is.
inline bool IsEmptyParams(const TValue& params) {
  return params.map() == nullptr || params.map()->empty();
}

}  // namespace leidang::generators
