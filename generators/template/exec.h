#pragma once

// Program: a parsed template flattened into steps. Execution: one run of it.
//
// Control flow is a list of steps with jump targets, so that loops, and templates that call
// templates, use no native stack; expressions are walked as trees.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "generators/template/functions.h"
#include "generators/template/nodes.h"

namespace leidang::generators::gotmpl {

enum class MissingKey : uint8_t { kInvalid, kZero, kError };

enum class StepKind : uint8_t {
  kText,
  kAction,
  kField,     // An action that is one chain of fields.
  kIf,        // to `target` if false
  kWith,      // to `target` if false
  kEndScope,  // of if and with
  kRange,     // to `target` if there is nothing to walk
  kNext,      // end of a round: to `target` if there is another one
  kEndRange,
  kBreak,
  kContinue,
  kJump,
  kTemplate,  // `target` -1: not defined
  kReturn,
};

struct Step {
  StepKind kind;
  const Node* node = nullptr;
  int target = 0;
};

struct Program {
  Forest forest;
  std::vector<Step> steps;
  std::map<std::string, int> entries;
  Patterns patterns;
  MissingKey missing_key = MissingKey::kInvalid;
  bool may_mutate = false;
  bool may_be_random = false;
  int root = 0;        // Where the outermost template begins.
  bool plain = false;  // It is text and chains of fields, nothing else.
};

// Appends what a plain program renders to; false, with nothing appended, where a field is no text
// or not there, so that an Execution has to find out what that means.
bool RenderPlain(const Program& program, const TValue& root, size_t bytes_max, std::string* out);

// Flattens all trees of `forest`.
Program Flatten(Forest forest);

class Execution {
 public:
  Execution(const Program& program, RenderContext* context, std::string* out);

  // The error carries Go's text without the prefix of Argo CD.
  absl::Status Run(const TValue& root);

 private:
  struct Variable {
    const TValue* name;
    Slot value;
  };
  // An if, with or range in progress.
  struct Scope {
    bool is_range = false;
    size_t vars = 0;        // Variables before it.
    size_t round_vars = 0;  // Variables at the start of a round.
    Slot dot;               // Outside of it.
    const Step* step = nullptr;
    TValue list;
    std::vector<TMap::Entry> entries;
    int64_t i = 0, n = 0;
  };
  struct Frame {
    const Step* back = nullptr;
    const std::string* name = nullptr;
    size_t vars = 0;
    size_t scopes = 0;
    Slot dot;
  };

  bool Loop(const Step* step);
  bool Text(absl::string_view text);
  bool Print(const Slot& value);
  bool FastField(const Step& step);
  bool DoAction(const ActionNode& action);
  bool EnterBranch(const Step& step, bool* taken);
  bool EnterRange(const Step& step, bool* taken);
  bool StartRange(const BranchNode& branch, const Slot& value, Scope* scope);
  bool StartRound(Scope* scope);
  const Step* NextRound(const Step& step);
  const Step* Unwind(bool is_break);
  void LeaveScope();
  const Step* CallTemplate(const Step& step);

  bool EvalPipeline(const PipeNode* pipe, Slot* value);
  bool EvalCommand(const CommandNode& command, const Slot& final, Slot* value);
  bool EvalArg(GoType type, const Node* node, Slot* value);
  bool EvalLiteral(GoType type, const Node* node, Slot* value);
  bool EvalIdeal(const NumberNode& number, Slot* value);
  bool EvalVariable(const VariableNode& node, absl::Span<const Node* const> args, const Slot& final,
                    Slot* value);
  bool EvalChain(const ChainNode& node, absl::Span<const Node* const> args, const Slot& final,
                 Slot* value);
  bool EvalFields(Slot receiver, const Node& node, const std::vector<TValue>& fields,
                  absl::Span<const Node* const> args, const Slot& final, Slot* value);
  bool EvalField(const Slot& receiver, const TValue& field, const Node& node,
                 absl::Span<const Node* const> args, const Slot& final, Slot* value);
  bool EvalCall(const Function& function, const TValue* receiver, const Node& node,
                absl::string_view name, absl::Span<const Node* const> args, const Slot& final,
                Slot* value);
  bool EvalAndOr(const Function& function, absl::Span<const Node* const> args, const Slot& final,
                 Slot* value);
  bool CallOfValue(const Slot& callee, absl::string_view name, const Node& node);
  bool ValidateType(GoType type, Slot* value);
  bool NotAFunction(absl::Span<const Node* const> args, const Slot& final);

  Slot* FindVariable(const TValue& name);
  bool SetVariable(const TValue& name, const Slot& value);

  // Fails with the position of the node last visited.
  bool Fail(absl::string_view text);
  bool Fail(const absl::Status& status, absl::string_view prefix);

  const Program& program_;
  RenderContext& context_;
  Budget budget_;
  std::string& out_;
  const size_t out_max_;

  const Node* node_ = nullptr;
  Slot dot_;
  const std::string* name_;
  absl::InlinedVector<Variable, 4> vars_;
  size_t vars_base_ = 0;
  std::vector<Scope> scopes_;
  std::vector<Frame> frames_;
  absl::Status status_;
};

}  // namespace leidang::generators::gotmpl
