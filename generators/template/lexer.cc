#include "generators/template/lexer.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "generators/template/fmt.h"
#include "generators/template/strconv.h"
#include "generators/template/unicode.h"

namespace leidang::generators::gotmpl {
namespace {

constexpr absl::string_view kLeft = "{{";
constexpr absl::string_view kRight = "}}";
constexpr absl::string_view kSpaceChars = " \t\r\n";
// Marker plus space before or after.
constexpr size_t kTrimLength = 2;

bool IsSpace(int32_t r) { return r == ' ' || r == '\t' || r == '\r' || r == '\n'; }

bool IsAlphaNumeric(int32_t r) {
  return r == '_' || (r >= 0 && (go::IsLetter(static_cast<uint32_t>(r)) ||
                                 go::IsDigit(static_cast<uint32_t>(r))));
}

bool HasLeftTrimMarker(absl::string_view s) {
  return s.size() >= 2 && s[0] == '-' && IsSpace(s[1]);
}
bool HasRightTrimMarker(absl::string_view s) {
  return s.size() >= 2 && IsSpace(s[0]) && s[1] == '-';
}

int CountLines(absl::string_view s) {
  return static_cast<int>(std::count(s.begin(), s.end(), '\n'));
}

size_t TrailingSpace(absl::string_view s) {
  const size_t last = s.find_last_not_of(kSpaceChars);
  return last == absl::string_view::npos ? s.size() : s.size() - last - 1;
}
size_t LeadingSpace(absl::string_view s) {
  return std::min(s.find_first_not_of(kSpaceChars), s.size());
}

// %#U
std::string UnicodeName(int32_t r) {
  std::string out;
  go::Printer(&out).Printf("%#U", {TValue::Int(r)});
  return out;
}

struct Keyword {
  absl::string_view text;
  ItemType type;
};
constexpr Keyword kKeywords[] = {
    {"block", ItemType::kBlock},
    {"break", ItemType::kBreak},
    {"continue", ItemType::kContinue},
    {"define", ItemType::kDefine},
    {"else", ItemType::kElse},
    {"end", ItemType::kEnd},
    {"if", ItemType::kIf},
    {"range", ItemType::kRange},
    {"nil", ItemType::kNil},
    {"template", ItemType::kTemplate},
    {"with", ItemType::kWith},
};

}  // namespace

std::string Item::ToString() const {
  if (type == ItemType::kEof) return "EOF";
  if (type == ItemType::kError) return std::string(text);
  if (type > ItemType::kKeyword) return absl::StrCat("<", text, ">");
  if (text.size() > 10) {
    size_t cut = 0;
    for (int n = 0; n < 10 && cut < text.size(); ++n) cut += go::DecodeRune(text.substr(cut)).width;
    return go::Quote(text.substr(0, cut)) + "...";
  }
  return go::Quote(text);
}

int32_t Lexer::NextRune() {
  if (pos_ >= input_.size()) {
    at_eof_ = true;
    return kEnd;
  }
  const go::Rune r = go::DecodeRune(Rest());
  pos_ += r.width;
  if (r.code == '\n') ++line_;
  return static_cast<int32_t>(r.code);
}

int32_t Lexer::Peek() {
  const int32_t r = NextRune();
  Backup();
  return r;
}

void Lexer::Backup() {
  if (at_eof_ || pos_ == 0) return;
  const go::Rune r = go::DecodeLastRune(input_.substr(0, pos_));
  pos_ -= r.width;
  if (r.code == '\n') --line_;
}

bool Lexer::Accept(absl::string_view valid) {
  const int32_t r = NextRune();
  if (r >= 0 && r < 0x80 && valid.find(static_cast<char>(r)) != absl::string_view::npos)
    return true;
  Backup();
  return false;
}

void Lexer::AcceptRun(absl::string_view valid) {
  while (Accept(valid)) {
  }
}

Item Lexer::ThisItem(ItemType type) {
  const Item item{type, static_cast<int>(start_), input_.substr(start_, pos_ - start_),
                  start_line_};
  start_ = pos_;
  start_line_ = line_;
  return item;
}

Lexer::State Lexer::EmitItem(Item item) {
  item_ = item;
  return State::kDone;
}

Lexer::State Lexer::Emit(ItemType type) { return EmitItem(ThisItem(type)); }

Lexer::State Lexer::Error(std::string message) {
  message_ = std::move(message);
  item_ = Item{ItemType::kError, static_cast<int>(start_), message_, start_line_};
  start_ = 0;
  pos_ = 0;
  input_ = input_.substr(0, 0);
  return State::kDone;
}

void Lexer::Ignore() {
  line_ += CountLines(input_.substr(start_, pos_ - start_));
  start_ = pos_;
  start_line_ = line_;
}

Item Lexer::Next() {
  item_ = Item{ItemType::kEof, static_cast<int>(pos_), "EOF", start_line_};
  State state = inside_action_ ? State::kInsideAction : State::kText;
  while (state != State::kDone) {
    switch (state) {
      case State::kText:
        state = LexText();
        break;
      case State::kLeftDelim:
        state = LexLeftDelim();
        break;
      case State::kComment:
        state = LexComment();
        break;
      case State::kRightDelim:
        state = LexRightDelim();
        break;
      case State::kInsideAction:
        state = LexInsideAction();
        break;
      case State::kDone:
        break;
    }
  }
  return item_;
}

Lexer::State Lexer::LexText() {
  const size_t x = Rest().find(kLeft);
  if (x == absl::string_view::npos) {
    pos_ = input_.size();
    if (pos_ == start_) return Emit(ItemType::kEof);
    line_ += CountLines(input_.substr(start_));
    return Emit(ItemType::kText);
  }
  if (x > 0) {
    pos_ += x;
    size_t trim = 0;
    if (HasLeftTrimMarker(input_.substr(pos_ + kLeft.size()))) {
      trim = TrailingSpace(input_.substr(start_, pos_ - start_));
    }
    pos_ -= trim;
    line_ += CountLines(input_.substr(start_, pos_ - start_));
    const Item item = ThisItem(ItemType::kText);
    pos_ += trim;
    Ignore();
    if (!item.text.empty()) return EmitItem(item);
  }
  return State::kLeftDelim;
}

bool Lexer::AtRightDelim(bool* trim) const {
  const absl::string_view rest = Rest();
  *trim = HasRightTrimMarker(rest) && absl::StartsWith(rest.substr(kTrimLength), kRight);
  return *trim || absl::StartsWith(rest, kRight);
}

Lexer::State Lexer::LexLeftDelim() {
  pos_ += kLeft.size();
  const size_t after_marker = HasLeftTrimMarker(Rest()) ? kTrimLength : 0;
  if (absl::StartsWith(input_.substr(pos_ + after_marker), "/*")) {
    pos_ += after_marker;
    Ignore();
    return State::kComment;
  }
  const Item item = ThisItem(ItemType::kLeftDelim);
  inside_action_ = true;
  pos_ += after_marker;
  Ignore();
  paren_depth_ = 0;
  return EmitItem(item);
}

Lexer::State Lexer::LexComment() {
  pos_ += 2;
  const size_t x = Rest().find("*/");
  if (x == absl::string_view::npos) return Error("unclosed comment");
  pos_ += x + 2;
  bool trim = false;
  if (!AtRightDelim(&trim)) return Error("comment ends before closing delimiter");
  line_ += CountLines(input_.substr(start_, pos_ - start_));
  start_ = pos_;
  start_line_ = line_;
  if (trim) pos_ += kTrimLength;
  pos_ += kRight.size();
  if (trim) pos_ += LeadingSpace(Rest());
  Ignore();
  return State::kText;
}

Lexer::State Lexer::LexRightDelim() {
  bool trim = false;
  AtRightDelim(&trim);
  if (trim) {
    pos_ += kTrimLength;
    Ignore();
  }
  pos_ += kRight.size();
  const Item item = ThisItem(ItemType::kRightDelim);
  if (trim) {
    pos_ += LeadingSpace(Rest());
    Ignore();
  }
  inside_action_ = false;
  return EmitItem(item);
}

Lexer::State Lexer::LexInsideAction() {
  bool trim = false;
  if (AtRightDelim(&trim)) {
    if (paren_depth_ == 0) return State::kRightDelim;
    return Error("unclosed left paren");
  }
  const int32_t r = NextRune();
  if (r == kEnd) return Error("unclosed action");
  if (IsSpace(r)) {
    Backup();
    return LexSpace();
  }
  switch (r) {
    case '=':
      return Emit(ItemType::kAssign);
    case ':':
      if (NextRune() != '=') return Error("expected :=");
      return Emit(ItemType::kDeclare);
    case '|':
      return Emit(ItemType::kPipe);
    case '"':
      return LexQuoted('"', ItemType::kString, "unterminated quoted string");
    case '`':
      return LexRawQuote();
    case '$':
      if (AtTerminator()) return Emit(ItemType::kVariable);
      return LexFieldOrVariable(ItemType::kVariable);
    case '\'':
      return LexQuoted('\'', ItemType::kCharConstant, "unterminated character constant");
    case '(':
      ++paren_depth_;
      return Emit(ItemType::kLeftParen);
    case ')':
      if (--paren_depth_ < 0) return Error("unexpected right paren");
      return Emit(ItemType::kRightParen);
    default:
      break;
  }
  if (r == '.' && pos_ < input_.size() && (input_[pos_] < '0' || input_[pos_] > '9')) {
    return LexFieldOrVariable(ItemType::kField);
  }
  if (r == '.' || r == '+' || r == '-' || (r >= '0' && r <= '9')) {
    Backup();
    return LexNumber();
  }
  if (IsAlphaNumeric(r)) {
    Backup();
    return LexIdentifier();
  }
  if (r < 0x80 && go::IsPrint(static_cast<uint32_t>(r))) return Emit(ItemType::kChar);
  return Error("unrecognized character in action: " + UnicodeName(r));
}

Lexer::State Lexer::LexSpace() {
  int spaces = 0;
  while (IsSpace(Peek())) {
    NextRune();
    ++spaces;
  }
  // A closing delimiter with trim marker starts with the last of these spaces.
  const absl::string_view rest = input_.substr(pos_ - 1);
  if (HasRightTrimMarker(rest) && absl::StartsWith(rest.substr(kTrimLength), kRight)) {
    Backup();
    if (spaces == 1) return State::kRightDelim;
  }
  return Emit(ItemType::kSpace);
}

Lexer::State Lexer::LexIdentifier() {
  int32_t r = NextRune();
  while (IsAlphaNumeric(r)) r = NextRune();
  Backup();
  const absl::string_view word = input_.substr(start_, pos_ - start_);
  if (!AtTerminator()) return Error("bad character " + UnicodeName(r));
  for (const Keyword& keyword : kKeywords) {
    if (word == keyword.text) return Emit(keyword.type);
  }
  if (word == "true" || word == "false") return Emit(ItemType::kBool);
  return Emit(ItemType::kIdentifier);
}

Lexer::State Lexer::LexFieldOrVariable(ItemType type) {
  if (AtTerminator()) return Emit(type == ItemType::kVariable ? type : ItemType::kDot);
  int32_t r = NextRune();
  while (IsAlphaNumeric(r)) r = NextRune();
  Backup();
  if (!AtTerminator()) return Error("bad character " + UnicodeName(r));
  return Emit(type);
}

bool Lexer::AtTerminator() {
  const int32_t r = Peek();
  if (IsSpace(r)) return true;
  switch (r) {
    case kEnd:
    case '.':
    case ',':
    case '|':
    case ':':
    case ')':
    case '(':
      return true;
    default:
      return absl::StartsWith(Rest(), kRight);
  }
}

Lexer::State Lexer::LexQuoted(char quote, ItemType type, absl::string_view complaint) {
  for (;;) {
    int32_t r = NextRune();
    if (r == '\\') {
      r = NextRune();
      if (r != kEnd && r != '\n') continue;
    }
    if (r == kEnd || r == '\n') return Error(std::string(complaint));
    if (r == quote) return Emit(type);
  }
}

Lexer::State Lexer::LexRawQuote() {
  for (;;) {
    const int32_t r = NextRune();
    if (r == kEnd) return Error("unterminated raw quoted string");
    if (r == '`') return Emit(ItemType::kRawString);
  }
}

Lexer::State Lexer::LexNumber() {
  const auto bad = [this] {
    return Error("bad number syntax: " + go::Quote(input_.substr(start_, pos_ - start_)));
  };
  if (!ScanNumber()) return bad();
  const int32_t sign = Peek();
  if (sign != '+' && sign != '-') return Emit(ItemType::kNumber);
  if (!ScanNumber() || input_[pos_ - 1] != 'i') return bad();
  return Emit(ItemType::kComplex);
}

bool Lexer::ScanNumber() {
  Accept("+-");
  absl::string_view digits = "0123456789_";
  bool decimal = true, hex = false;
  if (Accept("0")) {
    if (Accept("xX")) {
      digits = "0123456789abcdefABCDEF_";
      decimal = false;
      hex = true;
    } else if (Accept("oO")) {
      digits = "01234567_";
      decimal = false;
    } else if (Accept("bB")) {
      digits = "01_";
      decimal = false;
    }
  }
  AcceptRun(digits);
  if (Accept(".")) AcceptRun(digits);
  if ((decimal && Accept("eE")) || (hex && Accept("pP"))) {
    Accept("+-");
    AcceptRun("0123456789_");
  }
  Accept("i");
  if (IsAlphaNumeric(Peek())) {
    NextRune();
    return false;
  }
  return true;
}

}  // namespace leidang::generators::gotmpl
