// The functions of the language itself, but for the comparisons.

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "generators/template/fmt.h"
#include "generators/template/function_sets.h"
#include "generators/template/strconv.h"
#include "generators/template/unicode.h"

namespace leidang::generators::gotmpl {
namespace {

absl::Status Overflow() {
  return absl::ResourceExhaustedError("the value is too large or too deep to print");
}

template <typename Print>
absl::Status ReturnPrinted(Call& call, Print print) {
  std::string text;
  go::Printer printer(&text, call.budget().limits().text_bytes_max);
  print(printer);
  if (printer.overflow()) return Overflow();
  return call.ReturnText(text);
}

absl::Status Print(Call& call) {
  return ReturnPrinted(call, [&](go::Printer& p) { p.Print(call.Rest(0)); });
}
absl::Status Println(Call& call) {
  return ReturnPrinted(call, [&](go::Printer& p) { p.Println(call.Rest(0)); });
}
absl::Status Printf(Call& call) {
  return ReturnPrinted(call, [&](go::Printer& p) { p.Printf(call.Text(0), call.Rest(1)); });
}

// The arguments as one text, a nil as the output of a template shows it.
absl::Status Joined(Call& call, std::string* text) {
  std::vector<TValue> args = call.Rest(0);
  for (TValue& arg : args) {
    if (arg.is_nil()) arg = TValue::String("<no value>");
  }
  go::Printer printer(text, call.budget().limits().text_bytes_max);
  printer.Print(args);
  return printer.overflow() ? Overflow() : absl::OkStatus();
}

std::string EscapeHtml(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string EscapeJs(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    if (c >= 0x80) {
      const go::Rune rune = go::DecodeRune(text);
      if (go::IsPrint(rune.code))
        out.append(text.data(), rune.width);
      else
        absl::StrAppendFormat(&out, "\\u%04X", rune.code);
      text.remove_prefix(rune.width);
      continue;
    }
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\'':
        out += "\\'";
        break;
      case '"':
        out += "\\\"";
        break;
      case '<':
        out += "\\u003C";
        break;
      case '>':
        out += "\\u003E";
        break;
      case '&':
        out += "\\u0026";
        break;
      case '=':
        out += "\\u003D";
        break;
      default:
        if (c < ' ') {
          out += "\\u00";
          out.push_back("0123456789ABCDEF"[c >> 4]);
          out.push_back("0123456789ABCDEF"[c & 15]);
        } else {
          out.push_back(static_cast<char>(c));
        }
    }
    text.remove_prefix(1);
  }
  return out;
}

std::string EscapeQuery(absl::string_view text) {
  std::string out;
  for (const char ch : text) {
    const auto c = static_cast<unsigned char>(ch);
    const bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out.push_back(ch);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      out.push_back('%');
      out.push_back("0123456789ABCDEF"[c >> 4]);
      out.push_back("0123456789ABCDEF"[c & 15]);
    }
  }
  return out;
}

template <std::string (*Escape)(absl::string_view)>
absl::Status Escaped(Call& call) {
  std::string text;
  if (absl::Status status = Joined(call, &text); !status.ok()) return status;
  return call.ReturnText(Escape(text));
}

absl::Status IndexNumber(const Slot& index, size_t capacity, size_t* number) {
  if (!index.valid()) return CallError("cannot index slice/array with nil");
  const absl::string_view kind = GoKindName(index.v.type());
  if (!absl::StartsWith(kind, "int") && !absl::StartsWith(kind, "uint")) {
    return CallError(
        absl::StrCat("cannot index slice/array with type ", GoTypeName(index.v.type())));
  }
  const int64_t x = index.v.as_int();
  if (x < 0 || static_cast<uint64_t>(x) > capacity)
    return CallError(absl::StrCat("index out of range: ", x));
  *number = static_cast<size_t>(x);
  return absl::OkStatus();
}

// Go's own panic where the index is exactly the length.
absl::Status OutOfRange(absl::string_view what) {
  return CallError(absl::StrCat("reflect: ", what, " index out of range"));
}

