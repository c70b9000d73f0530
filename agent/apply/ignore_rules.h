#pragma once

// IgnoreRules: `spec.ignoreDifferences` of an Application, what somebody else may change in its
// objects without that being a difference: by JSON pointers, by jq path expressions, by the names
// of the managers that own fields. Pure; thread-safe.

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/match/glob.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

// Removes what a jq path expression selects: DeleteByJq, or a worker process that calls it.
// kInvalidArgument for an expression that is none; any other error leaves the value as it is.
using JqRunner =
    std::function<absl::StatusOr<object::Value>(absl::string_view path, const object::Value&)>;

class IgnoreRules {
 public:
  // Reads the list; null is an empty one. Groups and kinds are globs, names and namespaces are
  // literal; an empty group is the core group. kInvalidArgument, naming the item and field.
  static absl::StatusOr<IgnoreRules> Parse(const object::Value& list);

  bool empty() const { return rules_.empty(); }
  // Whether some rule is about this object.
  bool Concern(const object::ObjectKey& key) const;

  // Removes what the rules name from `object`. `live` (may be null) is the object in the cluster,
  // whose managedFields say what a manager owns. A pointer to what is not there, or that is none,
  // does nothing. kInvalidArgument for a jq expression that cannot be read.
  absl::Status Strip(const object::ObjectKey& key, const object::Value* live, const JqRunner& jq,
                     object::Value& object) const;

 private:
  struct Rule {
    match::Glob group;
    match::Glob kind;
    std::string name;  // Empty: any.
    std::string ns;
    std::vector<std::string> pointers;
    std::vector<std::string> paths;
    std::set<std::string> managers;

    bool Matches(const object::ObjectKey& key) const;
  };
  std::vector<Rule> rules_;
};

// Removes what the JSON pointer (RFC 6901) names; an index beyond the list, or `-`, is nothing.
void RemoveAtPointer(object::Value& value, absl::string_view pointer);

// Removes the leaves that `fields` (fieldsV1 of a managedFields entry) names.
void RemoveFields(object::Value& value, const object::Value& fields);

}  // namespace leidang::agent
