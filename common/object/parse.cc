#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "boost/json/basic_parser_impl.hpp"

#include "common/object/number.h"
#include "common/object/value.h"

namespace leidang::object {
namespace {

using boost::json::error_code;
using BoostView = boost::json::string_view;

// Receives the parser's events and builds the tree bottom up, so that each container is moved once.
class TreeBuilder {
 public:
  static constexpr size_t max_object_size = std::numeric_limits<uint32_t>::max();
  static constexpr size_t max_array_size = std::numeric_limits<uint32_t>::max();
  static constexpr size_t max_key_size = std::numeric_limits<uint32_t>::max();
  static constexpr size_t max_string_size = std::numeric_limits<uint32_t>::max();

  explicit TreeBuilder(Duplicates duplicates) : duplicates_(duplicates) {}

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) {
    open_.push_back({Object(), std::string()});
    return true;
  }
  bool on_object_end(size_t, error_code& ec) { return Close(ec); }
  bool on_array_begin(error_code&) {
    open_.push_back({Array(), std::string()});
    return true;
  }
  bool on_array_end(size_t, error_code& ec) { return Close(ec); }

  bool on_key_part(BoostView s, size_t, error_code&) { return Collect(s); }
  bool on_key(BoostView s, size_t, error_code&) {
    Collect(s);
    open_.back().key = std::exchange(text_, {});
    return true;
  }
  bool on_string_part(BoostView s, size_t, error_code&) { return Collect(s); }
  bool on_string(BoostView s, size_t, error_code& ec) {
    Collect(s);
    Value value(text_);
    text_.clear();
    return Add(std::move(value), ec);
  }

  bool on_number_part(BoostView s, error_code&) { return Collect(s); }
  bool on_int64(int64_t, BoostView s, error_code& ec) { return Number(s, ec); }
  bool on_uint64(uint64_t, BoostView s, error_code& ec) { return Number(s, ec); }
  bool on_double(double, BoostView s, error_code& ec) { return Number(s, ec); }

  bool on_bool(bool b, error_code& ec) { return Add(Value(b), ec); }
  bool on_null(error_code& ec) { return Add(Value(nullptr), ec); }
  bool on_comment_part(BoostView, error_code&) { return true; }
  bool on_comment(BoostView, error_code&) { return true; }

  Value TakeRoot() { return std::move(root_); }
  // What this builder refused; empty if the parser itself found the error.
  const std::string& refused() const { return refused_; }
  // Where the parser is, in words: "in an object".
  absl::string_view Place() const {
    if (open_.empty()) return "";
    return open_.back().container.is_object() ? " in an object" : " in an array";
  }

 private:
  struct Open {
    Value container;
    std::string key;  // Of the member that is being read, if an object.
  };

  bool Collect(BoostView s) {
    text_.append(s.data(), s.size());
    return true;
  }

  bool Refuse(std::string why, error_code& ec) {
    refused_ = std::move(why);
    ec = boost::json::error::input_error;
    return false;
  }

  bool Close(error_code& ec) {
    Value container = std::move(open_.back().container);
    open_.pop_back();
    return Add(std::move(container), ec);
  }

  bool Add(Value value, error_code& ec) {
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Open& into = open_.back();
    if (Array* array = into.container.if_array(); array != nullptr) {
      array->push_back(std::move(value));
      return true;
    }
    const bool is_new =
        into.container.get_object().insert_or_assign(into.key, std::move(value)).second;
    if (!is_new && duplicates_ == Duplicates::kError) {
      return Refuse(absl::StrCat("the key \"", into.key, "\" is there twice"), ec);
    }
    return true;
  }

  bool Number(BoostView s, error_code& ec) {
    Collect(s);
    const std::string text = std::exchange(text_, {});
    const char* const end = text.data() + text.size();
    if (text.find_first_of(".eE") == std::string::npos && text != "-0") {
      int64_t i = 0;
      if (auto r = std::from_chars(text.data(), end, i); r.ec == std::errc() && r.ptr == end) {
        return Add(Value(i), ec);
      }
      uint64_t u = 0;
      if (auto r = std::from_chars(text.data(), end, u); r.ec == std::errc() && r.ptr == end) {
        return Add(Value(u), ec);
      }
    }
    const bool negative = text[0] == '-';
    const std::optional<double> d = ParseDecimal(absl::string_view(text).substr(negative ? 1 : 0));
    if (!d) return Refuse(absl::StrCat("the number ", text, " is too large for a double"), ec);
    return Add(Value(negative ? -*d : *d), ec);
  }

  const Duplicates duplicates_;
  std::vector<Open> open_;
  std::string text_;
  Value root_;
  std::string refused_;
};

std::string DescribeByte(absl::string_view text, size_t at) {
  if (at >= text.size()) return "the end of the text";
  const unsigned char c = static_cast<unsigned char>(text[at]);
  if (c == '\n') return "the end of the line";
  if (c > 0x20 && c < 0x7f) return absl::StrCat("'", text.substr(at, 1), "'");
  return absl::StrFormat("the byte 0x%02x", c);
}

std::string Describe(const error_code& ec, const TreeBuilder& builder, absl::string_view text,
                     size_t at, size_t depth_max) {
  if (!builder.refused().empty()) return builder.refused();
  if (ec == boost::json::error::incomplete) {
    return absl::StrCat("the text ends", builder.Place(), " before the value does");
  }
  if (ec == boost::json::error::too_deep) {
    return absl::StrCat("more than ", depth_max, " levels of nesting");
  }
  if (ec == boost::json::error::extra_data) {
    return absl::StrCat("unexpected ", DescribeByte(text, at), " after the end of the value");
  }
  if (ec == boost::json::error::exponent_overflow) return "the exponent of a number is too large";
  if (ec == boost::json::error::syntax) {
    return absl::StrCat("unexpected ", DescribeByte(text, at), builder.Place());
  }
  return absl::StrCat(ec.message(), " at ", DescribeByte(text, at));
}

absl::Status ErrorAt(absl::string_view text, size_t at, absl::string_view what) {
  size_t line = 1;
  size_t line_start = 0;
  for (size_t i = 0; i < at && i < text.size(); ++i) {
    if (text[i] != '\n') continue;
    ++line;
    line_start = i + 1;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("JSON: line ", line, ", column ", at - line_start + 1, ": ", what));
}

}  // namespace

absl::StatusOr<Value> ParseJson(absl::string_view text, const ParseOptions& options) {
  boost::json::parse_options parser_options;
  parser_options.max_depth = options.depth_max;
  boost::json::basic_parser<TreeBuilder> parser(parser_options, options.duplicates);
  error_code ec;
  const size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size()) ec = boost::json::error::extra_data;
  if (ec) {
    return ErrorAt(text, used, Describe(ec, parser.handler(), text, used, options.depth_max));
  }
  return parser.handler().TakeRoot();
}

}  // namespace leidang::object
