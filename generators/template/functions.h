#pragma once

// How functions are declared to the template language, and what they get to see when called.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "generators/template/regex.h"
#include "generators/template/template.h"
#include "generators/template/value.h"

namespace leidang::generators::gotmpl {

// The patterns that stand as constants in a template, compiled with it.
using Patterns = std::map<std::string, absl::StatusOr<go::Regex>, std::less<>>;

// What Go's reflect.Value is: a value, and whether it is seen through an interface.
struct Slot {
  enum class Form : uint8_t {
    kInvalid,    // No value at all: a key that is not there, an untyped nil.
    kMissing,    // The mark for "nothing comes through the pipeline".
    kConcrete,   // A value of its own type.
    kInterface,  // A value of type interface {}; nil if `v` is.
  };

  Slot() = default;
  explicit Slot(TValue value) : v(std::move(value)), form(Form::kConcrete) {}
  Slot(TValue value, Form f) : v(std::move(value)), form(f) {}
  static Slot Missing() { return Slot(TValue(), Form::kMissing); }
  static Slot Interface(TValue value) { return Slot(std::move(value), Form::kInterface); }

  bool valid() const { return form != Form::kInvalid; }
  bool missing() const { return form == Form::kMissing; }
  bool nil_interface() const { return form == Form::kInterface && v.is_nil(); }
  // The concrete value inside, or no value for a nil interface.
  void Unwrap() {
    if (form == Form::kInterface) form = v.is_nil() ? Form::kInvalid : Form::kConcrete;
  }

  TValue v;
  Form form = Form::kInvalid;
};

// The limits of one rendering. Thread-compatible.
class Budget {
 public:
  explicit Budget(const RenderLimits& limits) : limits_(limits), steps_left_(limits.steps_max) {}

  // False, for good, once the steps are used up.
  bool Charge(uint64_t steps) {
    if (ABSL_PREDICT_TRUE(steps <= steps_left_)) {
      steps_left_ -= steps;
      return true;
    }
    steps_left_ = 0;
    return false;
  }
  absl::Status StepsError() const;
  // OK if a text of that size may be made; the work of making it is charged.
  absl::Status Text(size_t bytes);
  const RenderLimits& limits() const { return limits_; }

 private:
  const RenderLimits& limits_;
  uint64_t steps_left_;
};

// One call of a function. Arguments have been checked against the signature.
class Call {
 public:
  Call(absl::string_view name, absl::Span<Slot> args, const Patterns& patterns,
       RenderContext* context, Budget* budget)
      : args_(args), name_(name), patterns_(patterns), context_(*context), budget_(*budget) {}

  size_t size() const { return args_.size(); }
  const TValue& operator[](size_t i) const { return args_[i].v; }
  Slot& slot(size_t i) { return args_[i]; }
  absl::string_view Text(size_t i) const { return args_[i].v.text(); }
  int64_t Int(size_t i) const { return args_[i].v.as_int(); }
  double Float(size_t i) const { return args_[i].v.as_float(); }
  // The arguments from `i` on as values.
  std::vector<TValue> Rest(size_t i) const;

  // The compiled pattern; the template's own where it has it, else the work of compiling it is
  // charged.
  absl::StatusOr<go::Regex> RegexOf(absl::string_view pattern);

  // A method's receiver.
  const TValue* receiver = nullptr;

  absl::Status Return(TValue value) {
    result.v = std::move(value);
    return absl::OkStatus();
  }
  absl::Status ReturnText(absl::string_view text) {
    if (absl::Status status = budget_.Text(text.size()); !status.ok()) return status;
    return Return(TValue::String(text));
  }
  absl::Status ReturnBool(bool b) { return Return(TValue::Bool(b)); }

  // Tells the caller of the template that the result would be another one tomorrow.
  void NoteNondeterminism() {
    if (context_.nondeterministic.empty()) context_.nondeterministic = std::string(name_);
  }

  Budget& budget() { return budget_; }
  RenderContext& context() { return context_; }

  Slot result;

 private:
  absl::Span<Slot> args_;
  const absl::string_view name_;
  const Patterns& patterns_;
  RenderContext& context_;
  Budget& budget_;
};

using Implementation = absl::Status (*)(Call& call);

enum FunctionFlags : unsigned {
  kPlain = 0,
  kBuiltin = 1,       // Of the language itself: `and`, `or`, `call` have rules of their own.
  kMutates = 2,       // Changes a map or list that it is given.
  kRandom = 4,        // Not deterministic in Go.
  kBadSignature = 8,  // Cannot be called from templates; the implementation returns the reason.
  kOnPointer = 16,    // A method of *T only.
  kRegex = 32,        // Its first argument is a pattern.
};

// A Go signature in letters: s string, i int, I int64, u uint32, b bool, f float64, a interface{},
// v reflect.Value, m map[string]interface{}, l []interface{}, t time.Time, d time.Duration, o
// *time.Location, c certificate, p *semver.Version, S []string, n []int, B []uint8, L
// [][]interface{}, M map[string]string, U uint64, w time.Weekday, h time.Month, P semver.Version. A
// '.' before the last letter makes it variadic.
struct Function {
  absl::string_view name;
  absl::string_view params;
  char result;
  Implementation call;
  unsigned flags = kPlain;

  bool variadic() const { return params.size() >= 2 && params[params.size() - 2] == '.'; }
  size_t fixed() const { return variadic() ? params.size() - 2 : params.size(); }
  // The type of the i-th argument.
  GoType Param(size_t i) const;
};

GoType TypeOfLetter(char letter);

// A method of the type, or nullptr.
const Function* FindMethod(GoType type, absl::string_view name);

// Errors as Go words them.
absl::Status CallError(absl::string_view text);
// An interface conversion that failed: "interface conversion: interface {} is int, not string".
absl::Status ConversionError(const TValue& value, absl::string_view wanted);

// The functions by theme; the registry in functions.cc knows them all.
absl::Span<const Function> BuiltinFunctions();

// isTrue: not the zero of its type.
bool IsTrue(const TValue& value);

}  // namespace leidang::generators::gotmpl
