#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/match/selector.h"

namespace leidang::match {

namespace {

constexpr size_t kNameMax = 63;
constexpr size_t kSubdomainMax = 253;

constexpr char kNameShape[] =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character";
constexpr char kNameExample[] =
    " (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr char kValueShape[] =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr char kSubdomainShape[] =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

bool HasNameShape(absl::string_view name) {
  if (name.empty() || !absl::ascii_isalnum(name.front()) || !absl::ascii_isalnum(name.back()))
    return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

bool IsLowerAlnum(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }

bool HasSubdomainShape(absl::string_view name) {
  for (const absl::string_view label : absl::StrSplit(name, '.')) {
    if (label.empty() || !IsLowerAlnum(label.front()) || !IsLowerAlnum(label.back())) return false;
    for (const char c : label) {
      if (!IsLowerAlnum(c) && c != '-') return false;
    }
  }
  return true;
}

std::string TooLong(size_t max) { return absl::StrCat("must be no more than ", max, " bytes"); }

}  // namespace

std::vector<std::string> SubdomainErrors(absl::string_view name) {
  std::vector<std::string> errors;
  if (name.size() > kSubdomainMax) errors.push_back(TooLong(kSubdomainMax));
  if (!HasSubdomainShape(name)) errors.push_back(kSubdomainShape);
  return errors;
}

std::vector<std::string> QualifiedNameErrors(absl::string_view name) {
  std::vector<std::string> errors;
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() > 2) {
    return {
        absl::StrCat("a valid label key ", kNameShape, kNameExample,
                     " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")};
  }
  if (parts.size() == 2 && parts[0].empty()) {
    errors.push_back("prefix part must be non-empty");
  } else if (parts.size() == 2) {
    for (const std::string& e : SubdomainErrors(parts[0]))
      errors.push_back(absl::StrCat("prefix part ", e));
  }
  const absl::string_view own = parts.back();
  if (own.empty()) errors.push_back("name part must be non-empty");
  if (own.size() > kNameMax) errors.push_back(absl::StrCat("name part ", TooLong(kNameMax)));
  if (!HasNameShape(own)) errors.push_back(absl::StrCat("name part ", kNameShape, kNameExample));
  return errors;
}

std::vector<std::string> LabelValueErrors(absl::string_view value) {
  std::vector<std::string> errors;
  if (value.size() > kNameMax) errors.push_back(TooLong(kNameMax));
  if (!value.empty() && !HasNameShape(value)) errors.push_back(kValueShape);
  return errors;
}

}  // namespace leidang::match
