#pragma once

// KindRules: the health of one custom kind, written as data (kinds/README.md describes the form):
// rules in order, of which the first that holds says the state. Internal to agent/health.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "agent/health/health.h"
#include "common/object/value.h"

namespace leidang::agent {

using FieldPath = std::vector<std::string>;

// What a rule asks about an object, or about an item of a list in it.
struct RuleTest {
  enum class Form : uint8_t {
    kCondition,         // There is a condition `type` with one of `statuses` and of `reasons`.
    kNoCondition,       // There is none of that type.
    kFieldIs,           // The field is one of `values`.
    kFieldIsNot,        // The field is there and none of them.
    kFieldPresent,      // It is there, and not null, empty text, empty list or empty map.
    kFieldAbsent,       // Otherwise.
    kFieldBelow,        // Its number, 0 if absent, is lower than that at `other`.
    kFieldEarlier,      // Its time is before that at `other`, or it has none and the other has.
    kGenerationBehind,  // What is at `path` is lower than metadata.generation.
    kGenerationUnseen,  // The same, or nothing is there.
    kConditionBehind,   // The same for a condition's own observedGeneration.
    kSome,              // For at least one item of the list at `path`, all of `tests` hold.
    kEvery,             // For all of them; an empty list has none.
    kAny,               // At least one of `tests` holds.
    kNot,               // Not all of `tests` hold.
  };
  Form form = Form::kFieldPresent;
  FieldPath path;
  FieldPath other;
  int64_t fallback = 0;  // Of `other`.
  std::string type;
  std::set<std::string> statuses;  // Empty: any.
  std::set<std::string> reasons;
  std::vector<object::Value> values;
  std::vector<RuleTest> tests;
};

struct HealthRule {
  intent::HealthState state = intent::HealthState::kUnknown;
  std::vector<RuleTest> when;          // All must hold.
  std::optional<std::string> message;  // Absent: that of the condition that held.
};

class KindRules {
 public:
  // Reads one document of a file. kInvalidArgument, naming the file, the rule and what to change.
  static absl::StatusOr<KindRules> Parse(const object::Value& document, absl::string_view file);

  // Whether these rules are about `kind` of `group`.
  bool Concern(absl::string_view group, absl::string_view kind) const;
  // "group/Kind" of each, as written.
  std::vector<std::string> Names() const;

  // The first rule that holds. The last rule holds always.
  size_t RuleFor(const object::Value& object) const;
  Health Assess(const object::Value& object) const;
  const std::vector<HealthRule>& rules() const { return rules_; }

 private:
  std::string group_;  // "*.suffix" is every group below it.
  std::vector<std::string> kinds_;
  std::vector<HealthRule> rules_;
};

}  // namespace leidang::agent
