#include "generators/reconciling/jq_path.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/match/regexp.h"

namespace leidang::generators {

using object::Array;
using object::Object;
using object::Value;

struct JqPath::Node {
  enum class Kind {
    kIdentity,
    kField,    // `text` of what `left` gives.
    kIndex,    // `number` of it.
    kIterate,  // All members of it.
    kRecurse,
    kPipe,
    kComma,
    kAlternative,  // `left // right`.
    kTry,
    kLiteral,
    kCompare,  // `text` is the operator.
    kAnd,
    kOr,
    kCall,  // Function `text`; `left` its argument.
  };
  Kind kind = Kind::kIdentity;
  std::string text;
  int64_t number = 0;
  Value literal;
  std::shared_ptr<const Node> left;
  std::shared_ptr<const Node> right;
};

namespace {

using Node = JqPath::Node;
using NodePtr = std::shared_ptr<const Node>;
constexpr int kDepthMax = 100;
constexpr size_t kStepsMax = 1'000'000;

NodePtr Make(Node::Kind kind, NodePtr left = nullptr, NodePtr right = nullptr,
             std::string text = "") {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->left = std::move(left);
  node->right = std::move(right);
  node->text = std::move(text);
  return node;
}

// A recursive descent over jq's grammar, loosest binding first: `|` `,` `//` `or` `and` comparison
// postfix.
class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<NodePtr> Run() {
    ASSIGN_OR_RETURN(NodePtr node, Pipe());
    Skip();
    if (at_ != text_.size()) return Wrong("end");
    return node;
  }

 private:
  absl::Status Wrong(absl::string_view expected) const {
    const absl::string_view found = text_.substr(std::min(at_, text_.size()), 10);
    return absl::InvalidArgumentError(absl::StrCat("jq expression ", text_, ", at byte ", at_,
                                                   ": expected ", expected, ", found ",
                                                   found.empty() ? "the end" : found));
  }

  void Skip() {
    while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) ++at_;
  }
  bool Take(absl::string_view token) {
    Skip();
    if (!absl::StartsWith(text_.substr(at_), token)) return false;
    at_ += token.size();
    return true;
  }
  bool TakeWord(absl::string_view word) {
    Skip();
    const absl::string_view rest = text_.substr(at_);
    if (!absl::StartsWith(rest, word)) return false;
    if (rest.size() > word.size() && IsNamePart(rest[word.size()])) return false;
    at_ += word.size();
    return true;
  }
  static bool IsNamePart(char c) { return absl::ascii_isalnum(c) || c == '_'; }

  absl::StatusOr<NodePtr> Pipe() {
    if (++depth_ > kDepthMax) return absl::InvalidArgumentError("jq expression nests too deeply");
    ASSIGN_OR_RETURN(NodePtr left, Comma());
    if (PeekPipe() && Take("|")) {
      ASSIGN_OR_RETURN(NodePtr right, Pipe());
      left = Make(Node::Kind::kPipe, std::move(left), std::move(right));
    }
    --depth_;
    return left;
  }
  bool PeekPipe() {
    Skip();
    return at_ < text_.size() && text_[at_] == '|' && !absl::StartsWith(text_.substr(at_), "|=");
  }

  absl::StatusOr<NodePtr> Comma() {
    ASSIGN_OR_RETURN(NodePtr left, Alternative());
    while (Take(",")) {
      ASSIGN_OR_RETURN(NodePtr right, Alternative());
      left = Make(Node::Kind::kComma, std::move(left), std::move(right));
    }
    return left;
  }

  absl::StatusOr<NodePtr> Alternative() {
    ASSIGN_OR_RETURN(NodePtr left, Or());
    while (Take("//")) {
      ASSIGN_OR_RETURN(NodePtr right, Or());
      left = Make(Node::Kind::kAlternative, std::move(left), std::move(right));
    }
    return left;
  }

  absl::StatusOr<NodePtr> Or() {
    ASSIGN_OR_RETURN(NodePtr left, And());
    while (TakeWord("or")) {
      ASSIGN_OR_RETURN(NodePtr right, And());
      left = Make(Node::Kind::kOr, std::move(left), std::move(right));
    }
    return left;
  }

  absl::StatusOr<NodePtr> And() {
    ASSIGN_OR_RETURN(NodePtr left, Comparison());
    while (TakeWord("and")) {
      ASSIGN_OR_RETURN(NodePtr right, Comparison());
      left = Make(Node::Kind::kAnd, std::move(left), std::move(right));
    }
    return left;
  }

