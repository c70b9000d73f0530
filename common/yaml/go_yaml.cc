#include "common/yaml/go_yaml.h"

#include <algorithm>
#include <cmath>
#include <list>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

#include "common/base/utf8.h"
#include "common/object/number.h"
#include "common/yaml/key_order.h"
#include "common/yaml/scalar.h"
#include "common/yaml/text_shape.h"
#include "common/yaml/yaml_writer.h"

namespace leidang::yaml {
namespace {

using boost::json::key_value_pair;
using object::Array;
using object::Object;
using object::Value;

constexpr int kIndent = 2;
constexpr size_t kSimpleKeyMax = 128;
// A line is folded at the first single space behind this column.
constexpr int kWidthMax = 80;

enum class Style { kPlain, kSingleQuoted, kDoubleQuoted, kLiteral };
enum class Place { kRoot, kInList, kSimpleKey, kInMap };
enum class Space { kBefore, kNotBefore };

// One pass over the tree. What the layout depends on is kept as the writer that it repeats keeps
// it: the column, whether the last thing written was a space, and whether the line holds nothing
// but indentation and dashes.
class Writer {
 public:
  explicit Writer(KeyOrder order) : order_(order) {}

  void WriteDocument(const Value& value) {
    WriteNode(value, Place::kRoot);
    WriteIndent();
  }

  std::string Take() { return std::move(out_); }

 private:
  void WriteNode(const Value& value, Place place) {
    if (const Object* object = value.if_object()) {
      if (object->empty()) return WriteToken("{}");
      return WriteObject(*object);
    }
    if (const Array* array = value.if_array()) {
      if (array->empty()) return WriteToken("[]");
      return WriteArray(*array, place);
    }
    if (const boost::json::string* text = value.if_string()) {
      return WriteText(ToUtf8(absl::string_view(text->data(), text->size())), place);
    }
    WriteToken(PlainText(value));
  }

  static std::string PlainText(const Value& value) {
    if (value.is_null()) return "null";
    if (value.is_bool()) return value.get_bool() ? "true" : "false";
    if (!value.is_double()) return object::ToJson(value);
    if (!std::isfinite(value.get_double())) return "null";
    // By way of JSON, where a whole double is an integer.
    const Scalar scalar = ResolvePlain(object::FormatFloat(value.get_double()));
    if (const double* d = std::get_if<double>(&scalar.value)) return FormatFloatG(*d);
    if (const uint64_t* u = std::get_if<uint64_t>(&scalar.value)) return absl::StrCat(*u);
    return absl::StrCat(std::get<int64_t>(scalar.value));
  }

  void WriteArray(const Array& array, Place place) {
    const int outer = indent_;
    // A list that is a map's value stands at the indent of its key.
    if (!(place == Place::kInMap && !only_indent_)) IncreaseIndent();
    for (const Value& element : array) {
      WriteIndent();
      WriteDash("-");
      WriteNode(element, Place::kInList);
    }
    indent_ = outer;
  }

  void WriteObject(const Object& object) {
    // A list, because its sort does no more than put things in a wrong place if the order is not
    // transitive.
    std::list<const key_value_pair*> members;
    for (const key_value_pair& member : object) members.push_back(&member);
    if (order_ == KeyOrder::kSorted) {
      members.sort([](const auto* a, const auto* b) {
        return KeyLess(absl::string_view(a->key().data(), a->key().size()),
                       absl::string_view(b->key().data(), b->key().size()));
      });
    }
    const int outer = indent_;
    IncreaseIndent();
    for (const key_value_pair* member : members) WriteMember(*member);
    indent_ = outer;
  }

  void WriteMember(const key_value_pair& member) {
    const std::string key = ToUtf8(absl::string_view(member.key().data(), member.key().size()));
    WriteIndent();
    if (key == "<<" && order_ == KeyOrder::kAsTheyAre) {
      WriteToken("\"<<\":");  // Without quotes it would be a merge.
    } else if (!ShapeOf(key).several_lines && key.size() <= kSimpleKeyMax) {
      WriteText(key, Place::kSimpleKey);
      WriteToken(":", Space::kNotBefore);
    } else {
      WriteDash("?");
      WriteText(key, Place::kInMap);
      WriteIndent();
      WriteDash(":");
    }
    WriteNode(member.value(), Place::kInMap);
  }

  static Style StyleOf(absl::string_view text, const TextShape& shape, Place place) {
    const bool simple_key = place == Place::kSimpleKey;
    Style style = Style::kPlain;
    if (text.find('\n') != absl::string_view::npos) {
      style = Style::kLiteral;
    } else if (!MeansItself(text)) {
      style = Style::kDoubleQuoted;
    }
    if (simple_key && shape.several_lines) return Style::kDoubleQuoted;
    if (style == Style::kPlain && (!shape.plain_allowed || (text.empty() && simple_key))) {
      style = Style::kSingleQuoted;
    }
    if (style == Style::kSingleQuoted && !shape.single_quoted_allowed) return Style::kDoubleQuoted;
    if (style == Style::kLiteral && (!shape.literal_allowed || simple_key)) {
      return Style::kDoubleQuoted;
    }
    return style;
  }

  // Whether the text without quotes is read as that text.
  static bool MeansItself(absl::string_view text) {
    return ResolvePlain(text).type == ScalarType::kString && !IsBase60(text);
  }

