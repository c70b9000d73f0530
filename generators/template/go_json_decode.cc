// Reading JSON: a descent that stops at the first offending byte, with the words of Go's scanner.

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "generators/template/go_json.h"
#include "generators/template/strconv.h"
#include "generators/template/unicode.h"

namespace leidang::generators::go {
namespace {

// Go stops at 10,000 levels; the native stack is smaller here.
constexpr int kDepthMax = 2000;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int Hex(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Decoder {
 public:
  explicit Decoder(absl::string_view text) : text_(text) {}

  absl::Status Run(TValue* value) {
    TValue read;
    if (!Value(&read, 0)) return error_;
    SkipSpace();
    if (pos_ < text_.size()) {
      Bad("after top-level value");
      return error_;
    }
    *value = std::move(read);
    return number_error_;
  }

 private:
  // What Go's scanner sees: a space behind the end, which it tries once before it gives up.
  char Peek() const { return pos_ < text_.size() ? text_[pos_] : ' '; }
  void SkipSpace() {
    while (pos_ < text_.size() && IsSpace(text_[pos_])) ++pos_;
  }

  bool Bad(absl::string_view context) {
    const char c = Peek();
    std::string quoted;
    if (c == '\'') {
      quoted = "'\\''";
    } else if (c == '"') {
      quoted = "'\"'";
    } else {
      std::string rune;
      AppendRune(&rune, static_cast<unsigned char>(c));
      const std::string q = Quote(rune);
      quoted = absl::StrCat("'", q.substr(1, q.size() - 2), "'");
    }
    error_ = absl::InvalidArgumentError(absl::StrCat("invalid character ", quoted, " ", context));
    return false;
  }

  bool End() {
    error_ = absl::InvalidArgumentError("unexpected end of JSON input");
    return false;
  }

  // Skips space and says whether something is left.
  bool More() {
    SkipSpace();
    return pos_ < text_.size() || End();
  }

  bool Value(TValue* value, int depth) {
    if (!More()) return false;
    const char c = text_[pos_];
    switch (c) {
      case '{':
      case '[':
        if (depth >= kDepthMax) return Bad("exceeded max depth");
        ++pos_;
        return c == '{' ? Object(value, depth + 1) : Array(value, depth + 1);
      case '"': {
        ++pos_;
        std::string text;
        if (!Text(&text)) return false;
        *value = TValue::String(text);
        return true;
      }
      case 't':
        *value = TValue::Bool(true);
        return Literal("true");
      case 'f':
        *value = TValue::Bool(false);
        return Literal("false");
      case 'n':
        return Literal("null");
      default:
        break;
    }
    if (c == '-' || IsDigit(c)) return Number(value);
    return Bad("looking for beginning of value");
  }

  bool Literal(absl::string_view word) {
    for (size_t i = 0; i < word.size(); ++i, ++pos_) {
      if (Peek() != word[i]) {
        return Bad(absl::StrCat("in literal ", word, " (expecting '", word.substr(i, 1), "')"));
      }
    }
    return true;
  }

  bool Object(TValue* value, int depth) {
    TValue map = TValue::Map();
    if (!More()) return false;
    if (text_[pos_] == '}') {
      ++pos_;
      *value = std::move(map);
      return true;
    }
    for (;;) {
      if (!More()) return false;
      if (text_[pos_] != '"') return Bad("looking for beginning of object key string");
      ++pos_;
      std::string key;
      if (!Text(&key) || !More()) return false;
      if (text_[pos_] != ':') return Bad("after object key");
      ++pos_;
      TValue member;
      if (!Value(&member, depth) || !More()) return false;
      map.mutable_map()->Set(key, std::move(member));
      const char c = text_[pos_];
      if (c != ',' && c != '}') return Bad("after object key:value pair");
      ++pos_;
      if (c == '}') break;
    }
    *value = std::move(map);
    return true;
  }

  bool Array(TValue* value, int depth) {
    std::vector<TValue> items;
    if (!More()) return false;
    if (text_[pos_] == ']') {
      ++pos_;
    } else {
      for (;;) {
        TValue item;
        if (!Value(&item, depth) || !More()) return false;
        items.push_back(std::move(item));
        const char c = text_[pos_];
        if (c != ',' && c != ']') return Bad("after array element");
        ++pos_;
        if (c == ']') break;
      }
    }
    const size_t capacity = TValue::GrownCapacity(items.size());
    *value = TValue::List(std::move(items));
    value->mutable_list()->set_capacity(capacity);
    return true;
  }

  bool Digits(absl::string_view context) {
    if (!IsDigit(Peek())) return Bad(context);
    while (IsDigit(Peek())) ++pos_;
    return true;
  }

  bool Number(TValue* value) {
    const size_t start = pos_;
    if (Peek() == '-') ++pos_;
    if (Peek() == '0')
      ++pos_;
    else if (!Digits("in numeric literal"))
      return false;
    if (Peek() == '.') {
      ++pos_;
      if (!Digits("after decimal point in numeric literal")) return false;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      ++pos_;
      if (Peek() == '+' || Peek() == '-') ++pos_;
      if (!Digits("in exponent of numeric literal")) return false;
    }
    const absl::string_view text = text_.substr(start, pos_ - start);
    const auto parsed = ParseFloat(text);
    if (parsed.ok()) {
      *value = TValue::Float(parsed.value);
    } else if (number_error_.ok()) {
      number_error_ = absl::InvalidArgumentError(
          absl::StrCat("json: cannot unmarshal number ", text, " into Go value of type float64"));
    }
    return true;
  }

  bool HexEscape(uint32_t* code) {
    *code = 0;
    for (int i = 0; i < 4; ++i, ++pos_) {
      const int digit = Hex(Peek());
      if (digit < 0) return Bad("in \\u hexadecimal character escape");
      *code = *code << 4 | static_cast<uint32_t>(digit);
    }
    return true;
  }

  bool Escape(std::string* out) {
    const char c = Peek();
    static constexpr absl::string_view kFrom = "bfnrt\\/\"", kTo = "\b\f\n\r\t\\/\"";
    if (const size_t i = kFrom.find(c); i != absl::string_view::npos) {
      out->push_back(kTo[i]);
      ++pos_;
      return true;
    }
    if (c != 'u') return Bad("in string escape code");
    ++pos_;
    uint32_t code = 0;
    if (!HexEscape(&code)) return false;
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(pos_, 2) == "\\u") {
      // A pair of surrogates; a lone one becomes U+FFFD, and what follows stands for itself.
      const size_t back = pos_;
      pos_ += 2;
      uint32_t low = 0;
      if (!HexEscape(&low)) return false;
      if (low >= 0xdc00 && low < 0xe000) {
        AppendRune(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
        return true;
      }
      pos_ = back;
    }
    AppendRune(out, code);
    return true;
  }

  // Behind the opening quote.
  bool Text(std::string* out) {
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (c == '"') {
        ++pos_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return Bad("in string literal");
      if (c == '\\') {
        ++pos_;
        if (!Escape(out)) return false;
        continue;
      }
      const Rune rune = DecodeRune(text_.substr(pos_));
      AppendRune(out, rune.code);
      pos_ += rune.width;
    }
    return End();
  }

  const absl::string_view text_;
  size_t pos_ = 0;
  absl::Status error_;
  absl::Status number_error_;
};

}  // namespace

absl::Status DecodeJson(absl::string_view text, TValue* value) {
  *value = TValue();
  return Decoder(text).Run(value);
}

}  // namespace leidang::generators::go
