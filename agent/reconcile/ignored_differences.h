#pragma once

// IgnoredDifferences: what `spec.ignoreDifferences` of an Application means for one live object:
// whether it differs from what is wanted in ignored fields only, and what to apply so that ignored
// fields keep the values that they have.
//
// Loop-bound.

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "agent/apply/ignore_rules.h"
#include "agent/cluster/cluster_client.h"
#include "agent/scripts/script.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

class IgnoredDifferences {
 public:
  // Both must outlive it. Without `scripts` (nullptr) rules with jq expressions are errors.
  IgnoredDifferences(ClusterClient& cluster, ScriptRunner* scripts)
      : cluster_(cluster), scripts_(scripts) {}

  // Whether the object as it is now, and as an apply of `desired` would make it, are equal in all
  // fields that we own and `rules` do not name: what the server makes of a manifest (defaults, its
  // own forms of quantities) is no difference. False where the apply would be refused: it says why.
  // On an error nothing is known. `done` may run inside the call.
  using Verdict = std::function<void(absl::StatusOr<bool>)>;
  void OnlyIgnoredDiffer(const IgnoreRules& rules, const object::ObjectKey& key,
                         object::Value desired, const Verdict& done);

  // `desired` without what `rules` name, but with the live value of what only we own, as it would
  // go otherwise; then the request holds for this version of the object only. As it is where the
  // object is not there. `done` may run inside the call.
  using Request = std::function<void(absl::StatusOr<ApplyRequest>)>;
  void KeepLive(const IgnoreRules& rules, const object::ObjectKey& key, object::Value desired,
                Request done);

  // `object` without what `rules` name; `live` says what a manager owns. `done` may run inside the
  // call.
  using Stripped = std::function<void(absl::StatusOr<object::Value>)>;
  void Strip(const IgnoreRules& rules, const object::ObjectKey& key, const object::Value& live,
             object::Value object, Stripped done);

 private:
  ClusterClient& cluster_;
  ScriptRunner* const scripts_;
};

// Sets in `target`, which is `desired` without what is ignored, the values of `live` that are not
// in `stripped` (`live` without what is ignored) and that nobody but us owns. True if there were
// any. Where a list is owned as a whole it is the live one, unless the source itself changed it.
// Pure.
bool RestoreIgnored(const object::Value& live, const object::Value& stripped,
                    const object::Value& desired, object::Value& target);

}  // namespace leidang::agent
