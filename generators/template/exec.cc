#include "generators/template/exec.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "generators/template/fmt.h"
#include "generators/template/parser.h"
#include "generators/template/strconv.h"

namespace leidang::generators::gotmpl {
namespace {

const TValue& Dollar() {
  static const TValue* const dollar = new TValue(TValue::String("$"));
  return *dollar;
}

const std::string& RootName() {
  static const std::string* const name = new std::string(kRootName);
  return *name;
}

bool IsInteger(GoType type) { return type >= GoType::kInt && type <= GoType::kUint64; }

}  // namespace

Execution::Execution(const Program& program, RenderContext* context, std::string* out)
    : program_(program),
      context_(*context),
      budget_(context->limits),
      out_(*out),
      out_max_(out->size() + context->limits.output_bytes_max),
      name_(&RootName()) {}

bool Execution::Fail(absl::string_view text) { return Fail(absl::InvalidArgumentError(text), ""); }

bool Execution::Fail(const absl::Status& status, absl::string_view prefix) {
  if (!status_.ok()) return false;
  std::string where = *name_;
  if (node_ != nullptr) {
    const absl::string_view before =
        absl::string_view(program_.forest.text).substr(0, static_cast<size_t>(node_->pos));
    const size_t newline = before.rfind('\n');
    const size_t column =
        newline == absl::string_view::npos ? before.size() : before.size() - newline - 1;
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    where = absl::StrCat(kRootName, ":", line, ":", column, ": executing ", go::Quote(*name_),
                         " at <", NodeText(*node_), ">");
  }
  status_ = absl::Status(status.code(),
                         absl::StrCat("template: ", where, ": ", prefix, status.message()));
  return false;
}

absl::Status Execution::Run(const TValue& root) {
  const TValue value = root.is_nil() ? TValue::TypedNil(GoType::kAnyMap) : root;
  dot_ = Slot(value);
  vars_.push_back({&Dollar(), dot_});
  Loop(&program_.steps[static_cast<size_t>(program_.root)]);
  return status_;
}

bool Execution::Loop(const Step* step) {
  const Step* const steps = program_.steps.data();
  for (;;) {
    if (!budget_.Charge(1)) return Fail(budget_.StepsError(), "");
    node_ = step->node;
    switch (step->kind) {
      case StepKind::kText:
        if (!Text(static_cast<const TextNode*>(step->node)->text)) return false;
        ++step;
        break;
      case StepKind::kField:
      case StepKind::kAction:
        if (!(step->kind == StepKind::kField && FastField(*step)) &&
            !DoAction(*static_cast<const ActionNode*>(step->node))) {
          return false;
        }
        ++step;
        break;
      case StepKind::kIf:
      case StepKind::kWith:
      case StepKind::kRange: {
        bool taken = false;
        if (!(step->kind == StepKind::kRange ? EnterRange(*step, &taken)
                                             : EnterBranch(*step, &taken)))
          return false;
        step = taken ? step + 1 : steps + step->target;
        break;
      }
      case StepKind::kEndScope:
        LeaveScope();
        ++step;
        break;
      case StepKind::kEndRange:
        LeaveScope();
        step = steps + step->target;
        break;
      case StepKind::kNext:
        step = NextRound(*step);
        if (step == nullptr) return false;
        break;
      case StepKind::kJump:
        step = steps + step->target;
        break;
      case StepKind::kBreak:
        step = Unwind(true);
        break;
      case StepKind::kContinue:
        step = Unwind(false);
        break;
      case StepKind::kTemplate:
        step = CallTemplate(*step);
        if (step == nullptr) return false;
        break;
      case StepKind::kReturn: {
        if (frames_.empty()) return true;
        Frame& frame = frames_.back();
        step = frame.back;
        name_ = frame.name;
        vars_.resize(vars_base_);
        vars_base_ = frame.vars;
        dot_ = std::move(frame.dot);
        frames_.pop_back();
        break;
      }
    }
  }
}

bool Execution::Text(absl::string_view text) {
  if (ABSL_PREDICT_FALSE(out_.size() + text.size() > out_max_)) {
    return Fail(absl::ResourceExhaustedError(absl::StrCat(
                    "the output exceeds ", context_.limits.output_bytes_max, " bytes")),
                "");
  }
  out_.append(text.data(), text.size());
  return true;
}

bool Execution::Print(const Slot& value) {
  if (!value.valid() || value.nil_interface()) return Text("<no value>");
  if (value.v.is_string()) return Text(value.v.text());
  std::string text;
  go::Printer printer(&text, context_.limits.output_bytes_max);
  printer.Print(absl::MakeConstSpan(&value.v, 1));
  if (printer.overflow()) {
    return Fail(absl::ResourceExhaustedError("the value is too large or too deep to print"), "");
  }
  return Text(text);
}

// The text at the end of a chain of keys through maps that have them all; nullptr for anything
// else, which goes the long way and knows the messages.
const TValue* FindText(const TValue& dot, const Step& step) {
  const ActionNode& action = *static_cast<const ActionNode*>(step.node);
  const TValue* v = &dot;
  for (const TValue& key : static_cast<const FieldNode*>(action.pipe->cmds[0]->args[0])->ident) {
    if (!v->is_map() || v->map() == nullptr) return nullptr;
    v = v->map()->Find(key);
    if (v == nullptr) return nullptr;
  }
  return v->is_string() ? v : nullptr;
}

bool Execution::FastField(const Step& step) {
  if (!dot_.valid()) return false;
  const TValue* v = FindText(dot_.v, step);
  if (v == nullptr || out_.size() + v->text().size() > out_max_) return false;
  out_.append(v->text().data(), v->text().size());
  return true;
}

bool RenderPlain(const Program& program, const TValue& root, size_t bytes_max, std::string* out) {
  const size_t before = out->size();
  for (const Step* step = &program.steps[static_cast<size_t>(program.root)];
       step->kind != StepKind::kReturn; ++step) {
    if (step->kind == StepKind::kText) {
      out->append(static_cast<const TextNode*>(step->node)->text);
      continue;
    }
    const TValue* v = FindText(root, *step);
    if (v == nullptr) {
      out->resize(before);
      return false;
    }
    out->append(v->text().data(), v->text().size());
  }
  if (out->size() - before <= bytes_max) return true;
  out->resize(before);
  return false;
}

bool Execution::DoAction(const ActionNode& action) {
  Slot value;
  if (!EvalPipeline(action.pipe, &value)) return false;
  if (!action.pipe->decl.empty()) return true;
  node_ = &action;
  return Print(value);
}

bool Execution::EnterBranch(const Step& step, bool* taken) {
  const auto& branch = *static_cast<const BranchNode*>(step.node);
  Scope scope;
  scope.vars = vars_.size();
  scope.dot = dot_;
  scope.step = &step;
  scopes_.push_back(std::move(scope));
  Slot value;
  if (!EvalPipeline(branch.pipe, &value)) return false;
  *taken = value.valid() && IsTrue(value.v);
  if (*taken && step.kind == StepKind::kWith) dot_ = std::move(value);
  return true;
}

void Execution::LeaveScope() {
  Scope& scope = scopes_.back();
  vars_.resize(scope.vars);
  dot_ = std::move(scope.dot);
  scopes_.pop_back();
}

bool Execution::EnterRange(const Step& step, bool* taken) {
  const auto& branch = *static_cast<const BranchNode*>(step.node);
  Scope scope;
  scope.is_range = true;
  scope.vars = vars_.size();
  scope.dot = dot_;
  scope.step = &step;
  Slot value;
  if (!EvalPipeline(branch.pipe, &value)) return false;
  scope.round_vars = vars_.size();
  if (value.valid() && !StartRange(branch, value, &scope)) return false;
  *taken = scope.n > 0;
  scopes_.push_back(std::move(scope));
  return !*taken || StartRound(&scopes_.back());
}

bool Execution::StartRange(const BranchNode& branch, const Slot& value, Scope* scope) {
  const TValue& v = value.v;
  if (v.is_list()) {
    scope->list = v;
    scope->n = static_cast<int64_t>(v.items().size());
    return true;
  }
  if (v.is_map()) {
    if (v.map() == nullptr) return true;
    // What the loop's body changes does not change what is walked.
    for (const TMap::Entry* entry : v.map()->Sorted()) scope->entries.push_back(*entry);
    if (!budget_.Charge(scope->entries.size())) return Fail(budget_.StepsError(), "");
    scope->list = v;
    scope->n = static_cast<int64_t>(scope->entries.size());
    return true;
  }
  if (IsInteger(v.type()) || v.type() == GoType::kDuration || v.type() == GoType::kMonth ||
      v.type() == GoType::kWeekday) {
    if (branch.pipe->decl.size() > 1) {
      return Fail(
          absl::StrCat("can't use ", go::Plain(v), " to iterate over more than one variable"));
    }
    scope->list = v;
    scope->n = std::max<int64_t>(v.as_int(), 0);
    return true;
  }
  return Fail("range can't iterate over " + go::Plain(v));
}

bool Execution::StartRound(Scope* scope) {
  const auto& branch = *static_cast<const BranchNode*>(scope->step->node);
  const TValue& over = scope->list;
  Slot index, element;
  if (over.is_list()) {
    index = Slot(TValue::Int(scope->i));
    element.v = over.items()[static_cast<size_t>(scope->i)];
    element.form = over.type() == GoType::kAnyList ? Slot::Form::kInterface : Slot::Form::kConcrete;
  } else if (over.is_map()) {
    TMap::Entry& entry = scope->entries[static_cast<size_t>(scope->i)];
    index = Slot(std::move(entry.key));
    element.v = std::move(entry.value);
    element.form = over.type() == GoType::kAnyMap ? Slot::Form::kInterface : Slot::Form::kConcrete;
  } else {
    element = Slot(TValue::Integer(over.type(), scope->i));
  }
  const auto& decl = branch.pipe->decl;
  if (branch.pipe->is_assign) {
    if (decl.size() == 1 && !SetVariable(decl[0]->name, element)) return false;
    if (decl.size() > 1 &&
        (!SetVariable(decl[0]->name, index) || !SetVariable(decl[1]->name, element))) {
      return false;
    }
  } else if (!decl.empty()) {
    vars_.back().value = element;
    if (decl.size() > 1) vars_[vars_.size() - 2].value = std::move(index);
  }
  dot_ = std::move(element);
  return true;
}

const Step* Execution::NextRound(const Step& step) {
  Scope& scope = scopes_.back();
  vars_.resize(scope.round_vars);
  if (++scope.i >= scope.n) return &step + 1;
  if (!StartRound(&scope)) return nullptr;
  return &program_.steps[static_cast<size_t>(step.target)];
}

// The `else` of a range that had nothing to walk belongs to it for a break, but not for a continue:
// that is how Go unwinds.
const Step* Execution::Unwind(bool is_break) {
  while (!scopes_.back().is_range || (!is_break && scopes_.back().n == 0)) LeaveScope();
  const Step* behind = &program_.steps[static_cast<size_t>(scopes_.back().step->target)];
  return is_break ? behind - 1 : behind - 2;
}

const Step* Execution::CallTemplate(const Step& step) {
  const auto& call = *static_cast<const TemplateNode*>(step.node);
  if (step.target < 0) {
    Fail(absl::StrCat("template ", go::Quote(call.name), " not defined"));
    return nullptr;
  }
  if (frames_.size() >= static_cast<size_t>(context_.limits.call_depth_max)) {
    Fail(absl::StrCat("exceeded maximum template depth (", context_.limits.call_depth_max, ")"));
    return nullptr;
  }
  Slot argument;
  if (call.pipe != nullptr && !EvalPipeline(call.pipe, &argument)) return nullptr;
  Frame frame;
  frame.back = &step + 1;
  frame.name = name_;
  frame.vars = vars_base_;
  frame.dot = std::move(dot_);
  frames_.push_back(std::move(frame));
  vars_base_ = vars_.size();
  vars_.push_back({&Dollar(), argument});
  dot_ = std::move(argument);
  name_ = &call.name;
  return &program_.steps[static_cast<size_t>(step.target)];
}

Slot* Execution::FindVariable(const TValue& name) {
  for (size_t i = vars_.size(); i > vars_base_; --i) {
    const TValue& candidate = *vars_[i - 1].name;
    if (&candidate == &name || candidate.text() == name.text()) return &vars_[i - 1].value;
  }
  Fail(absl::StrCat("undefined variable: ", name.text()));
  return nullptr;
}

bool Execution::SetVariable(const TValue& name, const Slot& value) {
  Slot* variable = FindVariable(name);
  if (variable == nullptr) return false;
  *variable = value;
  return true;
}

}  // namespace leidang::generators::gotmpl
