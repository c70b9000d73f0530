#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "agent/health/kind_rules.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

using object::Value;
using Form = RuleTest::Form;

constexpr size_t kDepthMax = 4;

std::string Text(const Value& value) {
  if (!value.is_string()) return "";
  return std::string(value.get_string().data(), value.get_string().size());
}

// Reads the parts of one document; `where` names the place.
class Reader {
 public:
  explicit Reader(absl::string_view file) : file_(file) {}

  absl::Status Wrong(absl::string_view where, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(file_, ": ", where, ": ", what));
  }

  absl::Status CheckKeys(const object::Object& map, const std::string& where,
                         const std::set<std::string>& known) const {
    for (const auto& member : map) {
      const std::string key(member.key().data(), member.key().size());
      if (known.contains(key)) continue;
      return Wrong(where, absl::StrCat("\"", key, "\" is not known here"));
    }
    return absl::OkStatus();
  }

  // "a.b.c", or a list of keys where one holds a dot.
  absl::StatusOr<FieldPath> Path(const Value& value, const std::string& where) const {
    FieldPath path;
    if (value.is_string()) {
      path = absl::StrSplit(Text(value), '.');
    } else if (value.is_array()) {
      for (const Value& part : value.get_array()) path.push_back(Text(part));
    }
    for (const std::string& part : path) {
      if (part.empty()) path.clear();
    }
    if (path.empty()) return Wrong(where, "write a path such as status.phase, or a list of keys");
    return path;
  }

  absl::StatusOr<std::set<std::string>> Texts(const object::Object& map, const char* key,
                                              const std::string& where) const {
    std::set<std::string> texts;
    const Value* found = map.if_contains(key);
    if (found == nullptr) return texts;
    const object::Array one{*found};
    for (const Value& text : found->is_array() ? found->get_array() : one) {
      if (!text.is_string()) {
        return Wrong(where, absl::StrCat(key,
                                         " is a text or a list of texts; put True, False and "
                                         "numbers into quotes"));
      }
      texts.insert(Text(text));
    }
    return texts;
  }

  absl::StatusOr<std::vector<RuleTest>> Tests(const Value& list, const std::string& where,
                                              size_t depth) const;

 private:
  absl::StatusOr<RuleTest> Test(const Value& item, const std::string& where, size_t depth) const;
  absl::StatusOr<RuleTest> Condition(const object::Object& map, const std::string& where,
                                     size_t depth) const;
  absl::StatusOr<RuleTest> Field(const object::Object& map, const std::string& where) const;
  absl::StatusOr<RuleTest> Below(const object::Object& map, RuleTest test,
                                 const std::string& where) const;
  absl::StatusOr<RuleTest> Generation(const object::Object& map, const std::string& where,
                                      size_t depth) const;
  absl::StatusOr<RuleTest> Items(const object::Object& map, const char* key, Form form,
                                 const std::string& where, size_t depth) const;

  const std::string file_;
};

// Of an item of a list, conditions are beside its other fields; of an object, in its status.
FieldPath ConditionsAt(size_t depth) {
  return depth == 0 ? FieldPath{"status", "conditions"} : FieldPath{"conditions"};
}

absl::StatusOr<RuleTest> Reader::Condition(const object::Object& map, const std::string& where,
                                           size_t depth) const {
  RETURN_IF_ERROR(
      CheckKeys(map, where, {"condition", "no-condition", "status", "reason", "in", "generation"}));
  RuleTest test;
  test.path = ConditionsAt(depth);
  if (const Value* in = map.if_contains("in")) {
    ASSIGN_OR_RETURN(test.path, Path(*in, where));
  }
  const bool none = map.contains("no-condition");
  test.form = none ? Form::kNoCondition : Form::kCondition;
  test.type = Text(map.at(none ? "no-condition" : "condition"));
  if (test.type.empty()) return Wrong(where, "a condition is named by its type");
  if (const Value* generation = map.if_contains("generation")) {
    if (none || Text(*generation) != "behind" || map.contains("status") || map.contains("reason")) {
      return Wrong(where,
                   "a condition's generation may only be \"behind\", without status and "
                   "reason");
    }
    test.form = Form::kConditionBehind;
    return test;
  }
  ASSIGN_OR_RETURN(test.statuses, Texts(map, "status", where));
  ASSIGN_OR_RETURN(test.reasons, Texts(map, "reason", where));
  if (none && (!test.statuses.empty() || !test.reasons.empty())) {
    return Wrong(where, "what is not there has neither status nor reason");
  }
  return test;
}

