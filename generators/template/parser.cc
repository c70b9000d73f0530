#include "generators/template/parser.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "generators/template/lexer.h"
#include "generators/template/number.h"
#include "generators/template/strconv.h"
#include "generators/template/unicode.h"

namespace leidang::generators::gotmpl {
namespace {

// Nested parentheses and control actions. Go stops at 10,000 parentheses; the native stack is
// smaller here.
constexpr int kNestingMax = 500;

bool IsEmptyTree(const Node* node) {
  if (node == nullptr) return true;
  if (node->type == NodeType::kText) {
    return go::TrimSpace(static_cast<const TextNode*>(node)->text).empty();
  }
  if (node->type != NodeType::kList) return false;
  for (const Node* child : static_cast<const ListNode*>(node)->nodes) {
    if (!IsEmptyTree(child)) return false;
  }
  return true;
}

std::vector<TValue> Keys(absl::string_view dotted) {
  std::vector<TValue> keys;
  for (const absl::string_view part : absl::StrSplit(dotted, '.'))
    keys.push_back(TValue::String(part));
  return keys;
}

// The state that belongs to one named template: variables, loops.
struct Scope {
  std::vector<std::string> vars = {"$"};
  int range_depth = 0;
  int action_line = 0;
};

// One parse. After a failure every method returns nullptr (or false) without looking further;
// `error_` has the text.
class Parser {
 public:
  explicit Parser(Forest* forest) : forest_(*forest), lex_(forest->text) {}

  absl::Status Run() {
    const ListNode* root = ParseTop();
    if (ok()) Add(kRootName, root);
    if (!ok()) return absl::InvalidArgumentError(error_);
    return absl::OkStatus();
  }

 private:
  template <typename T, typename... Args>
  T* New(Args&&... args) {
    auto node = std::make_unique<T>(std::forward<Args>(args)...);
    T* raw = node.get();
    forest_.nodes.push_back(std::move(node));
    return raw;
  }

  bool ok() const { return error_.empty(); }

  std::nullptr_t Fail(absl::string_view message) {
    if (ok()) error_ = absl::StrCat("template: ", kRootName, ":", token_[0].line, ": ", message);
    return nullptr;
  }

  std::nullptr_t Unexpected(const Item& token, absl::string_view context) {
    if (token.type != ItemType::kError) {
      return Fail(absl::StrCat("unexpected ", token.ToString(), " in ", context));
    }
    std::string extra;
    if (scope_->action_line != 0 && scope_->action_line != token.line) {
      extra = absl::StrCat(" in action started at ", kRootName, ":", scope_->action_line);
      if (absl::EndsWith(token.text, " action")) extra = extra.substr(sizeof(" in action") - 1);
    }
    return Fail(absl::StrCat(token.ToString(), extra));
  }

  // --- Tokens, with up to three of them pushed back.

  Item Next() {
    if (peek_count_ > 0)
      --peek_count_;
    else
      token_[0] = lex_.Next();
    return token_[peek_count_];
  }
  void Backup() { ++peek_count_; }
  void Backup2(const Item& t1) {
    token_[1] = t1;
    peek_count_ = 2;
  }
  void Backup3(const Item& t2, const Item& t1) {
    token_[1] = t1;
    token_[2] = t2;
    peek_count_ = 3;
  }
  Item Peek() {
    if (peek_count_ > 0) return token_[peek_count_ - 1];
    peek_count_ = 1;
    token_[0] = lex_.Next();
    return token_[0];
  }
  Item NextNonSpace() {
    Item token = Next();
    while (token.type == ItemType::kSpace) token = Next();
    return token;
  }
  Item PeekNonSpace() {
    const Item token = NextNonSpace();
    Backup();
    return token;
  }
  bool Expect(ItemType type, absl::string_view context, Item* token) {
    *token = NextNonSpace();
    if (token->type != type) Unexpected(*token, context);
    return ok();
  }

  // --- Templates.

