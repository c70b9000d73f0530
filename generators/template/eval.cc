// How pipelines, commands and arguments get their values.

#include <utility>

#include "absl/strings/str_cat.h"

#include "generators/template/boxes.h"
#include "generators/template/exec.h"
#include "generators/template/fmt.h"
#include "generators/template/strconv.h"

namespace leidang::generators::gotmpl {
namespace {

bool CanBeNil(GoType type) {
  switch (type) {
    case GoType::kInterface:
    case GoType::kReflectValue:
    case GoType::kAnyList:
    case GoType::kStringList:
    case GoType::kIntList:
    case GoType::kByteList:
    case GoType::kListList:
    case GoType::kMapList:
    case GoType::kAnyMap:
    case GoType::kStringMap:
    case GoType::kLocation:
    case GoType::kVersionPtr:
      return true;
    default:
      return false;
  }
}

// The zero value of a type that can be nil.
Slot NilOf(GoType type) {
  if (type == GoType::kReflectValue) return Slot();
  if (type == GoType::kInterface) return Slot::Interface(TValue());
  return Slot(TValue::TypedNil(type));
}

bool IsUnexportedField(GoType type, absl::string_view name) {
  switch (type) {
    case GoType::kTime:
      return name == "wall" || name == "ext" || name == "loc";
    case GoType::kVersion:
    case GoType::kVersionPtr:
      return name == "major" || name == "minor" || name == "patch" || name == "pre" ||
             name == "metadata" || name == "original";
    default:
      return false;
  }
}

// reflect.Value.String of what `call` got through the pipeline.
std::string ReflectString(const Slot& slot) {
  if (!slot.valid()) return "<invalid Value>";
  if (slot.v.is_string()) return std::string(slot.v.text());
  return absl::StrCat("<", GoTypeName(slot.v.type()), " Value>");
}

}  // namespace

bool Execution::EvalPipeline(const PipeNode* pipe, Slot* value) {
  node_ = pipe;
  *value = Slot::Missing();
  for (const CommandNode* command : pipe->cmds) {
    const Slot previous = std::move(*value);
    *value = Slot();
    if (!EvalCommand(*command, previous, value)) return false;
    value->Unwrap();
  }
  for (const VariableNode* variable : pipe->decl) {
    if (pipe->is_assign) {
      if (!SetVariable(variable->name, *value)) return false;
    } else {
      vars_.push_back({&variable->name, *value});
    }
  }
  return true;
}

bool Execution::NotAFunction(absl::Span<const Node* const> args, const Slot& final) {
  if (args.size() <= 1 && final.missing()) return true;
  return Fail("can't give argument to non-function " + NodeText(*args[0]));
}

bool Execution::EvalCommand(const CommandNode& command, const Slot& final, Slot* value) {
  const absl::Span<const Node* const> args = command.args;
  const Node* first = args[0];
  switch (first->type) {
    case NodeType::kField:
      node_ = first;
      return EvalFields(dot_, *first, static_cast<const FieldNode*>(first)->ident, args, final,
                        value);
    case NodeType::kChain:
      return EvalChain(*static_cast<const ChainNode*>(first), args, final, value);
    case NodeType::kIdentifier: {
      const auto* identifier = static_cast<const IdentifierNode*>(first);
      node_ = first;
      return EvalCall(*identifier->function, nullptr, command, identifier->name, args, final,
                      value);
    }
    case NodeType::kPipe:
      return NotAFunction(args, final) && EvalPipeline(static_cast<const PipeNode*>(first), value);
    case NodeType::kVariable:
      return EvalVariable(*static_cast<const VariableNode*>(first), args, final, value);
    default:
      break;
  }
  node_ = first;
  if (!NotAFunction(args, final)) return false;
  switch (first->type) {
    case NodeType::kBool:
      *value = Slot(TValue::Bool(static_cast<const BoolNode*>(first)->value));
      return true;
    case NodeType::kDot:
      *value = dot_;
      return true;
    case NodeType::kNil:
      return Fail("nil is not a command");
    case NodeType::kNumber:
      return EvalIdeal(*static_cast<const NumberNode*>(first), value);
    case NodeType::kString:
      *value = Slot(static_cast<const StringNode*>(first)->value);
      return true;
    default:
      return Fail("can't evaluate command " + go::Quote(NodeText(*first)));
  }
}

bool Execution::EvalIdeal(const NumberNode& number, Slot* value) {
  node_ = &number;
  if (number.ideal.is_nil()) return Fail(number.text + " overflows int");
  *value = Slot(number.ideal);
  return true;
}

bool Execution::EvalVariable(const VariableNode& node, absl::Span<const Node* const> args,
                             const Slot& final, Slot* value) {
  node_ = &node;
  const Slot* variable = FindVariable(node.name);
  if (variable == nullptr) return false;
  if (node.fields.empty()) {
    if (!NotAFunction(args, final)) return false;
    *value = *variable;
    return true;
  }
  return EvalFields(*variable, node, node.fields, args, final, value);
}

bool Execution::EvalChain(const ChainNode& node, absl::Span<const Node* const> args,
                          const Slot& final, Slot* value) {
  node_ = &node;
  Slot receiver;
  const Node* inner = node.node;
  node_ = inner;
  if (inner->type == NodeType::kPipe) {
    if (!EvalPipeline(static_cast<const PipeNode*>(inner), &receiver)) return false;
  } else {
    const auto* identifier = static_cast<const IdentifierNode*>(inner);
    if (!EvalCall(*identifier->function, nullptr, *inner, identifier->name, {}, Slot::Missing(),
                  &receiver)) {
      return false;
    }
  }
  return EvalFields(std::move(receiver), node, node.fields, args, final, value);
}

bool Execution::EvalFields(Slot receiver, const Node& node, const std::vector<TValue>& fields,
                           absl::Span<const Node* const> args, const Slot& final, Slot* value) {
  const Slot missing = Slot::Missing();
  for (size_t i = 0; i < fields.size(); ++i) {
    const bool last = i + 1 == fields.size();
    Slot next;
    if (!EvalField(receiver, fields[i], node, last ? args : absl::Span<const Node* const>(),
                   last ? final : missing, &next)) {
      return false;
    }
    receiver = std::move(next);
  }
  *value = std::move(receiver);
  return true;
}

bool Execution::EvalField(const Slot& receiver, const TValue& field, const Node& node,
                          absl::Span<const Node* const> args, const Slot& final, Slot* value) {
  const absl::string_view name = field.text();
  if (!receiver.valid()) {
    if (program_.missing_key == MissingKey::kError) {
      return Fail(absl::StrCat("nil data; no entry for key ", go::Quote(name)));
    }
    *value = Slot();
    return true;
  }
  const TValue& v = receiver.v;
  const absl::string_view type =
      GoTypeName(receiver.form == Slot::Form::kInterface ? GoType::kInterface : v.type());
  if (receiver.nil_interface())
    return Fail(absl::StrCat("nil pointer evaluating ", type, ".", name));
  if (v.type() >= GoType::kDuration) {
    if (const Function* method = FindMethod(v.type(), name); method != nullptr) {
      return EvalCall(*method, &v, node, name, args, final, value);
    }
  }
  const bool has_args = args.size() > 1 || !final.missing();
  if (v.is_map()) {
    if (has_args) return Fail(absl::StrCat(name, " is not a method but has arguments"));
    const bool any = v.type() == GoType::kAnyMap;
    const TValue* found = v.map() == nullptr ? nullptr : v.map()->Find(field);
    if (found != nullptr) {
      *value = Slot(*found, any ? Slot::Form::kInterface : Slot::Form::kConcrete);
      return true;
    }
    switch (program_.missing_key) {
      case MissingKey::kInvalid:
        *value = Slot();
        return true;
      case MissingKey::kZero:
        *value = any ? Slot::Interface(TValue()) : Slot(TValue::String(""));
        return true;
      case MissingKey::kError:
        return Fail(absl::StrCat("map has no entry for key ", go::Quote(name)));
    }
  }
  if (v.type() == GoType::kCertificate && (name == "Cert" || name == "Key")) {
    if (has_args)
      return Fail(absl::StrCat(name, " has arguments but cannot be invoked as function"));
    const auto* certificate = static_cast<const CertificateBox*>(v.box());
    *value = Slot(name == "Cert" ? certificate->cert : certificate->key);
    return true;
  }
  if (IsUnexportedField(v.type(), name)) {
    return Fail(absl::StrCat(name, " is an unexported field of struct type ", type));
  }
  return Fail(absl::StrCat("can't evaluate field ", name, " in type ", type));
}

bool Execution::EvalCall(const Function& function, const TValue* receiver, const Node& node,
                         absl::string_view name, absl::Span<const Node* const> args,
                         const Slot& final, Slot* value) {
  if (!args.empty()) args.remove_prefix(1);
  const size_t count = args.size() + (final.missing() ? 0 : 1);
  const size_t fixed = function.fixed();
  if (function.variadic()) {
    if (count < fixed) {
      return Fail(absl::StrCat("wrong number of args for ", name, ": want at least ", fixed,
                               " got ", args.size()));
    }
  } else if (count != fixed) {
    return Fail(absl::StrCat("wrong number of args for ", name, ": want ", fixed, " got ", count));
  }
  if ((function.flags & kBuiltin) != 0 && (name == "and" || name == "or")) {
    return EvalAndOr(function, args, final, value);
  }
  absl::InlinedVector<Slot, 6> values(count);
  for (size_t i = 0; i < args.size(); ++i) {
    if (!EvalArg(function.Param(i), args[i], &values[i])) return false;
  }
  if (!final.missing()) {
    values.back() = final;
    if (!ValidateType(function.Param(count - 1), &values.back())) return false;
  }
  if ((function.flags & kBuiltin) != 0 && name == "call") {
    return CallOfValue(values[0], args.empty() ? ReflectString(final) : NodeText(*args[0]), node);
  }
  uint64_t steps = 4;
  for (const Slot& argument : values) {
    // A function may have to read long text, even if it says little about it.
    if (argument.v.is_string()) steps += argument.v.text().size() / 64;
  }
  if (!budget_.Charge(steps)) return Fail(budget_.StepsError(), "");
  if ((function.flags & kRandom) != 0 && context_.nondeterministic.empty()) {
    context_.nondeterministic = std::string(function.name);
  }
  Call call(function.name, absl::MakeSpan(values), program_.patterns, &context_, &budget_);
  call.receiver = receiver;
  const absl::Status status = function.call(call);
  if (!status.ok()) {
    if ((function.flags & kBadSignature) != 0) return Fail(status, "");
    node_ = &node;
    return Fail(status, absl::StrCat("error calling ", name, ": "));
  }
  *value = std::move(call.result);
  if (function.result != 'v') {
    value->form = function.result == 'a' ? Slot::Form::kInterface : Slot::Form::kConcrete;
  }
  return true;
}

bool Execution::EvalAndOr(const Function& function, absl::Span<const Node* const> args,
                          const Slot& final, Slot* value) {
  const bool is_or = function.name == "or";
  for (const Node* arg : args) {
    if (!EvalArg(GoType::kReflectValue, arg, value)) return false;
    const bool truth = value->valid() && !value->nil_interface() && IsTrue(value->v);
    if (truth == is_or) return true;
  }
  if (!final.missing()) *value = final;
  return true;
}

// There are no function values here, so `call` always ends in an error.
bool Execution::CallOfValue(const Slot& callee, absl::string_view name, const Node& node) {
  node_ = &node;
  Slot function = callee;
  function.Unwrap();
  if (!function.valid()) return Fail("error calling call: call of nil");
  return Fail(absl::StrCat("error calling call: non-function ", name, " of type ",
                           GoTypeName(function.v.type())));
}

bool Execution::ValidateType(GoType type, Slot* value) {
  if (!value->valid()) {
    if (!CanBeNil(type)) return Fail(absl::StrCat("invalid value; expected ", GoTypeName(type)));
    *value = NilOf(type);
    return true;
  }
  if (type == GoType::kReflectValue) return true;
  if (type == GoType::kInterface) {
    value->form = Slot::Form::kInterface;
    return true;
  }
  if (!value->nil_interface() && value->v.type() == type) {
    value->form = Slot::Form::kConcrete;
    return true;
  }
  return Fail(
      absl::StrCat("wrong type for value; expected ", GoTypeName(type), "; got ",
                   GoTypeName(value->nil_interface() ? GoType::kInterface : value->v.type())));
}

bool Execution::EvalArg(GoType type, const Node* node, Slot* value) {
  node_ = node;
  switch (node->type) {
    case NodeType::kDot:
      *value = dot_;
      break;
    case NodeType::kNil:
      if (!CanBeNil(type)) return Fail(absl::StrCat("cannot assign nil to ", GoTypeName(type)));
      *value = NilOf(type);
      return true;
    case NodeType::kField: {
      const Node* const self[] = {node};
      if (!EvalFields(dot_, *node, static_cast<const FieldNode*>(node)->ident, self,
                      Slot::Missing(), value)) {
        return false;
      }
      break;
    }
    case NodeType::kVariable:
      if (!EvalVariable(*static_cast<const VariableNode*>(node), {}, Slot::Missing(), value))
        return false;
      break;
    case NodeType::kPipe:
      if (!EvalPipeline(static_cast<const PipeNode*>(node), value)) return false;
      break;
    case NodeType::kIdentifier: {
      const auto* identifier = static_cast<const IdentifierNode*>(node);
      if (!EvalCall(*identifier->function, nullptr, *node, identifier->name, {}, Slot::Missing(),
                    value)) {
        return false;
      }
      break;
    }
    case NodeType::kChain:
      if (!EvalChain(*static_cast<const ChainNode*>(node), {}, Slot::Missing(), value))
        return false;
      break;
    default:
      return EvalLiteral(type, node, value);
  }
  return ValidateType(type, value);
}

// A constant takes the type of the parameter.
bool Execution::EvalLiteral(GoType type, const Node* node, Slot* value) {
  const auto* number =
      node->type == NodeType::kNumber ? static_cast<const NumberNode*>(node) : nullptr;
  const auto expected = [&](absl::string_view what) {
    return Fail(absl::StrCat("expected ", what, "; found ", NodeText(*node)));
  };
  switch (type) {
    case GoType::kBool:
      if (node->type != NodeType::kBool) return expected("bool");
      *value = Slot(TValue::Bool(static_cast<const BoolNode*>(node)->value));
      return true;
    case GoType::kString:
      if (node->type != NodeType::kString) return expected("string");
      *value = Slot(static_cast<const StringNode*>(node)->value);
      return true;
    case GoType::kInt:
    case GoType::kInt64:
    case GoType::kDuration:
    case GoType::kMonth:
    case GoType::kWeekday:
      if (number == nullptr || !number->is_int) return expected("integer");
      *value = Slot(TValue::Integer(type, number->int_value));
      return true;
    case GoType::kUint8:
    case GoType::kUint32:
    case GoType::kUint64: {
      if (number == nullptr || !number->is_uint) return expected("unsigned integer");
      const uint64_t mask = type == GoType::kUint8    ? 0xff
                            : type == GoType::kUint32 ? 0xffffffff
                                                      : ~uint64_t{0};
      *value = Slot(TValue::Integer(type, static_cast<int64_t>(number->uint_value & mask)));
      return true;
    }
    case GoType::kFloat64:
      if (number == nullptr || !number->is_float) return expected("float");
      *value = Slot(TValue::Float(number->float_value));
      return true;
    case GoType::kInterface:
    case GoType::kReflectValue:
      if (node->type == NodeType::kBool) {
        *value = Slot(TValue::Bool(static_cast<const BoolNode*>(node)->value));
        return true;
      }
      if (node->type == NodeType::kString) {
        *value = Slot(static_cast<const StringNode*>(node)->value);
        return true;
      }
      return EvalIdeal(*number, value);
    default:
      return Fail(
          absl::StrCat("can't handle ", NodeText(*node), " for arg of type ", GoTypeName(type)));
  }
}

}  // namespace leidang::generators::gotmpl