absl::StatusOr<RuleTest> Reader::Below(const object::Object& map, RuleTest test,
                                       const std::string& where) const {
  test.form = Form::kFieldBelow;
  const Value& bound = map.at("below");
  if (bound.is_int64()) {
    test.fallback = bound.get_int64();
    return test;
  }
  ASSIGN_OR_RETURN(test.other, Path(bound, where));
  if (const Value* otherwise = map.if_contains("otherwise")) {
    if (!otherwise->is_int64()) return Wrong(where, "otherwise is a number");
    test.fallback = otherwise->get_int64();
  }
  return test;
}

absl::StatusOr<RuleTest> Reader::Field(const object::Object& map, const std::string& where) const {
  RETURN_IF_ERROR(
      CheckKeys(map, where, {"field", "is", "is-not", "present", "below", "otherwise", "earlier"}));
  RuleTest test;
  ASSIGN_OR_RETURN(test.path, Path(map.at("field"), where));
  const size_t questions = map.count("is") + map.count("is-not") + map.count("present") +
                           map.count("below") + map.count("earlier");
  if (questions != 1) {
    return Wrong(where, "ask one thing of a field: is, is-not, present, below or earlier");
  }
  if (map.contains("otherwise") && !map.contains("below")) {
    return Wrong(where, "otherwise belongs to below");
  }
  if (map.contains("below")) return Below(map, std::move(test), where);
  if (const Value* earlier = map.if_contains("earlier")) {
    test.form = Form::kFieldEarlier;
    ASSIGN_OR_RETURN(test.other, Path(*earlier, where));
    return test;
  }
  if (const Value* present = map.if_contains("present")) {
    if (!present->is_bool()) return Wrong(where, "present is true or false");
    test.form = present->get_bool() ? Form::kFieldPresent : Form::kFieldAbsent;
    return test;
  }
  const bool is = map.contains("is");
  test.form = is ? Form::kFieldIs : Form::kFieldIsNot;
  const Value& values = map.at(is ? "is" : "is-not");
  if (values.is_array()) {
    test.values.assign(values.get_array().begin(), values.get_array().end());
  } else {
    test.values.push_back(values);
  }
  return test;
}

absl::StatusOr<RuleTest> Reader::Generation(const object::Object& map, const std::string& where,
                                            size_t depth) const {
  RETURN_IF_ERROR(CheckKeys(map, where, {"generation", "at"}));
  RuleTest test;
  test.path =
      depth == 0 ? FieldPath{"status", "observedGeneration"} : FieldPath{"observedGeneration"};
  if (const Value* at = map.if_contains("at")) {
    ASSIGN_OR_RETURN(test.path, Path(*at, where));
  }
  const std::string word = Text(map.at("generation"));
  if (word != "behind" && word != "unseen") {
    return Wrong(where, "generation is behind (an older one was seen) or unseen (or none)");
  }
  test.form = word == "behind" ? Form::kGenerationBehind : Form::kGenerationUnseen;
  return test;
}

absl::StatusOr<RuleTest> Reader::Items(const object::Object& map, const char* key, Form form,
                                       const std::string& where, size_t depth) const {
  RETURN_IF_ERROR(CheckKeys(map, where, {key, "when"}));
  RuleTest test;
  test.form = form;
  ASSIGN_OR_RETURN(test.path, Path(map.at(key), where));
  const Value* when = map.if_contains("when");
  if (when == nullptr) return Wrong(where, absl::StrCat(key, " needs when: what of its items?"));
  ASSIGN_OR_RETURN(test.tests, Tests(*when, where, depth + 1));
  return test;
}

absl::StatusOr<RuleTest> Reader::Test(const Value& item, const std::string& where,
                                      size_t depth) const {
  if (!item.is_object()) return Wrong(where, "a test is a map");
  const object::Object& map = item.get_object();
  if (map.contains("condition") || map.contains("no-condition")) {
    return Condition(map, where, depth);
  }
  if (map.contains("field")) return Field(map, where);
  if (map.contains("generation")) return Generation(map, where, depth);
  if (map.contains("some")) return Items(map, "some", Form::kSome, where, depth);
  if (map.contains("every")) return Items(map, "every", Form::kEvery, where, depth);
  for (const auto& [key, form] : {std::pair{"any", Form::kAny}, std::pair{"not", Form::kNot}}) {
    if (!map.contains(key)) continue;
    RETURN_IF_ERROR(CheckKeys(map, where, {key}));
    RuleTest test;
    test.form = form;
    ASSIGN_OR_RETURN(test.tests, Tests(map.at(key), where, depth));
    return test;
  }
  return Wrong(where,
               "a test begins with condition, no-condition, field, generation, some, every, "
               "any or not");
}

