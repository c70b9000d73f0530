#include "agent/health/kind_rules.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace leidang::agent {
namespace {

using object::Value;

absl::string_view View(boost::json::string_view text) { return {text.data(), text.size()}; }

const Value* At(const Value& root, const FieldPath& path) {
  const Value* at = &root;
  for (const std::string& part : path) {
    if (!at->is_object()) return nullptr;
    at = at->get_object().if_contains(part);
    if (at == nullptr || at->is_null()) return nullptr;
  }
  return at;
}

// Integers only: counts and generations.
std::optional<int64_t> NumberAt(const Value& root, const FieldPath& path) {
  const Value* found = At(root, path);
  if (found == nullptr || !found->is_int64()) return std::nullopt;
  return found->get_int64();
}

bool IsEmpty(const Value* value) {
  if (value == nullptr) return true;
  if (value->is_string()) return value->get_string().empty();
  if (value->is_array()) return value->get_array().empty();
  return value->is_object() && value->get_object().empty();
}

std::string Shown(const Value* value) {
  if (value == nullptr) return "";
  if (value->is_string()) return std::string(View(value->get_string()));
  return object::ToJson(*value);
}

// One object under a list of rules. `scope` is what paths begin at: the object, or an item in it.
class Look {
 public:
  explicit Look(const Value& object) : object_(object) {}

  bool All(const std::vector<RuleTest>& tests, const Value& scope) {
    return std::all_of(tests.begin(), tests.end(),
                       [&](const RuleTest& test) { return Holds(test, scope); });
  }
  void Forget() { condition_ = nullptr; }

  std::string Message(const HealthRule& rule) const {
    if (!rule.message.has_value()) return Shown(Of("message"));
    std::string out;
    absl::string_view rest = *rule.message;
    for (size_t open = rest.find('{'); open != absl::string_view::npos; open = rest.find('{')) {
      const size_t close = rest.find('}', open);
      if (close == absl::string_view::npos) break;
      absl::StrAppend(&out, rest.substr(0, open), Named(rest.substr(open + 1, close - open - 1)));
      rest.remove_prefix(close + 1);
    }
    return absl::StrCat(out, rest);
  }

 private:
  const Value* Of(absl::string_view name) const {
    return condition_ == nullptr ? nullptr : object::Find(*condition_, {name});
  }

  std::string Named(absl::string_view name) const {
    if (name == "message" || name == "reason") return Shown(Of(name));
    return Shown(At(object_, absl::StrSplit(name, '.')));
  }

  // The condition of that type, of the object's status or of an item.
  const Value* Condition(const RuleTest& test, const Value& scope) const {
    const Value* list = At(scope, test.path);
    if (list == nullptr || !list->is_array()) return nullptr;
    for (const Value& item : list->get_array()) {
      if (object::FindString(item, {"type"}) == absl::string_view(test.type)) return &item;
    }
    return nullptr;
  }

  bool ConditionHolds(const RuleTest& test, const Value& scope) {
    const Value* found = Condition(test, scope);
    if (found == nullptr) return false;
    const std::string status = Shown(object::Find(*found, {"status"}));
    const std::string reason(object::FindString(*found, {"reason"}));
    if (!test.statuses.empty() && !test.statuses.contains(status)) return false;
    if (!test.reasons.empty() && !test.reasons.contains(reason)) return false;
    condition_ = found;
    return true;
  }

  bool IsOneOf(const RuleTest& test, const Value& found) const {
    return std::any_of(test.values.begin(), test.values.end(),
                       [&](const Value& value) { return object::Equal(value, found); });
  }

  bool IsBehind(const std::optional<int64_t>& seen) const {
    return seen.has_value() && *seen < NumberAt(object_, {"metadata", "generation"}).value_or(0);
  }

  bool Some(const RuleTest& test, const Value& scope) {
    const Value* list = At(scope, test.path);
    if (list == nullptr || !list->is_array()) return false;
    const object::Array& items = list->get_array();
    return std::any_of(items.begin(), items.end(),
                       [&](const Value& item) { return All(test.tests, item); });
  }

