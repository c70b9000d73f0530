// From trees to steps.

#include <utility>

#include "generators/template/exec.h"
#include "generators/template/parser.h"

namespace leidang::generators::gotmpl {
namespace {

class Flattener {
 public:
  explicit Flattener(Program* program) : program_(*program) {}

  void Run() {
    for (const auto& [name, list] : program_.forest.trees) {
      program_.entries[name] = Here();
      List(*list);
      Emit(StepKind::kReturn, nullptr);
    }
    for (Step& step : program_.steps) {
      if (step.kind != StepKind::kTemplate) continue;
      const auto it = program_.entries.find(static_cast<const TemplateNode*>(step.node)->name);
      step.target = it == program_.entries.end() ? -1 : it->second;
    }
  }

 private:
  int Here() const { return static_cast<int>(program_.steps.size()); }

  int Emit(StepKind kind, const Node* node, int target = 0) {
    program_.steps.push_back({kind, node, target});
    return Here() - 1;
  }
  void PointHere(int step) { program_.steps[static_cast<size_t>(step)].target = Here(); }

  void List(const ListNode& list) {
    for (const Node* node : list.nodes) One(*node);
  }

  void One(const Node& node) {
    switch (node.type) {
      case NodeType::kText:
        Emit(StepKind::kText, &node);
        return;
      case NodeType::kAction:
        Emit(IsPlainField(node) ? StepKind::kField : StepKind::kAction, &node);
        return;
      case NodeType::kIf:
      case NodeType::kWith:
        Branch(static_cast<const BranchNode&>(node));
        return;
      case NodeType::kRange:
        Range(static_cast<const BranchNode&>(node));
        return;
      case NodeType::kBreak:
        Emit(StepKind::kBreak, &node);
        return;
      case NodeType::kContinue:
        Emit(StepKind::kContinue, &node);
        return;
      case NodeType::kTemplate:
        Emit(StepKind::kTemplate, &node);
        return;
      case NodeType::kList:
        List(static_cast<const ListNode&>(node));
        return;
      default:
        return;
    }
  }

  static bool IsPlainField(const Node& node) {
    const PipeNode& pipe = *static_cast<const ActionNode&>(node).pipe;
    return pipe.decl.empty() && pipe.cmds.size() == 1 && pipe.cmds[0]->args.size() == 1 &&
           pipe.cmds[0]->args[0]->type == NodeType::kField;
  }

  void Branch(const BranchNode& branch) {
    const int enter = Emit(branch.type == NodeType::kIf ? StepKind::kIf : StepKind::kWith, &branch);
    List(*branch.list);
    if (branch.else_list != nullptr) {
      const int jump = Emit(StepKind::kJump, &branch);
      PointHere(enter);
      List(*branch.else_list);
      PointHere(jump);
    } else {
      PointHere(enter);
    }
    Emit(StepKind::kEndScope, &branch);
  }

  // range ELSE; body; next BODY; end END; ELSE: …; end END; END:
  // Break and continue find `next` and `end` just before ELSE.
  void Range(const BranchNode& branch) {
    const int enter = Emit(StepKind::kRange, &branch);
    List(*branch.list);
    Emit(StepKind::kNext, &branch, enter + 1);
    const int end = Emit(StepKind::kEndRange, &branch);
    PointHere(enter);
    if (branch.else_list != nullptr) List(*branch.else_list);
    const int end_else = Emit(StepKind::kEndRange, &branch);
    PointHere(end);
    PointHere(end_else);
  }

  Program& program_;
};

// Compiles the pattern of a command like `regexMatch "^a" …`.
void TakePattern(const CommandNode& command, Patterns* patterns) {
  if (command.args.size() < 2 || command.args[0]->type != NodeType::kIdentifier ||
      command.args[1]->type != NodeType::kString) {
    return;
  }
  if ((static_cast<const IdentifierNode*>(command.args[0])->function->flags & kRegex) == 0) return;
  const absl::string_view pattern = static_cast<const StringNode*>(command.args[1])->value.text();
  patterns->try_emplace(std::string(pattern), go::Regex::Compile(pattern));
}

}  // namespace

Program Flatten(Forest forest) {
  Program program;
  program.forest = std::move(forest);
  for (const auto& node : program.forest.nodes) {
    if (node->type == NodeType::kCommand)
      TakePattern(static_cast<const CommandNode&>(*node), &program.patterns);
    if (node->type != NodeType::kIdentifier) continue;
    const unsigned flags = static_cast<const IdentifierNode&>(*node).function->flags;
    program.may_mutate |= (flags & kMutates) != 0;
    program.may_be_random |= (flags & kRandom) != 0;
  }
  Flattener(&program).Run();
  program.root = program.entries.at(kRootName);
  const Step* step = &program.steps[static_cast<size_t>(program.root)];
  while (step->kind == StepKind::kText || step->kind == StepKind::kField) ++step;
  program.plain = step->kind == StepKind::kReturn;
  return program;
}

}  // namespace leidang::generators::gotmpl