  absl::StatusOr<NodePtr> Comparison() {
    ASSIGN_OR_RETURN(NodePtr left, Postfix());
    for (const char* op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (!Take(op)) continue;
      ASSIGN_OR_RETURN(NodePtr right, Postfix());
      return Make(Node::Kind::kCompare, std::move(left), std::move(right), op);
    }
    return left;
  }

  absl::StatusOr<NodePtr> Postfix() {
    ASSIGN_OR_RETURN(NodePtr node, Term());
    while (true) {
      if (Take("?")) {
        node = Make(Node::Kind::kTry, std::move(node));
      } else if (at_ < text_.size() && text_[at_] == '[') {
        ++at_;
        ASSIGN_OR_RETURN(node, Bracket(std::move(node)));
      } else if (at_ + 1 < text_.size() && text_[at_] == '.' && text_[at_ + 1] != '.') {
        ++at_;
        ASSIGN_OR_RETURN(node, AfterDot(std::move(node)));
      } else {
        return node;
      }
    }
  }

  absl::StatusOr<NodePtr> AfterDot(NodePtr left) {
    if (at_ < text_.size() && text_[at_] == '[') {
      ++at_;
      return Bracket(std::move(left));
    }
    if (at_ < text_.size() && text_[at_] == '"') {
      ASSIGN_OR_RETURN(const Value text, String());
      return Make(Node::Kind::kField, std::move(left), nullptr,
                  std::string(text.get_string().data(), text.get_string().size()));
    }
    const size_t start = at_;
    if (at_ < text_.size() && absl::ascii_isdigit(text_[at_])) return Wrong("a field's name");
    while (at_ < text_.size() && IsNamePart(text_[at_])) ++at_;
    if (start == at_) return Wrong("a field's name");
    return Make(Node::Kind::kField, std::move(left), nullptr,
                std::string(text_.substr(start, at_ - start)));
  }

  absl::StatusOr<NodePtr> Bracket(NodePtr left) {
    if (Take("]")) return Make(Node::Kind::kIterate, std::move(left));
    Skip();
    if (at_ < text_.size() && text_[at_] == '"') {
      ASSIGN_OR_RETURN(const Value text, String());
      if (!Take("]")) return Wrong("]");
      return Make(Node::Kind::kField, std::move(left), nullptr,
                  std::string(text.get_string().data(), text.get_string().size()));
    }
    const size_t start = at_;
    if (at_ < text_.size() && text_[at_] == '-') ++at_;
    while (at_ < text_.size() && absl::ascii_isdigit(text_[at_])) ++at_;
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::kIndex;
    node->left = std::move(left);
    if (!absl::SimpleAtoi(text_.substr(start, at_ - start), &node->number)) {
      return absl::UnimplementedError(
          absl::StrCat("jq expression ", text_, ", at byte ", at_,
                       ": only a number or a quoted name may stand between brackets"));
    }
    if (!Take("]")) return Wrong("]");
    return NodePtr(std::move(node));
  }

  absl::StatusOr<Value> String() {
    const size_t start = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return Wrong("a closing quote");
    ++at_;
    return object::ParseJson(text_.substr(start, at_ - start));
  }

  absl::StatusOr<NodePtr> Literal(Value value) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::kLiteral;
    node->literal = std::move(value);
    return NodePtr(std::move(node));
  }

  absl::StatusOr<NodePtr> Term() {
    Skip();
    if (at_ >= text_.size()) return Wrong("a path");
    if (Take("..")) return Make(Node::Kind::kRecurse);
    if (text_[at_] == '.') {
      ++at_;
      const bool more =
          at_ < text_.size() && (IsNamePart(text_[at_]) || text_[at_] == '"' || text_[at_] == '[');
      if (!more) return Make(Node::Kind::kIdentity);
      return AfterDot(Make(Node::Kind::kIdentity));
    }
    if (Take("(")) {
      ASSIGN_OR_RETURN(NodePtr node, Pipe());
      if (!Take(")")) return Wrong(")");
      return node;
    }
    if (text_[at_] == '"') {
      ASSIGN_OR_RETURN(Value text, String());
      return Literal(std::move(text));
    }
    if (absl::ascii_isdigit(text_[at_]) || text_[at_] == '-') return Number();
    return Word();
  }

  absl::StatusOr<NodePtr> Number() {
    const size_t start = at_++;
    while (at_ < text_.size() && (absl::ascii_isdigit(text_[at_]) || text_[at_] == '.')) ++at_;
    ASSIGN_OR_RETURN(Value number, object::ParseJson(text_.substr(start, at_ - start)));
    return Literal(std::move(number));
  }

  absl::StatusOr<NodePtr> Word() {
    if (TakeWord("true")) return Literal(Value(true));
    if (TakeWord("false")) return Literal(Value(false));
    if (TakeWord("null")) return Literal(Value());
    for (const char* name : {"not", "length", "type", "keys", "recurse", "empty"}) {
      if (TakeWord(name)) return Make(Node::Kind::kCall, nullptr, nullptr, name);
    }
    for (const char* name : {"select", "has", "contains", "startswith", "endswith", "test"}) {
      if (!TakeWord(name)) continue;
      if (!Take("(")) return Wrong("(");
      ASSIGN_OR_RETURN(NodePtr argument, Pipe());
      if (!Take(")")) return Wrong(")");
      return Make(Node::Kind::kCall, std::move(argument), nullptr, name);
    }
    return absl::UnimplementedError(
        absl::StrCat("jq expression ", text_, ", at byte ", at_,
                     ": this part of jq is not supported in ignoreApplicationDifferences"));
  }

  const absl::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

