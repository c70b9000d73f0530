#include "common/match/glob_syntax.h"

#include <deque>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/match/runes.h"

namespace leidang::match::glob {

namespace {

constexpr char32_t kEnd = 0;

struct Token {
  enum class Type {
    kEnd,
    kError,
    kText,
    kAny,
    kSuper,
    kSingle,
    kNot,
    kSeparator,
    kRangeOpen,
    kRangeClose,
    kRangeLo,
    kRangeHi,
    kRangeBetween,
    kTermsOpen,
    kTermsClose,
  };
  Type type;
  std::string text;
};

// A NUL in the pattern reads as the end wherever a token may begin, and merely ends a text
// elsewhere.
class Lexer {
 public:
  explicit Lexer(absl::string_view data) : data_(data) {}

  Token Next() {
    while (true) {
      if (!error_.empty()) return {Token::Type::kError, error_};
      if (!tokens_.empty()) {
        Token t = std::move(tokens_.front());
        tokens_.pop_front();
        return t;
      }
      Fetch();
    }
  }

 private:
  using Type = Token::Type;

  Rune Peek() {
    if (pos_ == data_.size()) return {kEnd, 0};
    const Rune r = DecodeRune(data_.substr(pos_));
    if (r.value != kRuneError) return r;
    error_ = "could not read rune";
    return {kEnd, 0};
  }

  char32_t Read() {
    if (has_rune_) {
      has_rune_ = false;
      pos_ += last_.width;
      return last_.value;
    }
    last_ = Peek();
    pos_ += last_.width;
    return last_.value;
  }

  void Unread() {
    if (has_rune_) {
      error_ = "could not unread rune";
      return;
    }
    pos_ -= last_.width;
    has_rune_ = true;
  }

  void Push(Type type, char32_t rune) {
    std::string text;
    AppendRune(rune, &text);
    tokens_.push_back({type, std::move(text)});
  }

  void Fetch() {
    const char32_t r = Read();
    if (r == kEnd) {
      tokens_.push_back({Type::kEnd, ""});
    } else if (r == '{') {
      ++depth_;
      Push(Type::kTermsOpen, r);
    } else if (r == ',' && depth_ > 0) {
      Push(Type::kSeparator, r);
    } else if (r == '}' && depth_ > 0) {
      Push(Type::kTermsClose, r);
      --depth_;
    } else if (r == '[') {
      Push(Type::kRangeOpen, r);
      FetchRange();
    } else if (r == '?') {
      Push(Type::kSingle, r);
    } else if (r == '*') {
      if (Read() == '*') {
        tokens_.push_back({Type::kSuper, "**"});
      } else {
        Unread();
        Push(Type::kAny, r);
      }
    } else {
      Unread();
      FetchText(depth_ > 0 ? "?*[{}," : "?*[{");
    }
  }

  void FetchRange() {
    bool want_hi = false;
    bool want_close = false;
    bool seen_not = false;
    while (true) {
      const char32_t r = Read();
      if (r == kEnd) {
        error_ = "unexpected end of input";
        return;
      }
      if (want_close) {
        if (r != ']') {
          error_ = "expected close range character";
        } else {
          Push(Type::kRangeClose, r);
        }
        return;
      }
      if (want_hi) {
        Push(Type::kRangeHi, r);
        want_close = true;
        continue;
      }
      if (!seen_not && r == '!') {
        Push(Type::kNot, r);
        seen_not = true;
        continue;
      }
      if (const Rune next = Peek(); next.value == '-') {
        pos_ += next.width;
        Push(Type::kRangeLo, r);
        Push(Type::kRangeBetween, next.value);
        want_hi = true;
        continue;
      }
      Unread();
      FetchText("]");
      want_close = true;
    }
  }

  void FetchText(absl::string_view breakers) {
    std::string data;
    bool escaped = false;
    while (true) {
      const char32_t r = Read();
      if (r == kEnd) break;
      if (!escaped) {
        if (r == '\\') {
          escaped = true;
          continue;
        }
        if (r < 0x80 && breakers.find(static_cast<char>(r)) != absl::string_view::npos) {
          Unread();
          break;
        }
      }
      escaped = false;
      AppendRune(r, &data);
    }
    if (!data.empty()) tokens_.push_back({Type::kText, std::move(data)});
  }

