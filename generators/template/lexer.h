#pragma once

// Splits template text into items, as Go's text/template/parse does: same items, same positions,
// same messages. Thread-compatible; the text must outlive the lexer and its items.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace leidang::generators::gotmpl {

enum class ItemType : uint8_t {
  kError,
  kBool,
  kChar,
  kCharConstant,
  kComplex,
  kAssign,
  kDeclare,
  kEof,
  kField,
  kIdentifier,
  kLeftDelim,
  kLeftParen,
  kNumber,
  kPipe,
  kRawString,
  kRightDelim,
  kRightParen,
  kSpace,
  kString,
  kText,
  kVariable,
  // Keywords.
  kKeyword,
  kBlock,
  kBreak,
  kContinue,
  kDot,
  kDefine,
  kElse,
  kEnd,
  kIf,
  kNil,
  kRange,
  kTemplate,
  kWith,
};

struct Item {
  ItemType type = ItemType::kEof;
  int pos = 0;             // Byte offset in the text.
  absl::string_view text;  // A message for kError, owned by the lexer.
  int line = 0;

  // As error messages quote it.
  std::string ToString() const;
};

class Lexer {
 public:
  explicit Lexer(absl::string_view input) : input_(input) {}
  Lexer(const Lexer&) = delete;
  Lexer& operator=(const Lexer&) = delete;

  Item Next();

 private:
  static constexpr int32_t kEnd = -1;

  enum class State { kText, kLeftDelim, kComment, kRightDelim, kInsideAction, kDone };

  State LexText();
  State LexLeftDelim();
  State LexComment();
  State LexRightDelim();
  State LexInsideAction();
  State LexSpace();
  State LexIdentifier();
  State LexFieldOrVariable(ItemType type);
  State LexQuoted(char quote, ItemType type, absl::string_view complaint);
  State LexRawQuote();
  State LexNumber();
  bool ScanNumber();

  int32_t NextRune();
  int32_t Peek();
  void Backup();
  bool Accept(absl::string_view valid);
  void AcceptRun(absl::string_view valid);
  bool AtTerminator();
  bool AtRightDelim(bool* trim) const;
  absl::string_view Rest() const { return input_.substr(pos_); }

  Item ThisItem(ItemType type);
  State Emit(ItemType type);
  State EmitItem(Item item);
  State Error(std::string message);
  void Ignore();

  absl::string_view input_;
  size_t pos_ = 0;
  size_t start_ = 0;
  bool at_eof_ = false;
  int paren_depth_ = 0;
  int line_ = 1;
  int start_line_ = 1;
  bool inside_action_ = false;
  Item item_;
  std::string message_;
};

}  // namespace leidang::generators::gotmpl
