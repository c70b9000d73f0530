#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

#include "tests/conformance/area.h"

namespace leidang::conformance {

namespace {

constexpr size_t kShownMax = 400;

std::string Shown(const object::Value& value) {
  std::string text = object::ToJson(value);
  if (text.size() > kShownMax)
    text = absl::StrCat(text.substr(0, kShownMax), "… (", text.size(), " bytes)");
  return text;
}

absl::string_view View(const boost::json::string_view& s) { return {s.data(), s.size()}; }

void Walk(const std::string& path, const object::Value& expected, const object::Value& actual,
          std::string* out) {
  if (object::Equal(expected, actual)) return;
  if (expected.is_object() && actual.is_object()) {
    std::set<std::string> keys;
    for (const auto& member : expected.get_object()) keys.emplace(View(member.key()));
    for (const auto& member : actual.get_object()) keys.emplace(View(member.key()));
    for (const std::string& key : keys) {
      const object::Value* a = expected.get_object().if_contains(key);
      const object::Value* b = actual.get_object().if_contains(key);
      const std::string at = absl::StrCat(path, ".", key);
      if (a == nullptr) {
        absl::StrAppend(out, "      ", at, ": nothing expected, got ", Shown(*b), "\n");
      } else if (b == nullptr) {
        absl::StrAppend(out, "      ", at, ": expected ", Shown(*a), ", got nothing\n");
      } else {
        Walk(at, *a, *b, out);
      }
    }
    return;
  }
  if (expected.is_array() && actual.is_array() &&
      expected.get_array().size() == actual.get_array().size()) {
    for (size_t i = 0; i < expected.get_array().size(); ++i) {
      Walk(absl::StrCat(path, "[", i, "]"), expected.get_array()[i], actual.get_array()[i], out);
    }
    return;
  }
  absl::StrAppend(out, "      ", path, ":\n        expected ", Shown(expected),
                  "\n        got      ", Shown(actual), "\n");
}

}  // namespace

std::string Difference(const object::Value& expected, const object::Value& actual) {
  std::string out;
  Walk("", expected, actual, &out);
  return out;
}

Outcome CompareResult(const object::Value& line, absl::string_view key,
                      const object::Value& value) {
  if (object::Find(line, {"panic"}) != nullptr) {
    return Outcome::Different(
        absl::StrCat("      expected an error (Argo CD panics), got ", Shown(value), "\n"));
  }
  if (const object::Value* error = object::Find(line, {"error"})) {
    return Outcome::Different(
        absl::StrCat("      expected error ", Shown(*error), ", got ", Shown(value), "\n"));
  }
  const object::Value* expected = object::Find(line, {key});
  const object::Value nothing;
  if (expected == nullptr) expected = &nothing;
  if (object::Equal(*expected, value)) return Outcome::Equal();
  return Outcome::Different(Difference(*expected, value));
}

Outcome CompareError(const object::Value& line, absl::string_view message) {
  Outcome outcome = Outcome::Equal();
  if (object::Find(line, {"panic"}) != nullptr) return outcome;
  const object::Value* error = object::Find(line, {"error"});
  if (error == nullptr)
    return Outcome::Different(absl::StrCat("      expected a result, got error: ", message, "\n"));
  outcome.same_message = object::FindString(line, {"error"}) == message;
  if (!*outcome.same_message) {
    outcome.difference =
        absl::StrCat("      expected message: ", object::FindString(line, {"error"}),
                     "\n      our message:      ", message, "\n");
  }
  return outcome;
}

}  // namespace leidang::conformance
