#pragma once

// The parse tree of a template. Nodes are owned by their Forest and immutable once parsed.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "generators/template/value.h"

namespace leidang::generators::gotmpl {

struct Function;

enum class NodeType : uint8_t {
  kText,
  kAction,
  kBool,
  kBreak,
  kChain,
  kCommand,
  kContinue,
  kDot,
  kElse,
  kEnd,
  kField,
  kIdentifier,
  kIf,
  kList,
  kNil,
  kNumber,
  kPipe,
  kRange,
  kString,
  kTemplate,
  kVariable,
  kWith,
};

struct Node {
  Node(NodeType t, int p) : type(t), pos(p) {}
  virtual ~Node() = default;
  const NodeType type;
  const int pos;  // Byte offset in the text.
};

struct ListNode : Node {
  explicit ListNode(int p) : Node(NodeType::kList, p) {}
  std::vector<const Node*> nodes;
};

struct TextNode : Node {
  TextNode(int p, absl::string_view t) : Node(NodeType::kText, p), text(t) {}
  const std::string text;
};

struct PipeNode;

struct ActionNode : Node {
  ActionNode(int p, const PipeNode* n) : Node(NodeType::kAction, p), pipe(n) {}
  const PipeNode* const pipe;
};

// Also dot, nil, break, continue, else, end.
struct PlainNode : Node {
  using Node::Node;
};

struct BoolNode : Node {
  BoolNode(int p, bool v) : Node(NodeType::kBool, p), value(v) {}
  const bool value;
};

struct NumberNode : Node {
  NumberNode(int p, absl::string_view t) : Node(NodeType::kNumber, p), text(t) {}
  const std::string text;
  bool is_int = false, is_uint = false, is_float = false, is_complex = false;
  int64_t int_value = 0;
  uint64_t uint_value = 0;
  double float_value = 0;
  double real = 0, imag = 0;
  // Its value where no type is asked for; nil where it overflows.
  TValue ideal;
};

struct StringNode : Node {
  StringNode(int p, absl::string_view q, absl::string_view t)
      : Node(NodeType::kString, p), quoted(q), value(TValue::String(t)) {}
  const std::string quoted;
  const TValue value;
};

struct IdentifierNode : Node {
  IdentifierNode(int p, absl::string_view n, const Function* f)
      : Node(NodeType::kIdentifier, p), name(n), function(f) {}
  const std::string name;
  const Function* const function;
};

// .a.b
struct FieldNode : Node {
  FieldNode(int p, std::vector<TValue> i) : Node(NodeType::kField, p), ident(std::move(i)) {}
  const std::vector<TValue> ident;
};

// $x.a.b
struct VariableNode : Node {
  VariableNode(int p, TValue n, std::vector<TValue> f)
      : Node(NodeType::kVariable, p), name(std::move(n)), fields(std::move(f)) {}
  const TValue name;
  const std::vector<TValue> fields;
};

// (pipeline).a.b
struct ChainNode : Node {
  ChainNode(int p, const Node* n) : Node(NodeType::kChain, p), node(n) {}
  const Node* const node;
  std::vector<TValue> fields;
};

struct CommandNode : Node {
  explicit CommandNode(int p) : Node(NodeType::kCommand, p) {}
  std::vector<const Node*> args;
};

struct PipeNode : Node {
  explicit PipeNode(int p) : Node(NodeType::kPipe, p) {}
  bool is_assign = false;
  std::vector<const VariableNode*> decl;
  std::vector<const CommandNode*> cmds;
};

// if, with, range
struct BranchNode : Node {
  using Node::Node;
  const PipeNode* pipe = nullptr;
  const ListNode* list = nullptr;
  const ListNode* else_list = nullptr;
};

struct TemplateNode : Node {
  TemplateNode(int p, absl::string_view n, const PipeNode* pn)
      : Node(NodeType::kTemplate, p), name(n), pipe(pn) {}
  const std::string name;
  const PipeNode* const pipe;
};

// One parsed text: its named templates, and all their nodes.
struct Forest {
  std::string text;
  std::map<std::string, const ListNode*> trees;
  std::vector<std::unique_ptr<Node>> nodes;
};

// The node as Go prints it in error messages.
std::string NodeText(const Node& node);

}  // namespace leidang::generators::gotmpl