  bool Every(const RuleTest& test, const Value& scope) {
    const Value* list = At(scope, test.path);
    if (list == nullptr || !list->is_array() || list->get_array().empty()) return false;
    const object::Array& items = list->get_array();
    return std::all_of(items.begin(), items.end(),
                       [&](const Value& item) { return All(test.tests, item); });
  }

  bool HoldsForField(const RuleTest& test, const Value& scope) const {
    const Value* found = At(scope, test.path);
    switch (test.form) {
      case RuleTest::Form::kFieldIs:
        return found != nullptr && IsOneOf(test, *found);
      case RuleTest::Form::kFieldIsNot:
        return found != nullptr && !IsOneOf(test, *found);
      case RuleTest::Form::kFieldAbsent:
        return IsEmpty(found);
      case RuleTest::Form::kFieldBelow:
        return NumberAt(scope, test.path).value_or(0) <
               NumberAt(scope, test.other).value_or(test.fallback);
      case RuleTest::Form::kFieldEarlier: {
        // Times of Kubernetes are all of one form, RFC 3339 in UTC, so their texts are in order.
        const Value* other = At(scope, test.other);
        return other != nullptr && Shown(found) < Shown(other);
      }
      default:
        return !IsEmpty(found);
    }
  }

  bool Holds(const RuleTest& test, const Value& scope) {
    switch (test.form) {
      case RuleTest::Form::kCondition:
        return ConditionHolds(test, scope);
      case RuleTest::Form::kNoCondition:
        return Condition(test, scope) == nullptr;
      case RuleTest::Form::kGenerationBehind:
        return IsBehind(NumberAt(scope, test.path));
      case RuleTest::Form::kGenerationUnseen:
        return IsBehind(NumberAt(scope, test.path).value_or(0));
      case RuleTest::Form::kConditionBehind: {
        const Value* found = Condition(test, scope);
        return found != nullptr && IsBehind(NumberAt(*found, {"observedGeneration"}));
      }
      case RuleTest::Form::kSome:
        return Some(test, scope);
      case RuleTest::Form::kEvery:
        return Every(test, scope);
      case RuleTest::Form::kAny:
        return std::any_of(test.tests.begin(), test.tests.end(),
                           [&](const RuleTest& each) { return Holds(each, scope); });
      case RuleTest::Form::kNot: {
        const Value* before = condition_;
        const bool holds = All(test.tests, scope);
        condition_ = before;
        return !holds;
      }
      default:
        return HoldsForField(test, scope);
    }
  }

  const Value& object_;
  const Value* condition_ = nullptr;  // That held last.
};

}  // namespace

bool KindRules::Concern(absl::string_view group, absl::string_view kind) const {
  const bool own_group = absl::StartsWith(group_, "*.") ? absl::EndsWith(group, group_.substr(1))
                                                        : group == absl::string_view(group_);
  return own_group && std::any_of(kinds_.begin(), kinds_.end(), [&](const std::string& each) {
           return each == "*" || kind == absl::string_view(each);
         });
}

std::vector<std::string> KindRules::Names() const {
  std::vector<std::string> names;
  for (const std::string& kind : kinds_) names.push_back(absl::StrCat(group_, "/", kind));
  return names;
}

size_t KindRules::RuleFor(const Value& object) const {
  Look look(object);
  for (size_t i = 0; i + 1 < rules_.size(); ++i) {
    look.Forget();
    if (look.All(rules_[i].when, object)) return i;
  }
  return rules_.size() - 1;
}

Health KindRules::Assess(const Value& object) const {
  const HealthRule& rule = rules_[RuleFor(object)];
  Look look(object);
  // Again, for the condition whose message is wanted.
  look.All(rule.when, object);
  return {rule.state, look.Message(rule)};
}

}  // namespace leidang::agent