  void Add(const std::string& name, const ListNode* root) {
    const auto it = forest_.trees.find(name);
    if (it == forest_.trees.end() || IsEmptyTree(it->second)) {
      forest_.trees[name] = root;
    } else if (!IsEmptyTree(root)) {
      Fail(absl::StrCat("template: multiple definition of template ", go::Quote(name)));
    }
  }

  const ListNode* ParseTop() {
    Scope scope;
    scope_ = &scope;
    auto* root = New<ListNode>(Peek().pos);
    while (ok() && Peek().type != ItemType::kEof) {
      if (Peek().type == ItemType::kLeftDelim) {
        const Item delim = Next();
        if (NextNonSpace().type == ItemType::kDefine) {
          ParseDefinition();
          continue;
        }
        Backup2(delim);
      }
      const Node* node = TextOrAction();
      if (node == nullptr) return nullptr;
      if (node->type == NodeType::kEnd || node->type == NodeType::kElse) {
        return Fail("unexpected " + NodeText(*node));
      }
      root->nodes.push_back(node);
    }
    return root;
  }

  void ParseDefinition() {
    constexpr absl::string_view kContext = "define clause";
    Scope scope;
    Scope* outer = std::exchange(scope_, &scope);
    const Item name = NextNonSpace();
    if (name.type != ItemType::kString && name.type != ItemType::kRawString) {
      Unexpected(name, kContext);
    } else if (const std::optional<std::string> unquoted = go::Unquote(name.text); !unquoted) {
      Fail("invalid syntax");
    } else {
      ParseBody(*unquoted, kContext, Body::kAfterDelim);
    }
    scope_ = outer;
  }

  enum class Body { kAfterDelim, kHere };

  void ParseBody(const std::string& name, absl::string_view context, Body body) {
    Item delim;
    if (body == Body::kAfterDelim && !Expect(ItemType::kRightDelim, context, &delim)) return;
    const Node* end = nullptr;
    const ListNode* list = ItemList(&end);
    if (list == nullptr) return;
    if (end->type != NodeType::kEnd) {
      // Go blames the line of the block's own action.
      if (body == Body::kHere) token_[0] = outer_token_;
      Fail(absl::StrCat("unexpected ", NodeText(*end), " in ", context));
      return;
    }
    Add(name, list);
  }

  // Up to {{end}} or {{else}}, which comes back in `next`.
  const ListNode* ItemList(const Node** next) {
    auto* list = New<ListNode>(PeekNonSpace().pos);
    while (PeekNonSpace().type != ItemType::kEof) {
      const Node* node = TextOrAction();
      if (node == nullptr) return nullptr;
      if (node->type == NodeType::kEnd || node->type == NodeType::kElse) {
        *next = node;
        return list;
      }
      list->nodes.push_back(node);
    }
    return Fail("unexpected EOF");
  }

  const Node* TextOrAction() {
    const Item token = NextNonSpace();
    if (token.type == ItemType::kText) return New<TextNode>(token.pos, token.text);
    if (token.type != ItemType::kLeftDelim) return Unexpected(token, "input");
    scope_->action_line = token.line;
    const Node* node = Action();
    scope_->action_line = 0;
    return node;
  }

  const Node* Action() {
    const Item token = NextNonSpace();
    switch (token.type) {
      case ItemType::kBlock:
        return BlockControl();
      case ItemType::kBreak:
        return LoopControl(token, NodeType::kBreak, "{{break}}");
      case ItemType::kContinue:
        return LoopControl(token, NodeType::kContinue, "{{continue}}");
      case ItemType::kElse:
        return ElseControl();
      case ItemType::kEnd: {
        Item delim;
        if (!Expect(ItemType::kRightDelim, "end", &delim)) return nullptr;
        return New<PlainNode>(NodeType::kEnd, delim.pos);
      }
      case ItemType::kIf:
        return Control(NodeType::kIf, "if");
      case ItemType::kRange:
        return Control(NodeType::kRange, "range");
      case ItemType::kTemplate:
        return TemplateControl();
      case ItemType::kWith:
        return Control(NodeType::kWith, "with");
      default:
        break;
    }
    Backup();
    const Item first = Peek();
    const PipeNode* pipe = Pipeline("command", ItemType::kRightDelim);
    return pipe == nullptr ? nullptr : New<ActionNode>(first.pos, pipe);
  }

