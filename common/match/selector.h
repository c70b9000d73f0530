#pragma once

// Kubernetes LabelSelectors: `matchLabels` and `matchExpressions` with In, NotIn, Exists,
// DoesNotExist.
//
// Two rule sets: of labels (keys and values must be valid, no selector selects nothing) and of
// parameters, the post-selectors of generators (values are free, no selector selects everything).
// Thread-safe once parsed.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::match {

class Selector {
 public:
  enum class Rules { kLabels, kParameters };

  // `selector` is the object with its `matchLabels` and `matchExpressions`, or null.
  // kInvalidArgument with the text of Kubernetes, or naming the field that has another type.
  static absl::StatusOr<Selector> Parse(const object::Value& selector, Rules rules);

  // Everything.
  Selector() = default;

  // Has no requirement.
  bool selects_everything() const { return requirements_.empty() && !nothing_; }

  using Lookup = absl::FunctionRef<std::optional<absl::string_view>(absl::string_view key)>;
  bool Matches(Lookup lookup) const;
  bool Matches(const std::map<std::string, std::string>& labels) const;

 private:
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;
  };
  absl::Status AddLabels(const object::Value& labels, Rules rules);
  absl::Status AddExpression(const object::Value& expression, Rules rules);
  static absl::Status Validate(const Requirement& requirement, Rules rules);

  bool nothing_ = false;
  std::vector<Requirement> requirements_;
};

// What is wrong with a qualified name (`example.com/name`) or a label value, in the words of
// Kubernetes; empty if it is valid.
std::vector<std::string> QualifiedNameErrors(absl::string_view name);
std::vector<std::string> LabelValueErrors(absl::string_view value);
std::vector<std::string> SubdomainErrors(absl::string_view name);

}  // namespace leidang::match