using Step = std::variant<std::string, int64_t>;
using Path = std::vector<Step>;

// A value on the way, and where it comes from; none for a value that is no part of the document.
struct Item {
  std::optional<Path> path;
  Value value;
};

class Evaluator {
 public:
  absl::StatusOr<std::vector<Item>> Run(const Node& node, const Item& in) {
    if (++steps_ > kStepsMax) return absl::ResourceExhaustedError("jq expression takes too long");
    switch (node.kind) {
      case Node::Kind::kIdentity:
        return std::vector<Item>{in};
      case Node::Kind::kLiteral:
        return std::vector<Item>{{std::nullopt, node.literal}};
      case Node::Kind::kField:
      case Node::Kind::kIndex:
      case Node::Kind::kIterate:
        return Member(node, in);
      case Node::Kind::kRecurse:
        return Recurse(in);
      case Node::Kind::kPipe:
        return Pipe(node, in);
      case Node::Kind::kComma: {
        ASSIGN_OR_RETURN(std::vector<Item> out, Run(*node.left, in));
        ASSIGN_OR_RETURN(const std::vector<Item> more, Run(*node.right, in));
        out.insert(out.end(), more.begin(), more.end());
        return out;
      }
      case Node::Kind::kAlternative:
        return Alternative(node, in);
      case Node::Kind::kTry: {
        absl::StatusOr<std::vector<Item>> out = Run(*node.left, in);
        if (!out.ok() && !absl::IsResourceExhausted(out.status())) return std::vector<Item>();
        return out;
      }
      case Node::Kind::kCompare:
      case Node::Kind::kAnd:
      case Node::Kind::kOr:
        return Binary(node, in);
      case Node::Kind::kCall:
        return Call(node, in);
    }
    return absl::InternalError("unknown part of a jq expression");
  }

 private:
  static bool Truthy(const Value& v) { return !(v.is_null() || (v.is_bool() && !v.get_bool())); }

  static Item Below(const Item& item, Step step, Value value) {
    std::optional<Path> path = item.path;
    if (path.has_value()) path->push_back(std::move(step));
    return {std::move(path), std::move(value)};
  }

  static absl::Status Fails(absl::string_view what) { return absl::FailedPreconditionError(what); }

  absl::StatusOr<std::vector<Item>> Member(const Node& node, const Item& in) {
    ASSIGN_OR_RETURN(const std::vector<Item> from, Run(*node.left, in));
    std::vector<Item> out;
    for (const Item& item : from) {
      const Value& v = item.value;
      if (node.kind == Node::Kind::kField) {
        if (!v.is_object() && !v.is_null()) return Fails("cannot take a field of this");
        const Value* found = object::Find(v, {node.text});
        out.push_back(Below(item, node.text, found == nullptr ? Value() : *found));
      } else if (node.kind == Node::Kind::kIndex) {
        if (!v.is_array() && !v.is_null()) return Fails("cannot take an element of this");
        const int64_t size = v.is_array() ? static_cast<int64_t>(v.get_array().size()) : 0;
        const int64_t i = node.number < 0 ? node.number + size : node.number;
        const bool there = i >= 0 && i < size;
        out.push_back(Below(item, i, there ? v.get_array()[static_cast<size_t>(i)] : Value()));
      } else if (v.is_array()) {
        for (size_t i = 0; i < v.get_array().size(); ++i) {
          out.push_back(Below(item, static_cast<int64_t>(i), v.get_array()[i]));
        }
      } else if (v.is_object()) {
        for (const auto& [key, value] : v.get_object()) {
          out.push_back(Below(item, std::string(key.data(), key.size()), value));
        }
      } else {
        return Fails("cannot iterate over this");
      }
      if (out.size() > kStepsMax) return absl::ResourceExhaustedError("too many values");
    }
    return out;
  }

