#include "generators/template/go_json.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "generators/template/boxes.h"
#include "generators/template/strconv.h"
#include "generators/template/unicode.h"

namespace leidang::generators::go {
namespace {

constexpr int kEncodeDepthMax = 1000;

std::string JsonFloat(double d) {
  const double magnitude = std::fabs(d);
  if (magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21)) return FormatFloat(d, 'f', -1);
  std::string text = FormatFloat(d, 'e', -1);
  // e-09 is written e-9.
  const size_t n = text.size();
  if (n >= 4 && text[n - 4] == 'e' && text[n - 3] == '-' && text[n - 2] == '0')
    text.erase(n - 2, 1);
  return text;
}

class Encoder {
 public:
  Encoder(const JsonOptions& options, std::string* out) : options_(options), out_(*out) {}

  absl::Status Value(const TValue& v, int depth) {
    if (depth > kEncodeDepthMax || out_.size() > options_.bytes_max) {
      return absl::ResourceExhaustedError("the value is too large or too deep to print");
    }
    if (v.is_map()) return Map(v, depth);
    if (v.type() == GoType::kByteList) return Bytes(v);
    if (v.is_list()) return List(v, depth);
    switch (v.type()) {
      case GoType::kNil:
        out_ += "null";
        return absl::OkStatus();
      case GoType::kBool:
        out_ += v.as_bool() ? "true" : "false";
        return absl::OkStatus();
      case GoType::kString:
        Text(v.text());
        return absl::OkStatus();
      case GoType::kUint64:
        absl::StrAppend(&out_, v.as_uint());
        return absl::OkStatus();
      case GoType::kFloat64:
        if (std::isnan(v.as_float()) || std::isinf(v.as_float())) {
          return absl::InvalidArgumentError(
              absl::StrCat("json: unsupported value: ", FormatFloat(v.as_float(), 'g', -1)));
        }
        out_ += JsonFloat(v.as_float());
        return absl::OkStatus();
      case GoType::kComplex128:
        return absl::InvalidArgumentError("json: unsupported type: complex128");
      case GoType::kLocation:
        out_ += "{}";
        return absl::OkStatus();
      case GoType::kRawJson:
        out_ += static_cast<const RawJsonBox*>(v.box())->text;
        return absl::OkStatus();
      case GoType::kCertificate:
        return Struct(v, depth);
      case GoType::kTime:
      case GoType::kVersion:
      case GoType::kVersionPtr:
        return Marshaler(v);
      default:
        absl::StrAppend(&out_, v.as_int());
        return absl::OkStatus();
    }
  }

 private:
  void Line(int depth) {
    if (options_.layout == JsonLayout::kCompact) return;
    out_.push_back('\n');
    out_.append(static_cast<size_t>(depth) * 2, ' ');
  }
  absl::string_view Colon() const { return options_.layout == JsonLayout::kCompact ? ":" : ": "; }

  absl::Status Map(const TValue& v, int depth) {
    if (v.map() == nullptr) {
      out_ += "null";
      return absl::OkStatus();
    }
    const std::vector<const TMap::Entry*> entries = v.map()->Sorted();
    out_.push_back('{');
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_.push_back(',');
      Line(depth + 1);
      Text(entries[i]->key.text());
      absl::StrAppend(&out_, Colon());
      if (absl::Status status = Value(entries[i]->value, depth + 1); !status.ok()) return status;
    }
    if (!entries.empty()) Line(depth);
    out_.push_back('}');
    return absl::OkStatus();
  }

  absl::Status List(const TValue& v, int depth) {
    if (v.list() == nullptr) {
      out_ += "null";
      return absl::OkStatus();
    }
    out_.push_back('[');
    bool first = true;
    for (const TValue& item : v.items()) {
      if (!std::exchange(first, false)) out_.push_back(',');
      Line(depth + 1);
      if (absl::Status status = Value(item, depth + 1); !status.ok()) return status;
    }
    if (!first) Line(depth);
    out_.push_back(']');
    return absl::OkStatus();
  }

  absl::Status Bytes(const TValue& v) {
    if (v.list() == nullptr) {
      out_ += "null";
      return absl::OkStatus();
    }
    std::string bytes;
    for (const TValue& item : v.items()) bytes.push_back(static_cast<char>(item.as_int()));
    Text(absl::Base64Escape(bytes));
    return absl::OkStatus();
  }

  absl::Status Struct(const TValue& v, int depth) {
    TValue map = TValue::Map();
    for (const auto& [name, field] : FieldsOf(v)) map.mutable_map()->Set(name, field);
    return Map(map, depth);
  }

  absl::Status Marshaler(const TValue& v) {
    const absl::StatusOr<std::string> text = JsonTextOf(v);
    if (!text.ok()) return text.status();
    Text(*text);
    return absl::OkStatus();
  }

  void Text(absl::string_view s) {
    static constexpr char kHex[] = "0123456789abcdef";
    out_.push_back('"');
    while (!s.empty()) {
      const auto c = static_cast<unsigned char>(s[0]);
      if (c < 0x80) {
        s.remove_prefix(1);
        const bool html = options_.html == HtmlEscape::kYes && (c == '<' || c == '>' || c == '&');
        if (c >= ' ' && c != '"' && c != '\\' && !html) {
          out_.push_back(static_cast<char>(c));
          continue;
        }
        switch (c) {
          case '"':
          case '\\':
            out_.push_back('\\');
            out_.push_back(static_cast<char>(c));
            break;
          case '\b':
            out_ += "\\b";
            break;
          case '\f':
            out_ += "\\f";
            break;
          case '\n':
            out_ += "\\n";
            break;
          case '\r':
            out_ += "\\r";
            break;
          case '\t':
            out_ += "\\t";
            break;
          default:
            out_ += "\\u00";
            out_.push_back(kHex[c >> 4]);
            out_.push_back(kHex[c & 15]);
        }
        continue;
      }
      const Rune rune = DecodeRune(s);
      if (rune.code == kRuneError && rune.width == 1) {
        out_ += "\\ufffd";
      } else if (rune.code == 0x2028 || rune.code == 0x2029) {
        out_ += rune.code == 0x2028 ? "\\u2028" : "\\u2029";
      } else {
        out_.append(s.data(), rune.width);
      }
      s.remove_prefix(rune.width);
    }
    out_.push_back('"');
  }

  const JsonOptions& options_;
  std::string& out_;
};

}  // namespace

absl::StatusOr<std::string> EncodeJson(const TValue& value, const JsonOptions& options) {
  std::string out;
  if (absl::Status status = Encoder(options, &out).Value(value, 0); !status.ok()) return status;
  return out;
}

}  // namespace leidang::generators::go
