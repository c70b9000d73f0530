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

// The paths that a jq expression selects in an object (RemoveAtPaths). kInvalidArgument for an
// expression that is none; with any other error it selects nothing.
using JqRunner =
    std::function<absl::StatusOr<object::Array>(const std::string&, const object::Value&)>;

class IgnoreRules {
 public:
  // Reads the list; null is an empty one. Groups and kinds are globs, names and namespaces are
  // literal; an empty group is the core group. kInvalidArgument, naming the item and field.
  static absl::StatusOr<IgnoreRules> Parse(const object::Value& list);

  bool empty() const { return rules_.empty(); }
  // Whether some rule is about this object.
  bool Concern(const object::ObjectKey& key) const;

  // Removes what the rules name from `object`: first what pointers name and managers own, then what
  // jq expressions select. `live` (may be null) is the object in the cluster, whose managedFields
  // say what a manager owns. A pointer to what is not there, or that is none, does nothing.
  // kInvalidArgument for a jq expression that cannot be read.
  absl::Status Strip(const object::ObjectKey& key, const object::Value* live, const JqRunner& jq,
                     object::Value& object) const;

  // The two halves of Strip, for who has jq run elsewhere (agent/scripts): all but jq, and the
  // expressions to be run one after the other, each on what the one before has left.
  void StripFields(const object::ObjectKey& key, const object::Value* live,
                   object::Value& object) const;
  std::vector<std::string> Expressions(const object::ObjectKey& key) const;

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