  absl::StatusOr<std::vector<Item>> Recurse(const Item& in) {
    std::vector<Item> out{in};
    for (size_t i = 0; i < out.size(); ++i) {
      if (out.size() > kStepsMax) return absl::ResourceExhaustedError("too many values");
      const Item item = out[i];
      if (item.value.is_array()) {
        for (size_t j = 0; j < item.value.get_array().size(); ++j) {
          out.push_back(Below(item, static_cast<int64_t>(j), item.value.get_array()[j]));
        }
      } else if (item.value.is_object()) {
        for (const auto& [key, value] : item.value.get_object()) {
          out.push_back(Below(item, std::string(key.data(), key.size()), value));
        }
      }
    }
    return out;
  }

  absl::StatusOr<std::vector<Item>> Pipe(const Node& node, const Item& in) {
    ASSIGN_OR_RETURN(const std::vector<Item> from, Run(*node.left, in));
    std::vector<Item> out;
    for (const Item& item : from) {
      ASSIGN_OR_RETURN(const std::vector<Item> more, Run(*node.right, item));
      out.insert(out.end(), more.begin(), more.end());
    }
    return out;
  }

  absl::StatusOr<std::vector<Item>> Alternative(const Node& node, const Item& in) {
    absl::StatusOr<std::vector<Item>> left = Run(*node.left, in);
    std::vector<Item> kept;
    if (left.ok()) {
      for (Item& item : *left) {
        if (Truthy(item.value)) kept.push_back(std::move(item));
      }
    }
    if (!kept.empty()) return kept;
    return Run(*node.right, in);
  }

  absl::StatusOr<std::vector<Item>> Binary(const Node& node, const Item& in) {
    ASSIGN_OR_RETURN(const std::vector<Item> left, Run(*node.left, in));
    std::vector<Item> out;
    for (const Item& a : left) {
      if (node.kind != Node::Kind::kCompare && Truthy(a.value) == (node.kind == Node::Kind::kOr)) {
        out.push_back({std::nullopt, Value(node.kind == Node::Kind::kOr)});
        continue;
      }
      ASSIGN_OR_RETURN(const std::vector<Item> right, Run(*node.right, in));
      for (const Item& b : right) {
        const bool yes = node.kind == Node::Kind::kCompare ? Compare(node.text, a.value, b.value)
                                                           : Truthy(b.value);
        out.push_back({std::nullopt, Value(yes)});
      }
    }
    return out;
  }

  // jq orders null < false < true < numbers < text < lists < objects.
  static int Rank(const Value& v) {
    if (v.is_null()) return 0;
    if (v.is_bool()) return v.get_bool() ? 2 : 1;
    if (v.is_number()) return 3;
    if (v.is_string()) return 4;
    return v.is_array() ? 5 : 6;
  }
  static bool Less(const Value& a, const Value& b) {
    if (Rank(a) != Rank(b)) return Rank(a) < Rank(b);
    if (a.is_number()) return a.to_number<double>() < b.to_number<double>();
    if (a.is_string()) return a.get_string() < b.get_string();
    return object::CanonicalJson(a) < object::CanonicalJson(b);
  }
  static bool Compare(absl::string_view op, const Value& a, const Value& b) {
    if (op == "==") return object::Equal(a, b);
    if (op == "!=") return !object::Equal(a, b);
    if (op == "<") return Less(a, b);
    if (op == ">") return Less(b, a);
    return op == "<=" ? !Less(b, a) : !Less(a, b);
  }

  static bool Contains(const Value& a, const Value& b) {
    if (a.is_string() && b.is_string()) {
      return absl::string_view(a.get_string().data(), a.get_string().size())
                 .find({b.get_string().data(), b.get_string().size()}) != absl::string_view::npos;
    }
    if (a.is_array() && b.is_array()) {
      return std::all_of(b.get_array().begin(), b.get_array().end(), [&](const Value& wanted) {
        return std::any_of(a.get_array().begin(), a.get_array().end(),
                           [&](const Value& v) { return Contains(v, wanted); });
      });
    }
    if (a.is_object() && b.is_object()) {
      return std::all_of(b.get_object().begin(), b.get_object().end(), [&](const auto& member) {
        const Value* v = a.get_object().if_contains(member.key());
        return v != nullptr && Contains(*v, member.value());
      });
    }
    return object::Equal(a, b);
  }