absl::Status IndexMap(const TValue& map, const Slot& index, Slot* item) {
  if (!index.valid()) return CallError("value is nil; should be of type string");
  if (!index.v.is_string()) {
    return CallError(
        absl::StrCat("value has type ", GoTypeName(index.v.type()), "; should be string"));
  }
  const bool any = map.type() == GoType::kAnyMap;
  const TValue* found = map.map() == nullptr ? nullptr : map.map()->Find(index.v);
  TValue value = found != nullptr ? *found : any ? TValue() : TValue::String("");
  *item = Slot(std::move(value), any ? Slot::Form::kInterface : Slot::Form::kConcrete);
  return absl::OkStatus();
}

absl::Status Index(Call& call) {
  Slot item = call.slot(0);
  item.Unwrap();
  if (!item.valid()) return CallError("index of untyped nil");
  for (size_t i = 1; i < call.size(); ++i) {
    Slot index = call.slot(i);
    index.Unwrap();
    if (item.nil_interface()) return CallError("index of nil pointer");
    const TValue v = item.v;
    size_t x = 0;
    if (v.is_string()) {
      if (absl::Status status = IndexNumber(index, v.text().size(), &x); !status.ok())
        return status;
      if (x == v.text().size()) return OutOfRange("string");
      item = Slot(TValue::Uint8(static_cast<uint8_t>(v.text()[x])));
    } else if (v.is_list()) {
      if (absl::Status status = IndexNumber(index, v.items().size(), &x); !status.ok())
        return status;
      if (x == v.items().size()) return OutOfRange("slice");
      item = Slot(v.items()[x],
                  v.type() == GoType::kAnyList ? Slot::Form::kInterface : Slot::Form::kConcrete);
    } else if (v.is_map()) {
      if (absl::Status status = IndexMap(v, index, &item); !status.ok()) return status;
    } else {
      const absl::string_view type = GoTypeName(v.type());
      return CallError(
          absl::StrCat("can't index item of type ", type[0] == '*' ? type.substr(1) : type));
    }
  }
  call.result = item;
  return absl::OkStatus();
}

absl::Status Len(Call& call) {
  Slot& item = call.slot(0);
  if (item.nil_interface()) return CallError("len of nil pointer");
  if (!item.valid()) return CallError("reflect: call of reflect.Value.Type on zero Value");
  const TValue& v = item.v;
  if (v.is_string()) return call.Return(TValue::Int(static_cast<int64_t>(v.text().size())));
  if (v.is_list()) return call.Return(TValue::Int(static_cast<int64_t>(v.items().size())));
  if (v.is_map()) {
    return call.Return(TValue::Int(v.map() == nullptr ? 0 : static_cast<int64_t>(v.map()->size())));
  }
  const absl::string_view type = GoTypeName(v.type());
  return CallError(absl::StrCat("len of type ", type[0] == '*' ? type.substr(1) : type));
}

absl::Status Not(Call& call) {
  Slot& arg = call.slot(0);
  return call.ReturnBool(!(arg.valid() && !arg.nil_interface() && IsTrue(arg.v)));
}

// `and`, `or` and `call` are carried out by the execution itself.
absl::Status Unreachable(Call&) { return absl::InternalError("not a function to call"); }

constexpr Function kFunctions[] = {
    {"and", "v.v", 'v', Unreachable, kBuiltin},
    {"call", "v.v", 'v', Unreachable, kBuiltin},
    {"html", ".a", 's', Escaped<EscapeHtml>, kBuiltin},
    {"index", "v.v", 'v', Index, kBuiltin},
    {"js", ".a", 's', Escaped<EscapeJs>, kBuiltin},
    {"len", "v", 'i', Len, kBuiltin},
    {"not", "v", 'b', Not, kBuiltin},
    {"or", "v.v", 'v', Unreachable, kBuiltin},
    {"print", ".a", 's', Print, kBuiltin},
    {"printf", "s.a", 's', Printf, kBuiltin},
    {"println", ".a", 's', Println, kBuiltin},
    {"urlquery", ".a", 's', Escaped<EscapeQuery>, kBuiltin},
};

}  // namespace

absl::Span<const Function> BuiltinFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