  void WriteText(const std::string& text, Place place) {
    const int outer = indent_;
    indent_ = indent_ < 0 ? kIndent : indent_ + kIndent;
    folding_ = order_ == KeyOrder::kSorted && place != Place::kSimpleKey;
    switch (StyleOf(text, ShapeOf(text), place)) {
      case Style::kPlain:
        WritePlain(text);
        break;
      case Style::kSingleQuoted:
        WriteSingleQuoted(text);
        break;
      case Style::kDoubleQuoted:
        WriteDoubleQuoted(text);
        break;
      case Style::kLiteral:
        WriteLiteral(text);
        break;
    }
    indent_ = outer;
  }

  // Whether the space that `rest` begins with becomes a line break.
  bool FoldsHere(absl::string_view rest) const {
    return folding_ && !after_text_space_ && column_ > kWidthMax &&
           !absl::StartsWith(rest.substr(1), " ");
  }

  void WriteSpace(bool fold) {
    if (fold)
      WriteIndent();
    else
      Put(" ");
    after_text_space_ = true;
  }

  void WritePlain(absl::string_view text) {
    WriteToken("");
    after_text_space_ = false;
    while (!text.empty()) {
      const size_t space = text.find(' ');
      if (space > 0) {
        Put(text.substr(0, space));
        only_indent_ = false;
        after_text_space_ = false;
      }
      if (space == absl::string_view::npos) break;
      text.remove_prefix(space);
      WriteSpace(FoldsHere(text));
      text.remove_prefix(1);
    }
    after_space_ = false;
  }

  void WriteSingleQuoted(absl::string_view text) {
    WriteToken("'");
    bool after_break = false;
    after_text_space_ = false;
    for (bool first = true; !text.empty(); first = false) {
      const size_t length = Utf8Length(text);
      if (text[0] == ' ') {
        WriteSpace(!first && text.size() > 1 && FoldsHere(text));
      } else if (IsBreak(text)) {
        // Only U+2028 and U+2029 come here: text with a line feed is a literal.
        WriteBreak(text.substr(0, length));
        after_break = true;
      } else {
        if (after_break) WriteIndent();
        if (text[0] == '\'') Put("'");
        Put(text.substr(0, length));
        only_indent_ = false;
        after_text_space_ = false;
        after_break = false;
      }
      text.remove_prefix(length);
    }
    WriteToken("'", Space::kNotBefore);
  }

  void WriteDoubleQuoted(absl::string_view text) {
    WriteToken("\"");
    after_text_space_ = false;
    const EscapedText escaped(text);
    for (bool first = true; !text.empty(); first = false) {
      const size_t length = Utf8Length(text);
      if (text[0] == ' ' && !escaped.all()) {
        // Unlike the other styles, this one may fold in front of a further space.
        const bool fold =
            folding_ && !after_text_space_ && column_ > kWidthMax && !first && text.size() > 1;
        WriteSpace(fold);
        if (fold && text[1] == ' ') Put("\\");
      } else {
        Put(escaped.Of(text.substr(0, length)));
        after_text_space_ = false;
      }
      text.remove_prefix(length);
    }
    only_indent_ = false;
    WriteToken("\"", Space::kNotBefore);
  }

  void WriteLiteral(absl::string_view text) {
    WriteToken("|");
    if (text[0] == ' ' || IsBreak(text)) Put(absl::StrCat(kIndent));
    Put(ChompingHint(text));
    WriteBreak("\n");
    after_space_ = true;
    bool after_break = true;
    while (!text.empty()) {
      const size_t length = Utf8Length(text);
      if (IsBreak(text)) {
        WriteBreak(text.substr(0, length));
        after_break = true;
      } else {
        if (after_break) WriteIndent();
        Put(text.substr(0, length));
        only_indent_ = false;
        after_break = false;
      }
      text.remove_prefix(length);
    }
  }

  void IncreaseIndent() { indent_ = indent_ < 0 ? 0 : indent_ + kIndent; }

  void WriteIndent() {
    const int indent = std::max(indent_, 0);
    if (!only_indent_ || column_ > indent || (column_ == indent && !after_space_)) WriteBreak("\n");
    while (column_ < indent) Put(" ");
    after_space_ = true;
    only_indent_ = true;
  }

  void WriteToken(absl::string_view token, Space space = Space::kBefore) {
    WriteDash(token, space);
    only_indent_ = false;
  }

  // As a token, but what follows on the line still counts as its beginning: "- - a".
  void WriteDash(absl::string_view token, Space space = Space::kBefore) {
    if (space == Space::kBefore && !after_space_) Put(" ");
    Put(token);
    after_space_ = false;
  }

  void WriteBreak(absl::string_view line_break) {
    out_.append(line_break.data(), line_break.size());
    column_ = 0;
    only_indent_ = true;
  }

  void Put(absl::string_view text) {
    out_.append(text.data(), text.size());
    column_ += static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
  }

  const KeyOrder order_;
  std::string out_;
  int indent_ = -1;  // -1 at the root.
  int column_ = 0;   // In characters.
  bool after_space_ = true;
  bool only_indent_ = true;
  bool folding_ = false;           // Whether this text may be folded.
  bool after_text_space_ = false;  // Whether the last character of this text was a space.
};

}  // namespace

std::string MarshalYaml(const object::Value& value, KeyOrder order) {
  Writer writer(order);
  writer.WriteDocument(value);
  return writer.Take();
}

std::string ToYaml(const object::Value& value) { return MarshalYaml(value, KeyOrder::kAsTheyAre); }

}  // namespace leidang::yaml