  const Node* LoopControl(const Item& keyword, NodeType type, absl::string_view name) {
    const Item token = NextNonSpace();
    if (token.type != ItemType::kRightDelim) return Unexpected(token, name);
    if (scope_->range_depth == 0) return Fail(absl::StrCat(name, " outside {{range}}"));
    return New<PlainNode>(type, keyword.pos);
  }

  const Node* ElseControl() {
    const Item peek = PeekNonSpace();
    // "else if" is read as an else with the "if" still to come.
    if (peek.type == ItemType::kIf || peek.type == ItemType::kWith) {
      return New<PlainNode>(NodeType::kElse, peek.pos);
    }
    Item token;
    if (!Expect(ItemType::kRightDelim, "else", &token)) return nullptr;
    return New<PlainNode>(NodeType::kElse, token.pos);
  }

  const BranchNode* Control(NodeType type, absl::string_view context) {
    if (++nesting_ > kNestingMax) return Fail("max expression depth exceeded");
    const size_t vars = scope_->vars.size();
    const BranchNode* branch = ControlBody(type, context);
    scope_->vars.resize(std::min(vars, scope_->vars.size()));
    --nesting_;
    return branch;
  }

  const BranchNode* ControlBody(NodeType type, absl::string_view context) {
    const PipeNode* pipe = Pipeline(context, ItemType::kRightDelim);
    if (pipe == nullptr) return nullptr;
    if (type == NodeType::kRange) ++scope_->range_depth;
    const Node* next = nullptr;
    const ListNode* list = ItemList(&next);
    if (type == NodeType::kRange) --scope_->range_depth;
    if (list == nullptr) return nullptr;
    auto* branch = New<BranchNode>(type, pipe->pos);
    branch->pipe = pipe;
    branch->list = list;
    if (next->type == NodeType::kEnd) return branch;
    const ItemType chained = type == NodeType::kIf ? ItemType::kIf : ItemType::kWith;
    if (type != NodeType::kRange && Peek().type == chained) {
      Next();
      auto* else_list = New<ListNode>(next->pos);
      const BranchNode* inner = Control(type, context);
      if (inner == nullptr) return nullptr;
      else_list->nodes.push_back(inner);
      branch->else_list = else_list;
      return branch;
    }
    branch->else_list = ItemList(&next);
    if (branch->else_list == nullptr) return nullptr;
    if (next->type != NodeType::kEnd) return Fail("expected end; found " + NodeText(*next));
    return branch;
  }

  bool TemplateName(const Item& token, absl::string_view context, std::string* name) {
    if (token.type != ItemType::kString && token.type != ItemType::kRawString) {
      Unexpected(token, context);
      return false;
    }
    std::optional<std::string> unquoted = go::Unquote(token.text);
    if (!unquoted) {
      Fail("invalid syntax");
      return false;
    }
    *name = *std::move(unquoted);
    return true;
  }

  const Node* BlockControl() {
    constexpr absl::string_view kContext = "block clause";
    const Item token = NextNonSpace();
    std::string name;
    if (!TemplateName(token, kContext, &name)) return nullptr;
    const PipeNode* pipe = Pipeline(kContext, ItemType::kRightDelim);
    if (pipe == nullptr) return nullptr;
    if (++nesting_ > kNestingMax) return Fail("max expression depth exceeded");
    Scope scope;
    Scope* outer = std::exchange(scope_, &scope);
    outer_token_ = token_[0];
    ParseBody(name, kContext, Body::kHere);
    scope_ = outer;
    --nesting_;
    return ok() ? New<TemplateNode>(token.pos, name, pipe) : nullptr;
  }

