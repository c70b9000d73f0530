#include "generators/template/text_case.h"

#include <algorithm>
#include <cstdint>

#include "generators/template/unicode.h"

namespace leidang::generators::go {
namespace {

Rune Take(absl::string_view* text) {
  const Rune rune = DecodeRune(*text);
  text->remove_prefix(rune.width);
  return rune;
}

bool IsSeparator(uint32_t r) {
  if (r < 0x80) return !(IsLetter(r) || IsDigit(r) || r == '_');
  return !IsLetter(r) && !IsDigit(r) && IsSpace(r);
}

bool IsConnector(uint32_t r) { return r == '-' || r == '_' || IsSpace(r); }

// A letter that is no Chinese character: those stand for themselves.
bool IsAlphabet(uint32_t r) {
  if (!IsLetter(r)) return false;
  return !((r >= 0x4e00 && r <= 0x9fcc) || (r >= 0x3400 && r <= 0x4d85) ||
           (r >= 0x20000 && r <= 0x2b81d));
}

enum class WordType { kInvalid, kNumber, kUpperCase, kAlphabet, kConnector, kPunct, kOther };

struct Word {
  WordType type = WordType::kInvalid;
  absl::string_view text;
  absl::string_view rest;
};

// The next rune that is one; `previous` where none is left. The width counts what was skipped.
Rune NextValid(absl::string_view text, uint32_t previous) {
  size_t width = 0;
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    width += rune.width;
    if (rune.code != kRuneError) return {rune.code, width};
    text.remove_prefix(rune.width);
  }
  return {previous, width};
}

// Walks over a text and notes how far a word reaches.
class Scanner {
 public:
  explicit Scanner(absl::string_view text) : text_(text), rest_(text) {}

  template <typename Belongs>
  void TakeWhile(uint32_t first, Belongs belongs) {
    last_ = first;
    while (!rest_.empty()) {
      next_ = NextValid(rest_, last_);
      last_ = next_.code;
      if (!belongs(next_.code)) break;
      Advance(next_.width);
      last_width_ = next_.width;
    }
  }
  void Advance(size_t width) {
    offset_ += width;
    rest_.remove_prefix(std::min(width, rest_.size()));
  }

  absl::string_view text_, rest_;
  size_t offset_ = 0;
  uint32_t last_ = 0;
  size_t last_width_ = 0;
  Rune next_;
};

void TakeUpperWord(uint32_t first, Scanner* s) {
  if (s->rest_.empty()) return;
  const Rune second = NextValid(s->rest_, first);
  if (IsUpper(second.code)) {
    s->Advance(second.width);
    s->last_width_ = second.width;
    s->TakeWhile(second.code, IsUpper);
    // Of "HTTPServer" the last capital begins the next word.
    if (!s->rest_.empty() && IsAlphabet(s->last_)) {
      s->offset_ -= s->last_width_;
      s->rest_ = s->text_.substr(s->offset_);
    }
  } else if (IsAlphabet(second.code)) {
    s->Advance(second.width);
    s->TakeWhile(second.code, [](uint32_t r) { return IsAlphabet(r) && !IsUpper(r); });
  }
}

Word NextWord(absl::string_view text) {
  Word word;
  if (text.empty()) return word;
  Scanner s(text);
  const Rune first = NextValid(text, kRuneError);
  s.offset_ = first.width;
  if (first.code == kRuneError) {
    word.text = text.substr(0, s.offset_);
    word.rest = text.substr(s.offset_);
    return word;
  }
  s.rest_.remove_prefix(first.width);
  const uint32_t r = first.code;
  if (IsConnector(r)) {
    word.type = WordType::kConnector;
    s.TakeWhile(r, IsConnector);
  } else if (IsPunct(r)) {
    word.type = WordType::kPunct;
    s.TakeWhile(r, IsPunct);
  } else if (IsUpper(r)) {
    word.type = WordType::kUpperCase;
    TakeUpperWord(r, &s);
  } else if (IsAlphabet(r)) {
    word.type = WordType::kAlphabet;
    s.TakeWhile(r, [](uint32_t c) { return IsAlphabet(c) && !IsUpper(c); });
  } else if (IsNumber(r)) {
    word.type = WordType::kNumber;
    s.TakeWhile(r, IsNumber);
  } else {
    word.type = WordType::kOther;
    s.TakeWhile(r, [](uint32_t c) {
      return !(IsConnector(c) || IsAlphabet(c) || IsNumber(c) || IsPunct(c));
    });
  }
  word.text = text.substr(0, s.offset_);
  word.rest = s.rest_;
  return word;
}

void AppendLower(const Word& word, char connector, std::string* out) {
  if (word.type != WordType::kUpperCase && word.type != WordType::kConnector) {
    out->append(word.text.data(), word.text.size());
    return;
  }
  for (absl::string_view rest = word.text; !rest.empty();) {
    const uint32_t r = Take(&rest).code;
    if (IsConnector(r))
      out->push_back(connector);
    else
      AppendRune(out, IsUpper(r) ? ToLower(r) : r);
  }
}

bool IsJoint(WordType type) { return type == WordType::kConnector || type == WordType::kPunct; }

// Splits "camelCase" and "HTTPServer42" into words joined by `connector`.
class Joiner {
 public:
  explicit Joiner(char connector) : connector_(connector) {}

