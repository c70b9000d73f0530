#include "tests/tidy/source.h"

#include <cctype>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace leidang::tidy {
namespace {

bool IsNameChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Splits a file into code and comments, one character at a time.
class Lexer {
 public:
  explicit Lexer(absl::string_view text) : text_(text) {}

  std::vector<Line> Run() {
    lines_.emplace_back();
    while (at_ < text_.size()) Step();
    return std::move(lines_);
  }

 private:
  bool Sees(absl::string_view what) const { return absl::StartsWith(text_.substr(at_), what); }

  void Step() {
    if (Sees("//")) {
      while (at_ < text_.size() && text_[at_] != '\n') Take(&Line::comment);
    } else if (Sees("/*")) {
      const size_t end = text_.find("*/", at_ + 2);
      const size_t stop = end == absl::string_view::npos ? text_.size() : end + 2;
      while (at_ < stop) Take(&Line::comment);
    } else if (Sees("R\"") && (at_ == 0 || !IsNameChar(text_[at_ - 1]))) {
      RawString();
    } else if (text_[at_] == '"') {
      Literal('"');
    } else if (text_[at_] == '\'' && (at_ == 0 || !IsNameChar(text_[at_ - 1]))) {
      Literal('\'');
    } else {
      Take(&Line::code);
    }
  }

  void Take(std::string Line::* part) {
    const char c = text_[at_++];
    if (c == '\n') {
      lines_.emplace_back();
    } else {
      (lines_.back().*part).push_back(c);
    }
  }

  void Drop() {
    if (text_[at_++] == '\n') lines_.emplace_back();
  }

  void Literal(char quote) {
    Take(&Line::code);
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) Drop();
      Drop();
    }
    if (at_ < text_.size() && text_[at_] == quote) Take(&Line::code);
  }

  void RawString() {
    const size_t open = text_.find('(', at_);
    if (open == absl::string_view::npos) return Take(&Line::code);
    const std::string close = absl::StrCat(")", text_.substr(at_ + 2, open - at_ - 2), "\"");
    const size_t end = text_.find(close, open);
    const size_t stop = end == absl::string_view::npos ? text_.size() : end + close.size();
    absl::StrAppend(&lines_.back().code, "\"\"");
    while (at_ < stop) Drop();
  }

  const absl::string_view text_;
  size_t at_ = 0;
  std::vector<Line> lines_;
};

// The name in `#include "name"` or `#include <name>`; its literal is emptied in `code`, so it comes
// from `raw`.
void AddInclude(absl::string_view code, absl::string_view raw, size_t line,
                std::vector<Include>& out) {
  if (!absl::ConsumePrefix(&code, "#include")) return;
  const size_t open = raw.find_first_of("\"<");
  if (open == absl::string_view::npos) return;
  const bool angled = raw[open] == '<';
  const size_t close = raw.find(angled ? '>' : '"', open + 1);
  if (close == absl::string_view::npos) return;
  out.push_back({line, angled ? Include::Form::kAngled : Include::Form::kQuoted,
                 std::string(raw.substr(open + 1, close - open - 1))});
}

}  // namespace

bool IsHeader(absl::string_view path) { return absl::EndsWith(path, ".h"); }

bool IsCpp(absl::string_view path) { return IsHeader(path) || absl::EndsWith(path, ".cc"); }

bool IsTestCode(absl::string_view path) {
  if (absl::StartsWith(path, "tests/")) return true;
  const absl::string_view stem = path.substr(0, path.rfind('.'));
  for (const absl::string_view end : {"_test", "_fuzz", "_bench", "_contract"}) {
    if (absl::EndsWith(stem, end)) return true;
  }
  return false;
}

Source ParseSource(const File& file) {
  Source source;
  source.path = file.path;
  source.lines = Lexer(file.text).Run();
  const std::vector<absl::string_view> raw = absl::StrSplit(file.text, '\n');
  for (size_t i = 0; i < source.lines.size() && i < raw.size(); ++i) {
    AddInclude(source.lines[i].code, raw[i], i + 1, source.includes);
  }
  return source;
}

bool IsWholeName(absl::string_view code, size_t at) {
  if (at >= 5 && code.substr(at - 5, 5) == "std::") {
    at -= 5;
  } else if (at >= 2 && code.substr(at - 2, 2) == "::") {
    at -= 2;
  }
  if (at == 0) return true;
  const char before = code[at - 1];
  return !IsNameChar(before) && before != '.' && before != ':' &&
         !(before == '>' && at >= 2 && code[at - 2] == '-');
}

}  // namespace leidang::tidy
