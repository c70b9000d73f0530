#pragma once

// Go's package fmt for template values: %v and its friends, with every verb and flag.
//
// Output is bounded: what would exceed `bytes_max`, or nests too deeply, is cut off and
// `overflow()` says so. Pure; a Printer is thread-compatible.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "generators/template/value.h"

namespace leidang::generators::go {

inline constexpr size_t kPrintBytesMax = size_t{64} << 20;

class Printer {
 public:
  explicit Printer(std::string* out, size_t bytes_max = kPrintBytesMax)
      : out_(*out), bytes_max_(bytes_max) {}

  void Printf(absl::string_view format, absl::Span<const TValue> args);
  // fmt.Print: a space between two operands where neither is text.
  void Print(absl::Span<const TValue> args);
  // fmt.Println: spaces between all, and a newline.
  void Println(absl::Span<const TValue> args);

  bool overflow() const { return overflow_; }

 private:
  struct Flags {
    bool wid_present = false, prec_present = false;
    bool minus = false, plus = false, sharp = false, space = false, zero = false;
    bool plus_v = false, sharp_v = false;
    int wid = 0, prec = 0;
  };

  void PrintArg(const TValue& v, uint32_t verb);
  void PrintValue(const TValue& v, bool is_interface, uint32_t verb, int depth);
  void PrintMap(const TValue& v, uint32_t verb, int depth);
  void PrintList(const TValue& v, uint32_t verb, int depth);
  void PrintStruct(const TValue& v, uint32_t verb, int depth);
  bool HandleMethods(const TValue& v, uint32_t verb);
  void BadVerb(const TValue& v, uint32_t verb);

  void Integer(const TValue& v, bool is_signed, uint32_t verb);
  void FormatInteger(uint64_t u, unsigned base, bool is_signed, uint32_t verb, bool upper);
  void FormatUnicode(uint64_t u);
  void Float(const TValue& v, double d, uint32_t verb);
  void FormatFloat(double d, char verb, int prec);
  void Complex(const TValue& v, uint32_t verb);
  void Text(const TValue& v, absl::string_view s, uint32_t verb);
  void Bytes(const TValue& v, uint32_t verb, absl::string_view type_text);
  void HexText(absl::string_view s, bool upper);
  void QuotedText(absl::string_view s);
  void Pointer(const TValue& v, uint32_t verb);
  void Hex0x(uint64_t u, bool leading);

  // The parts of a verb.
  struct Cursor {
    absl::string_view format;
    size_t i = 0;
    size_t arg = 0;
    bool after_index = false;
    bool good_arg = true;
    bool reordered = false;
  };
  bool SimpleVerb(Cursor& c, absl::Span<const TValue> args);
  void ArgNumber(Cursor& c, size_t args);
  void Width(Cursor& c, absl::Span<const TValue> args);
  void Precision(Cursor& c, absl::Span<const TValue> args);
  void Extra(absl::Span<const TValue> args);

  void Write(absl::string_view s);
  void WriteRune(uint32_t rune);
  void Padding(int n);
  void Pad(absl::string_view s);
  absl::string_view Truncate(absl::string_view s) const;

  std::string& out_;
  const size_t bytes_max_;
  Flags f_;
  bool erroring_ = false;
  bool overflow_ = false;
};

// fmt.Sprint of one value: what a template prints. The quick way for common types.
void AppendPlain(const TValue& v, std::string* out);
std::string Plain(const TValue& v);

// Whether the type has a String method, and its result.
bool HasString(GoType type);
std::string StringOf(const TValue& v);

}  // namespace leidang::generators::go
