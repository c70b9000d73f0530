#include "tests/conformance/diff_area.h"

#include <string>

#include "agent/apply/ignore_rules.h"
#include "agent/scripts/jq_paths.h"
#include "common/manifest/manifest.h"
#include "tests/conformance/client_diff.h"

namespace leidang::conformance {
namespace {

using object::Value;

constexpr absl::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

absl::Status Strip(const agent::IgnoreRules& rules, const Value& live, Value& object) {
  if (!object.is_object()) return absl::OkStatus();
  const object::ObjectKey key{
      std::string(manifest::GroupOf(object::FindString(object, {"apiVersion"}))),
      std::string(object::FindString(object, {"kind"})),
      std::string(object::FindString(object, {"metadata", "namespace"})),
      std::string(object::FindString(object, {"metadata", "name"}))};
  agent::JqPrograms jq;
  return rules.Strip(
      key, &live,
      [&jq](const std::string& expression, const Value& value) {
        return jq.Paths(expression, value);
      },
      object);
}

}  // namespace

Outcome CheckAppDiff(const Value& line) {
  const Value* rules = object::Find(line, {"ignoreDifferences"});
  const absl::StatusOr<agent::IgnoreRules> parsed =
      agent::IgnoreRules::Parse(rules == nullptr ? Value() : *rules);
  if (!parsed.ok()) return CompareError(line, parsed.status().message());
  const Value* wanted = object::Find(line, {"desired"});
  const Value* found = object::Find(line, {"live"});
  if (wanted == nullptr || wanted->is_null()) return CompareResult(line, "outOfSync", false);
  if (found == nullptr || found->is_null()) return CompareResult(line, "outOfSync", true);
  Value before;
  const absl::StatusOr<Value> last = object::ParseJson(manifest::Annotation(*found, kLastApplied));
  if (last.ok()) before = *last;
  Value desired = *wanted;
  Value live = *found;
  Normalize(desired);
  Normalize(live);
  for (Value* object : {&desired, &live, &before}) {
    const absl::Status stripped = Strip(*parsed, *found, *object);
    if (!stripped.ok()) return CompareError(line, stripped.message());
  }
  return CompareResult(line, "outOfSync", ApplyWouldChange(before, desired, live));
}

}  // namespace leidang::conformance