  std::string Run(absl::string_view text) {
    if (text.empty()) return "";
    word_ = NextWord(text);
    while (!word_.rest.empty()) {
      if (word_.type != WordType::kConnector) Write(word_);
      const Word previous = word_;
      word_ = NextWord(word_.rest);
      switch (previous.type) {
        case WordType::kNumber:
          AfterNumber();
          break;
        case WordType::kConnector:
          Write(previous);
          break;
        case WordType::kPunct:
          break;
        default:
          AfterLetters();
      }
    }
    Write(word_);
    return out_;
  }

 private:
  void Write(const Word& word) { AppendLower(word, connector_, &out_); }

  // Lower-case letters stay with the digits in front of them.
  void AfterNumber() {
    while (word_.type == WordType::kAlphabet || word_.type == WordType::kNumber) {
      Write(word_);
      word_ = NextWord(word_.rest);
    }
    if (word_.type != WordType::kInvalid && !IsJoint(word_.type)) out_.push_back(connector_);
  }

  void AfterLetters() {
    if (word_.type != WordType::kNumber) {
      if (!IsJoint(word_.type)) out_.push_back(connector_);
      return;
    }
    if (word_.rest.empty()) return;
    const Word number = word_;
    word_ = NextWord(word_.rest);
    if (word_.type != WordType::kAlphabet) {
      Write(number);
      if (!IsJoint(word_.type)) out_.push_back(connector_);
      return;
    }
    out_.push_back(connector_);
    Write(number);
    AfterNumber();
  }

  const char connector_;
  Word word_;
  std::string out_;
};

}  // namespace

std::string Title(absl::string_view text) {
  std::string out;
  uint32_t previous = ' ';
  while (!text.empty()) {
    const uint32_t r = Take(&text).code;
    AppendRune(&out, IsSeparator(previous) ? ToTitle(r) : r);
    previous = r;
  }
  return out;
}

std::string Uncapitalize(absl::string_view text) {
  std::string out;
  bool first = true;
  while (!text.empty()) {
    const uint32_t r = Take(&text).code;
    if (IsSpace(r)) {
      first = true;
      AppendRune(&out, r);
    } else {
      AppendRune(&out, first ? ToLower(r) : r);
      first = false;
    }
  }
  return out;
}

std::string SwapCase(absl::string_view text) {
  std::string out;
  bool after_space = true;
  while (!text.empty()) {
    const uint32_t r = Take(&text).code;
    if (IsUpper(r) || IsTitle(r)) {
      AppendRune(&out, ToLower(r));
      after_space = false;
    } else if (IsLower(r)) {
      AppendRune(&out, after_space ? ToTitle(r) : ToUpper(r));
      after_space = false;
    } else {
      AppendRune(&out, r);
      after_space = IsSpace(r);
    }
  }
  return out;
}

std::string Initials(absl::string_view text) {
  std::string out;
  bool gap = true;
  for (const char c : text) {
    const auto r = static_cast<unsigned char>(c);
    if (IsSpace(r)) {
      gap = true;
    } else if (gap) {
      AppendRune(&out, r);
      gap = false;
    }
  }
  return out;
}

std::string DeleteWhiteSpace(absl::string_view text) {
  std::string out;
  size_t kept = 0;
  for (const char c : text) {
    const auto r = static_cast<unsigned char>(c);
    if (IsSpace(r)) continue;
    AppendRune(&out, r);
    ++kept;
  }
  return kept == text.size() ? std::string(text) : out;
}

std::string PascalCase(absl::string_view text) {
  std::string out;
  uint32_t current = 0;
  size_t width = 0;
  bool first_upper = false;
  while (!text.empty()) {
    const Rune rune = Take(&text);
    width = rune.width;
    current = rune.code;
    if (!IsConnector(current)) {
      first_upper = IsUpper(current);
      current = ToUpper(current);
      break;
    }
    AppendRune(&out, current);
  }
  if (text.empty()) {
    if (width != 0) AppendRune(&out, current);
    return out;
  }
  while (!text.empty()) {
    const uint32_t previous = current;
    current = Take(&text).code;
    if (IsConnector(current) && IsConnector(previous)) {
      AppendRune(&out, previous);
      continue;
    }
    if (IsConnector(previous)) {
      first_upper = IsUpper(current);
      current = ToUpper(current);
      continue;
    }
    if (first_upper) {
      if (IsUpper(current))
        current = ToLower(current);
      else
        first_upper = false;
    }
    AppendRune(&out, previous);
  }
  AppendRune(&out, current);
  return out;
}

std::string SnakeCase(absl::string_view text) { return Joiner('_').Run(text); }
std::string KebabCase(absl::string_view text) { return Joiner('-').Run(text); }

}  // namespace leidang::generators::go
