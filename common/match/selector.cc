#include "common/match/selector.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/status_macros.h"

namespace leidang::match {

namespace {

std::string Quoted(absl::string_view text) {
  return object::ToJson(object::Value(boost::json::string_view(text.data(), text.size())));
}

absl::string_view View(const boost::json::string& s) { return {s.data(), s.size()}; }

// Several problems of one requirement read as Kubernetes puts them together: `[a, b]`, each text
// once.
absl::Status Together(const std::vector<std::string>& errors) {
  if (errors.empty()) return absl::OkStatus();
  if (errors.size() == 1) return absl::InvalidArgumentError(errors[0]);
  std::vector<std::string> unique;
  for (const std::string& e : errors) {
    if (std::find(unique.begin(), unique.end(), e) == unique.end()) unique.push_back(e);
  }
  return absl::InvalidArgumentError(absl::StrCat("[", absl::StrJoin(unique, ", "), "]"));
}

std::string AsJson(const std::vector<std::string>& values) {
  if (values.empty()) return "null";
  object::Array array;
  for (const std::string& v : values) array.emplace_back(v);
  return object::ToJson(object::Value(std::move(array)));
}

}  // namespace

absl::Status Selector::Validate(const Requirement& r, Rules rules) {
  std::vector<std::string> errors;
  if (const std::vector<std::string> bad = QualifiedNameErrors(r.key); !bad.empty()) {
    errors.push_back(
        absl::StrCat("key: Invalid value: ", Quoted(r.key), ": ", absl::StrJoin(bad, "; ")));
  }
  const bool set = r.op == Operator::kIn || r.op == Operator::kNotIn;
  if (set && r.values.empty()) {
    errors.push_back(
        "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty");
  }
  if (!set && !r.values.empty()) {
    errors.push_back(absl::StrCat("values: Invalid value: ", AsJson(r.values),
                                  ": values set must be empty for exists and does not exist"));
  }
  for (size_t i = 0; rules == Rules::kLabels && i < r.values.size(); ++i) {
    if (const std::vector<std::string> bad = LabelValueErrors(r.values[i]); !bad.empty()) {
      errors.push_back(absl::StrCat("values[", i, "][", r.key, "]: Invalid value: ",
                                    Quoted(r.values[i]), ": ", absl::StrJoin(bad, "; ")));
    }
  }
  return Together(errors);
}

absl::Status Selector::AddLabels(const object::Value& labels, Rules rules) {
  if (labels.is_null()) return absl::OkStatus();
  if (!labels.is_object()) return absl::InvalidArgumentError("matchLabels: expected an object");
  std::map<std::string, std::string> sorted;
  for (const auto& [key, value] : labels.get_object()) {
    const absl::string_view name(key.data(), key.size());
    if (!value.is_string() && !value.is_null()) {
      return absl::InvalidArgumentError(absl::StrCat("matchLabels.", name, ": expected text"));
    }
    sorted.emplace(std::string(name),
                   value.is_string() ? std::string(View(value.get_string())) : "");
  }
  for (auto& [key, value] : sorted) {
    Requirement r{key, Operator::kIn, {value}};
    RETURN_IF_ERROR(Validate(r, rules));
    requirements_.push_back(std::move(r));
  }
  return absl::OkStatus();
}

absl::Status Selector::AddExpression(const object::Value& expression, Rules rules) {
  if (!expression.is_object() && !expression.is_null()) {
    return absl::InvalidArgumentError("matchExpressions: expected a list of objects");
  }
  const absl::string_view op = object::FindString(expression, {"operator"});
  Requirement r;
  r.key = std::string(object::FindString(expression, {"key"}));
  if (op == "In") {
    r.op = Operator::kIn;
  } else if (op == "NotIn") {
    r.op = Operator::kNotIn;
  } else if (op == "Exists") {
    r.op = Operator::kExists;
  } else if (op == "DoesNotExist") {
    r.op = Operator::kDoesNotExist;
  } else {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(op), " is not a valid ",
                                                   rules == Rules::kLabels ? "label" : "pod",
                                                   " selector operator"));
  }
  const object::Value* values = object::Find(expression, {"values"});
  if (values != nullptr && !values->is_null()) {
    if (!values->is_array())
      return absl::InvalidArgumentError("matchExpressions.values: expected a list");
    for (const object::Value& v : values->get_array()) {
      if (!v.is_string() && !v.is_null()) {
        return absl::InvalidArgumentError("matchExpressions.values: expected a list of text");
      }
      r.values.push_back(v.is_string() ? std::string(View(v.get_string())) : "");
    }
  }
  RETURN_IF_ERROR(Validate(r, rules));
  requirements_.push_back(std::move(r));
  return absl::OkStatus();
}

absl::StatusOr<Selector> Selector::Parse(const object::Value& selector, Rules rules) {
  Selector out;
  if (selector.is_null()) {
    out.nothing_ = rules == Rules::kLabels;
    return out;
  }
  if (!selector.is_object()) return absl::InvalidArgumentError("selector: expected an object");
  if (const object::Value* labels = object::Find(selector, {"matchLabels"})) {
    RETURN_IF_ERROR(out.AddLabels(*labels, rules));
  }
  const object::Value* expressions = object::Find(selector, {"matchExpressions"});
  if (expressions == nullptr || expressions->is_null()) return out;
  if (!expressions->is_array())
    return absl::InvalidArgumentError("matchExpressions: expected a list");
  for (const object::Value& e : expressions->get_array())
    RETURN_IF_ERROR(out.AddExpression(e, rules));
  return out;
}

bool Selector::Matches(Lookup lookup) const {
  if (nothing_) return false;
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& r) {
    const std::optional<absl::string_view> value = lookup(r.key);
    const auto listed = [&] {
      return std::find(r.values.begin(), r.values.end(), *value) != r.values.end();
    };
    switch (r.op) {
      case Operator::kIn:
        return value.has_value() && listed();
      case Operator::kNotIn:
        return !value.has_value() || !listed();
      case Operator::kExists:
        return value.has_value();
      case Operator::kDoesNotExist:
        return !value.has_value();
    }
    return false;
  });
}

bool Selector::Matches(const std::map<std::string, std::string>& labels) const {
  return Matches([&](absl::string_view key) -> std::optional<absl::string_view> {
    const auto it = labels.find(std::string(key));
    if (it == labels.end()) return std::nullopt;
    return absl::string_view(it->second);
  });
}

}  // namespace leidang::match
