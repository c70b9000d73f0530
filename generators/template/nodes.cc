#include "generators/template/nodes.h"

#include "absl/strings/str_cat.h"

#include "generators/template/strconv.h"

namespace leidang::generators::gotmpl {
namespace {

void Write(const Node& node, std::string* out);

void WriteFields(const std::vector<TValue>& fields, std::string* out) {
  for (const TValue& field : fields) absl::StrAppend(out, ".", field.text());
}

void WritePipe(const PipeNode& pipe, std::string* out) {
  for (size_t i = 0; i < pipe.decl.size(); ++i) {
    if (i > 0) *out += ", ";
    Write(*pipe.decl[i], out);
  }
  if (!pipe.decl.empty()) *out += pipe.is_assign ? " = " : " := ";
  for (size_t i = 0; i < pipe.cmds.size(); ++i) {
    if (i > 0) *out += " | ";
    Write(*pipe.cmds[i], out);
  }
}

void WriteOperand(const Node& node, std::string* out) {
  if (node.type != NodeType::kPipe) {
    Write(node, out);
    return;
  }
  *out += "(";
  Write(node, out);
  *out += ")";
}

void WriteBranch(const BranchNode& branch, std::string* out) {
  absl::StrAppend(out, "{{",
                  branch.type == NodeType::kIf     ? "if"
                  : branch.type == NodeType::kWith ? "with"
                                                   : "range",
                  " ");
  WritePipe(*branch.pipe, out);
  *out += "}}";
  Write(*branch.list, out);
  if (branch.else_list != nullptr) {
    *out += "{{else}}";
    Write(*branch.else_list, out);
  }
  *out += "{{end}}";
}

void WriteCommand(const CommandNode& command, std::string* out) {
  for (size_t i = 0; i < command.args.size(); ++i) {
    if (i > 0) *out += " ";
    WriteOperand(*command.args[i], out);
  }
}

void WriteTemplate(const TemplateNode& call, std::string* out) {
  absl::StrAppend(out, "{{template ", go::Quote(call.name));
  if (call.pipe != nullptr) {
    *out += " ";
    WritePipe(*call.pipe, out);
  }
  *out += "}}";
}

// The text of a node without others inside.
absl::string_view LeafText(const Node& node) {
  switch (node.type) {
    case NodeType::kText:
      return static_cast<const TextNode&>(node).text;
    case NodeType::kBool:
      return static_cast<const BoolNode&>(node).value ? "true" : "false";
    case NodeType::kBreak:
      return "{{break}}";
    case NodeType::kContinue:
      return "{{continue}}";
    case NodeType::kElse:
      return "{{else}}";
    case NodeType::kEnd:
      return "{{end}}";
    case NodeType::kDot:
      return ".";
    case NodeType::kNil:
      return "nil";
    case NodeType::kNumber:
      return static_cast<const NumberNode&>(node).text;
    case NodeType::kString:
      return static_cast<const StringNode&>(node).quoted;
    case NodeType::kIdentifier:
      return static_cast<const IdentifierNode&>(node).name;
    default:
      return "";
  }
}

void Write(const Node& node, std::string* out) {
  switch (node.type) {
    case NodeType::kAction:
      *out += "{{";
      WritePipe(*static_cast<const ActionNode&>(node).pipe, out);
      *out += "}}";
      return;
    case NodeType::kField:
      WriteFields(static_cast<const FieldNode&>(node).ident, out);
      return;
    case NodeType::kVariable:
      absl::StrAppend(out, static_cast<const VariableNode&>(node).name.text());
      WriteFields(static_cast<const VariableNode&>(node).fields, out);
      return;
    case NodeType::kChain:
      WriteOperand(*static_cast<const ChainNode&>(node).node, out);
      WriteFields(static_cast<const ChainNode&>(node).fields, out);
      return;
    case NodeType::kCommand:
      WriteCommand(static_cast<const CommandNode&>(node), out);
      return;
    case NodeType::kPipe:
      WritePipe(static_cast<const PipeNode&>(node), out);
      return;
    case NodeType::kList:
      for (const Node* child : static_cast<const ListNode&>(node).nodes) Write(*child, out);
      return;
    case NodeType::kIf:
    case NodeType::kWith:
    case NodeType::kRange:
      WriteBranch(static_cast<const BranchNode&>(node), out);
      return;
    case NodeType::kTemplate:
      WriteTemplate(static_cast<const TemplateNode&>(node), out);
      return;
    default:
      absl::StrAppend(out, LeafText(node));
  }
}

}  // namespace

std::string NodeText(const Node& node) {
  std::string out;
  Write(node, &out);
  return out;
}

}  // namespace leidang::generators::gotmpl