  const absl::string_view data_;
  size_t pos_ = 0;
  std::string error_;
  std::deque<Token> tokens_;
  int depth_ = 0;
  Rune last_;
  bool has_rune_ = false;
};

using MutableNode = std::shared_ptr<Node>;

MutableNode Make(Node::Kind kind) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  return node;
}

// A pattern that is being filled, with the braces around it.
struct Open {
  MutableNode alternatives;  // Null for the root.
  MutableNode pattern;
};

absl::StatusOr<NodePtr> ParseRange(Lexer* lexer) {
  auto node = Make(Node::Kind::kList);
  while (true) {
    Token token = lexer->Next();
    switch (token.type) {
      case Token::Type::kEnd:
        return absl::InvalidArgumentError("unexpected end");
      case Token::Type::kError:
        return absl::InvalidArgumentError(token.text);
      case Token::Type::kNot:
        node->negated = true;
        break;
      case Token::Type::kRangeLo:
        node->lo = DecodeRune(token.text).value;
        break;
      case Token::Type::kRangeHi:
        node->hi = DecodeRune(token.text).value;
        if (node->hi < node->lo) {
          std::string lo;
          AppendRune(node->lo, &lo);
          return absl::InvalidArgumentError(
              absl::StrCat("hi character '", token.text, "' should be greater than lo '", lo, "'"));
        }
        break;
      case Token::Type::kText:
        node->text = std::move(token.text);
        break;
      case Token::Type::kRangeClose: {
        const bool is_range = node->lo != 0 && node->hi != 0;
        if (is_range == !node->text.empty())
          return absl::InvalidArgumentError("could not parse range");
        if (is_range) node->kind = Node::Kind::kRange;
        return NodePtr(std::move(node));
      }
      default:
        break;
    }
  }
}

}  // namespace

bool Node::Equals(const Node& other) const {
  if (kind != other.kind || text != other.text || negated != other.negated || lo != other.lo ||
      hi != other.hi || children.size() != other.children.size()) {
    return false;
  }
  for (size_t i = 0; i < children.size(); ++i) {
    if (!children[i]->Equals(*other.children[i])) return false;
  }
  return true;
}

absl::StatusOr<NodePtr> ParseGlob(absl::string_view pattern) {
  Lexer lexer(pattern);
  std::vector<Open> stack{{nullptr, Make(Node::Kind::kPattern)}};
  const MutableNode root = stack.back().pattern;
  const auto add = [&](NodePtr node) { stack.back().pattern->children.push_back(std::move(node)); };
  while (true) {
    const Token token = lexer.Next();
    switch (token.type) {
      case Token::Type::kEnd:
        return NodePtr(root);
      case Token::Type::kError:
        return absl::InvalidArgumentError(token.text);
      case Token::Type::kText: {
        auto node = Make(Node::Kind::kText);
        node->text = token.text;
        add(std::move(node));
        break;
      }
      case Token::Type::kAny:
        add(Make(Node::Kind::kAny));
        break;
      case Token::Type::kSuper:
        add(Make(Node::Kind::kSuper));
        break;
      case Token::Type::kSingle:
        add(Make(Node::Kind::kSingle));
        break;
      case Token::Type::kRangeOpen: {
        absl::StatusOr<NodePtr> range = ParseRange(&lexer);
        if (!range.ok()) return range.status();
        add(*std::move(range));
        break;
      }
      case Token::Type::kTermsOpen: {
        auto alternatives = Make(Node::Kind::kAnyOf);
        add(alternatives);
        auto first = Make(Node::Kind::kPattern);
        alternatives->children.push_back(first);
        stack.push_back({std::move(alternatives), std::move(first)});
        break;
      }
      case Token::Type::kSeparator: {
        auto next = Make(Node::Kind::kPattern);
        stack.back().alternatives->children.push_back(next);
        stack.back().pattern = std::move(next);
        break;
      }
      case Token::Type::kTermsClose:
        stack.pop_back();
        break;
      default:
        return absl::InvalidArgumentError(absl::StrCat("unexpected token: ", token.text));
    }
  }
}

}  // namespace leidang::match::glob