  const Node* TemplateControl() {
    constexpr absl::string_view kContext = "template clause";
    const Item token = NextNonSpace();
    std::string name;
    if (!TemplateName(token, kContext, &name)) return nullptr;
    const PipeNode* pipe = nullptr;
    if (NextNonSpace().type != ItemType::kRightDelim) {
      Backup();
      pipe = Pipeline(kContext, ItemType::kRightDelim);
      if (pipe == nullptr) return nullptr;
    }
    return New<TemplateNode>(token.pos, name, pipe);
  }

  // --- Pipelines.

  const PipeNode* Pipeline(absl::string_view context, ItemType end) {
    auto* pipe = New<PipeNode>(PeekNonSpace().pos);
    if (!Declarations(context, pipe)) return nullptr;
    for (;;) {
      const Item token = NextNonSpace();
      if (token.type == end) return CheckPipeline(pipe, context);
      switch (token.type) {
        case ItemType::kBool:
        case ItemType::kCharConstant:
        case ItemType::kComplex:
        case ItemType::kDot:
        case ItemType::kField:
        case ItemType::kIdentifier:
        case ItemType::kNumber:
        case ItemType::kNil:
        case ItemType::kRawString:
        case ItemType::kString:
        case ItemType::kVariable:
        case ItemType::kLeftParen:
          break;
        default:
          return Unexpected(token, context);
      }
      Backup();
      const CommandNode* command = Command();
      if (command == nullptr) return nullptr;
      pipe->cmds.push_back(command);
    }
  }

  bool Declarations(absl::string_view context, PipeNode* pipe) {
    for (;;) {
      const Item v = PeekNonSpace();
      if (v.type != ItemType::kVariable) return true;
      Next();
      const Item after = Peek();
      const Item next = PeekNonSpace();
      const bool comma = next.type == ItemType::kChar && next.text == ",";
      if (next.type == ItemType::kAssign || next.type == ItemType::kDeclare) {
        pipe->is_assign = next.type == ItemType::kAssign;
        NextNonSpace();
        Declare(v, pipe);
        return true;
      }
      if (!comma) {
        if (after.type == ItemType::kSpace)
          Backup3(v, after);
        else
          Backup2(v);
        return true;
      }
      NextNonSpace();
      Declare(v, pipe);
      if (context == "range" && pipe->decl.size() < 2) {
        const ItemType type = PeekNonSpace().type;
        if (type == ItemType::kVariable || type == ItemType::kRightDelim ||
            type == ItemType::kRightParen) {
          continue;
        }
        Fail("range can only initialize variables");
        return false;
      }
      Fail(absl::StrCat("too many declarations in ", context));
      return false;
    }
  }

  void Declare(const Item& v, PipeNode* pipe) {
    pipe->decl.push_back(Variable(v.pos, v.text));
    scope_->vars.emplace_back(v.text);
  }

  const PipeNode* CheckPipeline(const PipeNode* pipe, absl::string_view context) {
    if (pipe->cmds.empty()) return Fail(absl::StrCat("missing value for ", context));
    for (size_t i = 1; i < pipe->cmds.size(); ++i) {
      switch (pipe->cmds[i]->args[0]->type) {
        case NodeType::kBool:
        case NodeType::kDot:
        case NodeType::kNil:
        case NodeType::kNumber:
        case NodeType::kString:
          return Fail(absl::StrCat("non executable command in pipeline stage ", i + 1));
        default:
          break;
      }
    }
    return pipe;
  }

  const CommandNode* Command() {
    auto* command = New<CommandNode>(PeekNonSpace().pos);
    for (;;) {
      PeekNonSpace();
      const Node* operand = Operand();
      if (!ok()) return nullptr;
      if (operand != nullptr) command->args.push_back(operand);
      const Item token = Next();
      if (token.type == ItemType::kSpace) continue;
      if (token.type == ItemType::kRightDelim || token.type == ItemType::kRightParen) {
        Backup();
      } else if (token.type != ItemType::kPipe) {
        return Unexpected(token, "operand");
      }
      break;
    }
    if (command->args.empty()) return Fail("empty command");
    return command;
  }