  absl::StatusOr<std::vector<Item>> Call(const Node& node, const Item& in) {
    if (node.text == "empty") return std::vector<Item>();
    if (node.text == "recurse") return Recurse(in);
    if (node.text == "not") return One(Value(!Truthy(in.value)));
    if (node.text == "type") return One(Value(TypeOf(in.value)));
    if (node.text == "length") return One(Value(LengthOf(in.value)));
    if (node.text == "keys") return Keys(in.value);
    ASSIGN_OR_RETURN(const std::vector<Item> arguments, Run(*node.left, in));
    std::vector<Item> out;
    for (const Item& argument : arguments) {
      if (node.text == "select") {
        if (Truthy(argument.value)) out.push_back(in);
        continue;
      }
      ASSIGN_OR_RETURN(const bool yes, Test(node.text, in.value, argument.value));
      out.push_back({std::nullopt, Value(yes)});
    }
    return out;
  }

  static std::vector<Item> One(Value value) { return {{std::nullopt, std::move(value)}}; }

  static const char* TypeOf(const Value& v) {
    static constexpr const char* kNames[] = {"null",   "boolean", "boolean", "number",
                                             "string", "array",   "object"};
    return kNames[Rank(v)];
  }

  static int64_t LengthOf(const Value& v) {
    if (v.is_string()) return static_cast<int64_t>(v.get_string().size());
    if (v.is_array()) return static_cast<int64_t>(v.get_array().size());
    return v.is_object() ? static_cast<int64_t>(v.get_object().size()) : 0;
  }

  static absl::StatusOr<std::vector<Item>> Keys(const Value& v) {
    if (!v.is_object()) return Fails("this has no keys");
    std::vector<std::string> names;
    for (const auto& member : v.get_object())
      names.emplace_back(member.key().data(), member.key().size());
    std::sort(names.begin(), names.end());
    Array out;
    for (const std::string& name : names) out.emplace_back(name);
    return One(Value(std::move(out)));
  }

  static absl::StatusOr<bool> Test(absl::string_view function, const Value& in,
                                   const Value& argument) {
    if (function == "contains") return Contains(in, argument);
    if (function == "has" && in.is_object() && argument.is_string()) {
      return in.get_object().contains(argument.get_string());
    }
    if (!in.is_string() || !argument.is_string()) return Fails("text expected");
    const absl::string_view text(in.get_string().data(), in.get_string().size());
    const absl::string_view wanted(argument.get_string().data(), argument.get_string().size());
    if (function == "startswith") return absl::StartsWith(text, wanted);
    if (function == "endswith") return absl::EndsWith(text, wanted);
    ASSIGN_OR_RETURN(const match::GoRegexp pattern, match::GoRegexp::Compile(wanted));
    return pattern.Matches(text);
  }

  size_t steps_ = 0;
};

void DeleteAt(Value& value, const Path& path, size_t from) {
  const Step& step = path[from];
  const bool last = from + 1 == path.size();
  if (const auto* name = std::get_if<std::string>(&step)) {
    if (!value.is_object()) return;
    if (last) {
      object::StableErase(value.get_object(), *name);
    } else if (Value* child = value.get_object().if_contains(*name)) {
      DeleteAt(*child, path, from + 1);
    }
    return;
  }
  const int64_t i = std::get<int64_t>(step);
  if (!value.is_array() || i < 0 || i >= static_cast<int64_t>(value.get_array().size())) return;
  if (last) {
    value.get_array().erase(value.get_array().begin() + i);
  } else {
    DeleteAt(value.get_array()[static_cast<size_t>(i)], path, from + 1);
  }
}

}  // namespace

absl::StatusOr<JqPath> JqPath::Compile(absl::string_view expression) {
  ASSIGN_OR_RETURN(NodePtr root, Parser(expression).Run());
  return JqPath(std::move(root));
}

Value JqPath::Delete(const Value& value) const {
  const absl::StatusOr<std::vector<Item>> items = Evaluator().Run(*root_, {Path(), value});
  if (!items.ok()) return value;
  std::vector<Path> paths;
  for (const Item& item : *items) {
    // A value that is no part of the document cannot be deleted: jq fails on it.
    if (!item.path.has_value()) return value;
    if (item.path->empty()) return Value();
    paths.push_back(*item.path);
  }
  // The last first, so that indices stay right.
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  Value out = value;
  for (auto it = paths.rbegin(); it != paths.rend(); ++it) DeleteAt(out, *it, 0);
  return out;
}

}  // namespace leidang::generators
