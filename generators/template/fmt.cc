#include "generators/template/fmt.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "generators/template/boxes.h"
#include "generators/template/strconv.h"
#include "generators/template/unicode.h"

namespace leidang::generators::go {
namespace {

constexpr int kDepthMax = 1000;
constexpr int kWidthMax = 1'000'000;

bool TooLarge(int64_t x) { return x > kWidthMax || x < -kWidthMax; }

// An unsigned decimal number at format[*i]; moves *i behind it. False where there is none or it is
// absurd.
bool ParseNumber(absl::string_view format, size_t* i, size_t end, int* number) {
  *number = 0;
  bool is_number = false;
  for (; *i < end && format[*i] >= '0' && format[*i] <= '9'; ++*i) {
    if (TooLarge(*number)) {
      *number = 0;
      *i = end;
      return false;
    }
    *number = *number * 10 + (format[*i] - '0');
    is_number = true;
  }
  return is_number;
}

bool IsSigned(GoType type) {
  return type == GoType::kInt || type == GoType::kInt64 || type == GoType::kDuration ||
         type == GoType::kMonth || type == GoType::kWeekday;
}
bool IsUnsigned(GoType type) {
  return type == GoType::kUint8 || type == GoType::kUint32 || type == GoType::kUint64;
}

// The next argument as a width or precision.
bool IntArg(absl::Span<const TValue> args, size_t* arg, int* number) {
  *number = 0;
  if (*arg >= args.size()) return false;
  const TValue& v = args[(*arg)++];
  if (!IsSigned(v.type()) && !IsUnsigned(v.type())) return false;
  if (TooLarge(v.as_int())) return false;
  *number = static_cast<int>(v.as_int());
  return true;
}

}  // namespace

void Printer::BadVerb(const TValue& v, uint32_t verb) {
  erroring_ = true;
  Write("%!");
  WriteRune(verb);
  Write("(");
  if (v.is_nil()) {
    Write("<nil>");
  } else {
    Write(GoTypeName(v.type()));
    Write("=");
    PrintArg(v, 'v');
  }
  Write(")");
  erroring_ = false;
}

bool Printer::HandleMethods(const TValue& v, uint32_t verb) {
  if (erroring_) return false;
  if (verb == 'w') {
    BadVerb(v, verb);
    return true;
  }
  if (!HasString(v.type())) return false;
  if (f_.sharp_v) {
    if (v.type() != GoType::kTime) return false;
    Pad(Truncate(GoStringOf(v)));
    return true;
  }
  if (verb != 'v' && verb != 's' && verb != 'x' && verb != 'X' && verb != 'q') return false;
  Text(v, StringOf(v), verb);
  return true;
}

void Printer::PrintArg(const TValue& v, uint32_t verb) {
  if (v.is_nil()) {
    if (verb == 'T' || verb == 'v')
      Pad("<nil>");
    else
      BadVerb(v, verb);
    return;
  }
  if (verb == 'T') {
    Pad(Truncate(GoTypeName(v.type())));
    return;
  }
  if (verb == 'p') {
    Pointer(v, 'p');
    return;
  }
  switch (v.type()) {
    case GoType::kBool:
    case GoType::kInt:
    case GoType::kInt64:
    case GoType::kUint8:
    case GoType::kUint32:
    case GoType::kUint64:
    case GoType::kFloat64:
    case GoType::kComplex128:
    case GoType::kString:
      PrintValue(v, false, verb, 0);
      return;
    case GoType::kByteList:
      Bytes(v, verb, "[]byte");
      return;
    default:
      if (!HandleMethods(v, verb)) PrintValue(v, false, verb, 0);
  }
}

void Printer::PrintValue(const TValue& v, bool is_interface, uint32_t verb, int depth) {
  if (depth > kDepthMax || overflow_) {
    overflow_ = true;
    return;
  }
  if (depth > 0 && HandleMethods(v, verb)) return;
  if (is_interface && v.is_nil()) {
    Write(f_.sharp_v ? "interface {}(nil)" : "<nil>");
    return;
  }
  if (v.is_map()) {
    PrintMap(v, verb, depth);
    return;
  }
  if (v.is_list()) {
    PrintList(v, verb, depth);
    return;
  }
  if (IsSigned(v.type()) || IsUnsigned(v.type())) {
    Integer(v, IsSigned(v.type()), verb);
    return;
  }
  switch (v.type()) {
    case GoType::kBool:
      if (verb == 't' || verb == 'v')
        Pad(v.as_bool() ? "true" : "false");
      else
        BadVerb(v, verb);
      return;
    case GoType::kFloat64:
      Float(v, v.as_float(), verb);
      return;
    case GoType::kComplex128:
      Complex(v, verb);
      return;
    case GoType::kString:
      Text(v, v.text(), verb);
      return;
    case GoType::kVersionPtr:
      if (depth == 0) {
        Write("&");
        PrintStruct(v, verb, depth + 1);
        return;
      }
      Pointer(v, verb);
      return;
    case GoType::kLocation:
      Pointer(v, verb);
      return;
    default:
      PrintStruct(v, verb, depth);
  }
}

void Printer::PrintMap(const TValue& v, uint32_t verb, int depth) {
  if (f_.sharp_v) {
    Write(GoTypeName(v.type()));
    if (v.map() == nullptr) {
      Write("(nil)");
      return;
    }
  }
  Write(f_.sharp_v ? "{" : "map[");
  bool first = true;
  const bool any = v.type() == GoType::kAnyMap;
  if (v.map() != nullptr) {
    for (const TMap::Entry* entry : v.map()->Sorted()) {
      if (!first) Write(f_.sharp_v ? ", " : " ");
      first = false;
      PrintValue(entry->key, false, verb, depth + 1);
      Write(":");
      PrintValue(entry->value, any, verb, depth + 1);
    }
  }
  Write(f_.sharp_v ? "}" : "]");
}

void Printer::PrintList(const TValue& v, uint32_t verb, int depth) {
  if (v.type() == GoType::kByteList && (verb == 's' || verb == 'q' || verb == 'x' || verb == 'X')) {
    Bytes(v, verb, "[]uint8");
    return;
  }
  if (f_.sharp_v) {
    Write(GoTypeName(v.type()));
    if (v.list() == nullptr) {
      Write("(nil)");
      return;
    }
  }
  Write(f_.sharp_v ? "{" : "[");
  bool first = true;
  for (const TValue& item : v.items()) {
    if (!first) Write(f_.sharp_v ? ", " : " ");
    first = false;
    PrintValue(item, v.type() == GoType::kAnyList, verb, depth + 1);
  }
  Write(f_.sharp_v ? "}" : "]");
}

void Printer::PrintStruct(const TValue& v, uint32_t verb, int depth) {
  if (f_.sharp_v) {
    const absl::string_view name = GoTypeName(v.type());
    Write(name[0] == '*' ? name.substr(1) : name);
  }
  Write("{");
  bool first = true;
  for (const auto& [name, field] : FieldsOf(v)) {
    if (!first) Write(f_.sharp_v ? ", " : " ");
    first = false;
    if (f_.plus_v || f_.sharp_v) Write(absl::StrCat(name, ":"));
    PrintValue(field, false, verb, depth + 1);
  }
  Write("}");
}

void Printer::Pointer(const TValue& v, uint32_t verb) {
  const bool pointer =
      v.is_map() || v.is_list() || v.type() == GoType::kVersionPtr || v.type() == GoType::kLocation;
  if (!pointer) {
    BadVerb(v, verb);
    return;
  }
  // A machine address in Go, different in every run; here the same always.
  const bool nil =
      (v.is_map() && v.map() == nullptr) || (v.is_list() && v.list() == nullptr) ||
      ((v.type() == GoType::kLocation || v.type() == GoType::kVersionPtr) && v.box() == nullptr);
  const uint64_t address = nil ? 0 : 0xc000000000;
  switch (verb) {
    case 'v':
      if (f_.sharp_v) {
        Write(absl::StrCat("(", GoTypeName(v.type()), ")("));
        if (nil)
          Write("nil");
        else
          Hex0x(address, true);
        Write(")");
      } else if (nil) {
        Pad("<nil>");
      } else {
        Hex0x(address, !f_.sharp);
      }
      return;
    case 'p':
      Hex0x(address, !f_.sharp);
      return;
    case 'b':
    case 'o':
    case 'd':
    case 'x':
    case 'X':
      Integer(TValue::Uint64(address), false, verb);
      return;
    default:
      BadVerb(v, verb);
  }
}

// Flags and a lower-case verb, nothing else: the common case. True if the verb was done.
bool Printer::SimpleVerb(Cursor& c, absl::Span<const TValue> args) {
  for (; c.i < c.format.size(); ++c.i) {
    const char ch = c.format[c.i];
    switch (ch) {
      case '#':
        f_.sharp = true;
        continue;
      case '0':
        f_.zero = true;
        continue;
      case '+':
        f_.plus = true;
        continue;
      case '-':
        f_.minus = true;
        continue;
      case ' ':
        f_.space = true;
        continue;
      default:
        break;
    }
    if (ch < 'a' || ch > 'z' || c.arg >= args.size()) return false;
    if (ch == 'v' || ch == 'w') {
      f_.sharp_v = std::exchange(f_.sharp, false);
      f_.plus_v = std::exchange(f_.plus, false);
    }
    PrintArg(args[c.arg++], static_cast<uint32_t>(ch));
    ++c.i;
    return true;
  }
  return false;
}

// "[n]": the number of the next argument.
void Printer::ArgNumber(Cursor& c, size_t args) {
  c.after_index = false;
  if (c.i >= c.format.size() || c.format[c.i] != '[') return;
  c.reordered = true;
  const absl::string_view rest = c.format.substr(c.i);
  size_t wid = 1;
  bool ok = false;
  int index = 0;
  const size_t close = rest.size() < 3 ? absl::string_view::npos : rest.find(']', 1);
  if (close != absl::string_view::npos) {
    wid = close + 1;
    size_t i = 1;
    ok = ParseNumber(rest, &i, close, &index) && i == close;
    --index;
  }
  c.i += wid;
  if (ok && index >= 0 && static_cast<size_t>(index) < args) {
    c.arg = static_cast<size_t>(index);
    c.after_index = true;
    return;
  }
  c.good_arg = false;
  c.after_index = ok;
}

void Printer::Width(Cursor& c, absl::Span<const TValue> args) {
  if (c.i < c.format.size() && c.format[c.i] == '*') {
    ++c.i;
    f_.wid_present = IntArg(args, &c.arg, &f_.wid);
    if (!f_.wid_present) Write("%!(BADWIDTH)");
    if (f_.wid < 0) {
      f_.wid = -f_.wid;
      f_.minus = true;
      f_.zero = false;
    }
    c.after_index = false;
    return;
  }
  f_.wid_present = ParseNumber(c.format, &c.i, c.format.size(), &f_.wid);
  if (c.after_index && f_.wid_present) c.good_arg = false;
}

void Printer::Precision(Cursor& c, absl::Span<const TValue> args) {
  if (c.i + 1 >= c.format.size() || c.format[c.i] != '.') return;
  ++c.i;
  if (c.after_index) c.good_arg = false;
  ArgNumber(c, args.size());
  if (c.i < c.format.size() && c.format[c.i] == '*') {
    ++c.i;
    f_.prec_present = IntArg(args, &c.arg, &f_.prec);
    if (f_.prec < 0) {
      f_.prec = 0;
      f_.prec_present = false;
    }
    if (!f_.prec_present) Write("%!(BADPREC)");
    c.after_index = false;
    return;
  }
  if (!ParseNumber(c.format, &c.i, c.format.size(), &f_.prec)) f_.prec = 0;
  f_.prec_present = true;
}

void Printer::Extra(absl::Span<const TValue> args) {
  f_ = Flags();
  Write("%!(EXTRA ");
  bool first = true;
  for (const TValue& arg : args) {
    if (!first) Write(", ");
    first = false;
    if (arg.is_nil()) {
      Write("<nil>");
    } else {
      Write(absl::StrCat(GoTypeName(arg.type()), "="));
      PrintArg(arg, 'v');
    }
  }
  Write(")");
}

void Printer::Printf(absl::string_view format, absl::Span<const TValue> args) {
  Cursor c;
  c.format = format;
  while (c.i < format.size()) {
    c.good_arg = true;
    const size_t percent = std::min(format.find('%', c.i), format.size());
    Write(format.substr(c.i, percent - c.i));
    c.i = percent;
    if (c.i >= format.size()) break;
    ++c.i;
    f_ = Flags();
    if (SimpleVerb(c, args)) continue;
    ArgNumber(c, args.size());
    Width(c, args);
    Precision(c, args);
    if (!c.after_index) ArgNumber(c, args.size());
    if (c.i >= format.size()) {
      Write("%!(NOVERB)");
      break;
    }
    const Rune verb = DecodeRune(format.substr(c.i));
    c.i += verb.width;
    if (verb.code == '%') {
      Write("%");
    } else if (!c.good_arg) {
      Write("%!");
      WriteRune(verb.code);
      Write("(BADINDEX)");
    } else if (c.arg >= args.size()) {
      Write("%!");
      WriteRune(verb.code);
      Write("(MISSING)");
    } else {
      if (verb.code == 'v' || verb.code == 'w') {
        f_.sharp_v = std::exchange(f_.sharp, false);
        f_.plus_v = std::exchange(f_.plus, false);
      }
      PrintArg(args[c.arg++], verb.code);
    }
  }
  if (!c.reordered && c.arg < args.size()) Extra(args.subspan(c.arg));
}

void Printer::Print(absl::Span<const TValue> args) {
  bool previous_text = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const bool text = args[i].is_string();
    if (i > 0 && !text && !previous_text) Write(" ");
    PrintArg(args[i], 'v');
    previous_text = text;
  }
}

void Printer::Println(absl::Span<const TValue> args) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0) Write(" ");
    PrintArg(args[i], 'v');
  }
  Write("\n");
}

void AppendPlain(const TValue& v, std::string* out) {
  switch (v.type()) {
    case GoType::kString: {
      const absl::string_view s = v.text();
      out->append(s.data(), s.size());
      return;
    }
    case GoType::kInt:
    case GoType::kInt64:
      absl::StrAppend(out, v.as_int());
      return;
    case GoType::kBool:
      *out += v.as_bool() ? "true" : "false";
      return;
    case GoType::kFloat64:
      *out += FormatFloat(v.as_float(), 'g', -1);
      return;
    default:
      Printer(out).Print(absl::MakeConstSpan(&v, 1));
  }
}

std::string Plain(const TValue& v) {
  std::string out;
  AppendPlain(v, &out);
  return out;
}

}  // namespace leidang::generators::go
