#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "common/base/utf8.h"
#include "common/object/number.h"
#include "common/object/value.h"

namespace leidang::object {
namespace {

using boost::json::key_value_pair;

enum class Layout { kCompact, kCanonical, kPretty };

class Printer {
 public:
  explicit Printer(Layout layout) : layout_(layout) {}

  void Print(const Value& value) {
    switch (value.kind()) {
      case boost::json::kind::null:
        out_ += "null";
        break;
      case boost::json::kind::bool_:
        out_ += value.get_bool() ? "true" : "false";
        break;
      case boost::json::kind::int64:
        absl::StrAppend(&out_, value.get_int64());
        break;
      case boost::json::kind::uint64:
        absl::StrAppend(&out_, value.get_uint64());
        break;
      case boost::json::kind::double_:
        PrintDouble(value);
        break;
      case boost::json::kind::string:
        AppendJsonString(absl::string_view(value.get_string().data(), value.get_string().size()),
                         out_);
        break;
      case boost::json::kind::array:
        PrintArray(value.get_array());
        break;
      case boost::json::kind::object:
        PrintObject(value.get_object());
        break;
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  void PrintDouble(const Value& value) {
    const double d = value.get_double();
    if (layout_ == Layout::kCanonical) {
      if (const std::optional<WholeNumber> whole = AsWholeNumber(value)) {
        absl::StrAppend(&out_, whole->negative ? "-" : "", whole->magnitude);
        return;
      }
    }
    out_ += std::isfinite(d) ? FormatFloat(d) : "null";
  }

  void PrintArray(const Array& array) {
    out_.push_back('[');
    ++depth_;
    for (size_t i = 0; i < array.size(); ++i) {
      Separate(i);
      Print(array[i]);
    }
    --depth_;
    if (!array.empty()) NewLine();
    out_.push_back(']');
  }

  void PrintObject(const Object& object) {
    out_.push_back('{');
    ++depth_;
    size_t i = 0;
    if (layout_ == Layout::kCanonical) {
      std::vector<const key_value_pair*> members;
      members.reserve(object.size());
      for (const key_value_pair& member : object) members.push_back(&member);
      std::sort(members.begin(), members.end(),
                [](const auto* a, const auto* b) { return a->key() < b->key(); });
      for (const key_value_pair* member : members) PrintMember(*member, i++);
    } else {
      for (const key_value_pair& member : object) PrintMember(member, i++);
    }
    --depth_;
    if (!object.empty()) NewLine();
    out_.push_back('}');
  }

  void PrintMember(const key_value_pair& member, size_t index) {
    Separate(index);
    AppendJsonString(absl::string_view(member.key().data(), member.key().size()), out_);
    out_ += layout_ == Layout::kPretty ? ": " : ":";
    Print(member.value());
  }

  void Separate(size_t index) {
    if (index > 0) out_.push_back(',');
    NewLine();
  }

  void NewLine() {
    if (layout_ != Layout::kPretty) return;
    out_.push_back('\n');
    out_.append(2 * depth_, ' ');
  }

  const Layout layout_;
  size_t depth_ = 0;
  std::string out_;
};

std::string PrintAs(const Value& value, Layout layout) {
  Printer printer(layout);
  printer.Print(value);
  return printer.Take();
}

}  // namespace

std::string ToJson(const Value& value) { return PrintAs(value, Layout::kCompact); }
std::string CanonicalJson(const Value& value) { return PrintAs(value, Layout::kCanonical); }
std::string PrettyJson(const Value& value) { return PrintAs(value, Layout::kPretty); }

std::string FormatFloat(double d) {
  const ShortestDigits shortest = ShortestDigitsOf(d);
  const double magnitude = std::fabs(d);
  std::string out = std::signbit(d) ? "-" : "";
  if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    out += shortest.digits.substr(0, 1);
    if (shortest.digits.size() > 1) absl::StrAppend(&out, ".", shortest.digits.substr(1));
    absl::StrAppend(&out, "e", shortest.exponent < 0 ? "-" : "+", std::abs(shortest.exponent));
    return out;
  }
  AppendPositional(shortest, out);
  return out;
}

}  // namespace leidang::object