  // nullptr without an error means that the next item is no operand.
  const Node* Operand() {
    const Node* node = Term();
    if (node == nullptr || Peek().type != ItemType::kField) return node;
    const int pos = Peek().pos;
    std::vector<TValue> fields;
    while (Peek().type == ItemType::kField) fields.push_back(TValue::String(Next().text.substr(1)));
    switch (node->type) {
      case NodeType::kField: {
        std::vector<TValue> ident = static_cast<const FieldNode*>(node)->ident;
        ident.insert(ident.end(), fields.begin(), fields.end());
        return New<FieldNode>(pos, std::move(ident));
      }
      case NodeType::kVariable:
        return New<VariableNode>(pos, static_cast<const VariableNode*>(node)->name,
                                 std::move(fields));
      case NodeType::kBool:
      case NodeType::kString:
      case NodeType::kNumber:
      case NodeType::kNil:
      case NodeType::kDot:
        return Fail("unexpected . after term " + go::Quote(NodeText(*node)));
      default:
        break;
    }
    auto* chain = New<ChainNode>(pos, node);
    chain->fields = std::move(fields);
    return chain;
  }

  const VariableNode* Variable(int pos, absl::string_view text) {
    return New<VariableNode>(pos, TValue::String(text), std::vector<TValue>());
  }

  const Node* UseVariable(const Item& token) {
    for (const std::string& name : scope_->vars) {
      if (name == token.text) return Variable(token.pos, token.text);
    }
    return Fail("undefined variable " + go::Quote(token.text));
  }

  const Node* Term() {
    const Item token = NextNonSpace();
    switch (token.type) {
      case ItemType::kIdentifier: {
        const Function* function = FindFunction(token.text);
        if (function == nullptr)
          return Fail(absl::StrCat("function ", go::Quote(token.text), " not defined"));
        return New<IdentifierNode>(token.pos, token.text, function);
      }
      case ItemType::kDot:
        return New<PlainNode>(NodeType::kDot, token.pos);
      case ItemType::kNil:
        return New<PlainNode>(NodeType::kNil, token.pos);
      case ItemType::kVariable:
        return UseVariable(token);
      case ItemType::kField:
        return New<FieldNode>(token.pos, Keys(token.text.substr(1)));
      case ItemType::kBool:
        return New<BoolNode>(token.pos, token.text == "true");
      case ItemType::kCharConstant:
      case ItemType::kComplex:
      case ItemType::kNumber: {
        auto* number = New<NumberNode>(token.pos, token.text);
        const std::string error = ReadNumber(token.type, number);
        return error.empty() ? number : static_cast<const Node*>(Fail(error));
      }
      case ItemType::kLeftParen: {
        if (++nesting_ > kNestingMax) return Fail("max expression depth exceeded");
        const PipeNode* pipe = Pipeline("parenthesized pipeline", ItemType::kRightParen);
        --nesting_;
        return pipe;
      }
      case ItemType::kString:
      case ItemType::kRawString: {
        const std::optional<std::string> text = go::Unquote(token.text);
        if (!text) return Fail("invalid syntax");
        return New<StringNode>(token.pos, token.text, *text);
      }
      default:
        break;
    }
    Backup();
    return nullptr;
  }

  Forest& forest_;
  Lexer lex_;
  Item token_[3];
  Item outer_token_;
  int peek_count_ = 0;
  Scope* scope_ = nullptr;
  int nesting_ = 0;
  std::string error_;
};

}  // namespace

absl::StatusOr<Forest> ParseTemplate(absl::string_view text) {
  Forest forest;
  forest.text = std::string(text);
  const absl::Status status = Parser(&forest).Run();
  if (!status.ok()) return status;
  return forest;
}

}  // namespace leidang::generators::gotmpl