absl::StatusOr<std::vector<RuleTest>> Reader::Tests(const Value& list, const std::string& where,
                                                    size_t depth) const {
  if (depth > kDepthMax) return Wrong(where, "too many levels of some and every");
  if (!list.is_array() || list.get_array().empty()) {
    return Wrong(where, "this is a list of tests, at least one");
  }
  std::vector<RuleTest> tests;
  for (const Value& item : list.get_array()) {
    ASSIGN_OR_RETURN(RuleTest test, Test(item, where, depth));
    tests.push_back(std::move(test));
  }
  return tests;
}

absl::StatusOr<intent::HealthState> State(const Reader& reader, const object::Object& map,
                                          const std::string& where) {
  const std::map<std::string, intent::HealthState> states = {
      {"Healthy", intent::HealthState::kHealthy},
      {"Progressing", intent::HealthState::kProgressing},
      {"Degraded", intent::HealthState::kDegraded},
      {"Suspended", intent::HealthState::kSuspended}};
  const Value* found = map.if_contains("state");
  const auto state = states.find(found == nullptr ? "" : Text(*found));
  if (state == states.end()) {
    return reader.Wrong(where, "state is Healthy, Progressing, Degraded or Suspended");
  }
  return state->second;
}

absl::StatusOr<HealthRule> ReadRule(const Reader& reader, const Value& item,
                                    const std::string& where) {
  if (!item.is_object()) return reader.Wrong(where, "a rule is a map");
  const object::Object& map = item.get_object();
  RETURN_IF_ERROR(reader.CheckKeys(map, where, {"state", "when", "message"}));
  HealthRule rule;
  ASSIGN_OR_RETURN(rule.state, State(reader, map, where));
  if (const Value* message = map.if_contains("message")) {
    if (!message->is_string()) return reader.Wrong(where, "message is a text");
    rule.message = Text(*message);
  }
  if (const Value* when = map.if_contains("when")) {
    ASSIGN_OR_RETURN(rule.when, reader.Tests(*when, where, 0));
  }
  return rule;
}

}  // namespace

absl::StatusOr<KindRules> KindRules::Parse(const Value& document, absl::string_view file) {
  const Reader reader(file);
  if (!document.is_object()) return reader.Wrong("the document", "it is no map");
  const object::Object& map = document.get_object();
  RETURN_IF_ERROR(
      reader.CheckKeys(map, "the document", {"group", "kinds", "documentation", "rules"}));
  KindRules out;
  const Value* group = map.if_contains("group");
  if (group == nullptr || !group->is_string()) return reader.Wrong("group", "it is missing");
  out.group_ = Text(*group);
  ASSIGN_OR_RETURN(const std::set<std::string> kinds, reader.Texts(map, "kinds", "kinds"));
  if (kinds.empty()) return reader.Wrong("kinds", "at least one kind is needed");
  out.kinds_.assign(kinds.begin(), kinds.end());
  const std::string where = absl::StrCat(out.group_, "/", out.kinds_.front());
  if (!map.contains("documentation") ||
      !absl::StartsWith(Text(map.at("documentation")), "https://")) {
    return reader.Wrong(where, "documentation is the address that describes the status");
  }
  const Value* rules = map.if_contains("rules");
  if (rules == nullptr || !rules->is_array() || rules->get_array().empty()) {
    return reader.Wrong(where, "rules is a list, at least one");
  }
  const object::Array& list = rules->get_array();
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string place = absl::StrCat(where, ", rule ", i + 1);
    ASSIGN_OR_RETURN(HealthRule rule, ReadRule(reader, list[i], place));
    if (rule.when.empty() != (i + 1 == list.size())) {
      return reader.Wrong(place, "the last rule, and no other, is without when");
    }
    out.rules_.push_back(std::move(rule));
  }
  return out;
}

}  // namespace leidang::agent
