#include "tests/tidy/lengths.h"

#include <cctype>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leidang::tidy {
namespace {

enum class Scope { kNamespace, kType, kFunction, kOther };

bool HasWord(absl::string_view text, absl::string_view word) {
  const auto is_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  for (size_t at = text.find(word); at != absl::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_name(text[at - 1])) && (end == text.size() || !is_name(text[end])))
      return true;
  }
  return false;
}

// What a `{` opens, judged by the text since the last statement.
Scope ScopeOf(absl::string_view head) {
  if (HasWord(head, "namespace") || absl::StrContains(head, "extern \"\""))
    return Scope::kNamespace;
  const bool call = absl::StrContains(head, "(");
  // The formatter puts a space before a body and none before a member's initializer.
  if (call && !absl::EndsWith(head, " ")) return Scope::kOther;
  for (const absl::string_view type : {"class", "struct", "union", "enum"}) {
    if (HasWord(head, type) &&
        (!call || absl::StrContains(head, "ABSL_") || absl::StrContains(head, "alignas"))) {
      return Scope::kType;
    }
  }
  head = absl::StripAsciiWhitespace(head);
  return call && !absl::EndsWith(head, "=") ? Scope::kFunction : Scope::kOther;
}

class Scanner {
 public:
  std::vector<Function> Run(const Source& source) {
    for (line_ = 1; line_ <= source.lines.size(); ++line_) {
      const std::string& code = source.lines[line_ - 1].code;
      const bool directive =
          absl::StartsWith(absl::StripLeadingAsciiWhitespace(code), "#") || continued_;
      continued_ = directive && absl::EndsWith(code, "\\");
      if (directive) continue;
      for (const char c : code) Take(c);
      head_.push_back(' ');
    }
    return std::move(functions_);
  }

 private:
  struct Open {
    Scope scope = Scope::kOther;
    size_t line = 0;
  };

  bool AtOuterLevel() const {
    for (const Open& open : open_) {
      if (open.scope == Scope::kFunction || open.scope == Scope::kOther) return false;
    }
    return parentheses_ == 0;
  }

  void Take(char c) {
    if (c == '{') {
      open_.push_back({AtOuterLevel() ? ScopeOf(head_) : Scope::kOther, line_});
      if (open_.back().scope != Scope::kOther) head_.clear();
    } else if (c == '}') {
      Close();
    } else if (c == ';' && parentheses_ == 0) {
      head_.clear();
    } else {
      if (c == '(') ++parentheses_;
      if (c == ')' && parentheses_ > 0) --parentheses_;
      head_.push_back(c);
    }
  }

  void Close() {
    if (open_.empty()) return;
    const Open open = open_.back();
    open_.pop_back();
    if (open.scope == Scope::kFunction) functions_.push_back({open.line, line_ - open.line + 1});
    if (open.scope != Scope::kOther) head_.clear();
  }

  size_t line_ = 0;
  bool continued_ = false;  // The line before was a directive that ended with a backslash.
  int parentheses_ = 0;
  std::string head_;
  std::vector<Open> open_;
  std::vector<Function> functions_;
};

}  // namespace

std::vector<Function> Functions(const Source& source) { return Scanner().Run(source); }

Findings CheckLengths(const Source& source) {
  Findings findings;
  const size_t lines_max = IsTestCode(source.path) ? kTestFileLinesMax : kFileLinesMax;
  if (source.lines.size() > lines_max + 1) {
    findings.push_back({source.path, 0, "length",
                        absl::StrCat(source.lines.size() - 1, " lines, at most ", lines_max,
                                     ": look for a seam and split the file")});
  }
  for (const Function& function : Functions(source)) {
    if (function.lines <= kFunctionLinesMax) continue;
    findings.push_back({source.path, function.line, "length",
                        absl::StrCat("a function of ", function.lines, " lines, at most ",
                                     kFunctionLinesMax, ": split it into steps with names")});
  }
  return findings;
}

}  // namespace leidang::tidy
