#pragma once

// YAML text to the object tree, as sigs.k8s.io/yaml reads it (YAML 1.1 by way of JSON): the reading
// that kubectl and Argo CD share.
//
// - Plain `y n yes no on off true false`, in their three spellings, are booleans; `~`, `null` and
// nothing are
//   null; `0x1f 0o17 017 0b11 1_000` are integers. Dates, `1:30` and integers too long for a
//   double's range stay text. `.inf` and `.nan` are errors, as JSON has neither.
// - Numbers arrive as JSON would carry them: `1.0` and `1e3` are the integers 1 and 1000.
// - Keys become text by the same rules: `y: 1` has the key "true", `0x10: 1` the key "16". A null,
// a list or a
//   map as key is an error.
// - Anchors, aliases and merge keys (`<<`) are expanded, within limits. A merge overrides what
// stands before it
//   in its map and is overridden by what stands after it, as there.
// - Tags of YAML itself are honoured on scalars (`!!str`, `!!int`, `!!binary`, …); others make a
// scalar text.
//
// Errors are kInvalidArgument and begin with `file:line:column: `, both counted from 1. Where Go
// words the same error with the values that it has read by then, its words are the payload
// kGoErrorText.
//
// Pure; thread-safe.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::yaml {

inline constexpr char kGoErrorText[] = "leidang.dev/go-error-text";

struct Limits {
  size_t depth_max = object::kDepthMax;  // Levels of nesting, aliases expanded.
  // What aliases may add to a document: "billion laughs" is small text that means a large tree.
  size_t alias_nodes_max = 400'000;
  size_t alias_bytes_max = size_t{32} << 20;
  size_t size_max = size_t{64} << 20;  // Bytes of text.
};

enum class Documents {
  kFirst,      // Reads the first and does not look at what follows, as sigs.k8s.io/yaml. None gives
               // null.
  kExactlyOne  // None, or a second one, is an error.
};

struct ParseOptions {
  // kError looks at the keys written in one map; overriding a merged key is no duplicate.
  object::Duplicates duplicates = object::Duplicates::kLastWins;
  Documents documents = Documents::kFirst;
  Limits limits;
};

// `file_name` is for messages: a path, or words such as "values of app cart".
absl::StatusOr<object::Value> ParseYaml(absl::string_view text, absl::string_view file_name,
                                        const ParseOptions& options = {});

struct Document {
  object::Value value;  // Null for a document that holds nothing, such as after a last `---`.
  size_t line = 0;      // Where its content begins, from 1.
};

// All documents in order; none for text that holds only comments and space. `options.documents`
// plays no part.
absl::StatusOr<std::vector<Document>> ParseYamlStream(absl::string_view text,
                                                      absl::string_view file_name,
                                                      const ParseOptions& options = {});

}  // namespace leidang::yaml
