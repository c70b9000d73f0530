#include "agent/scripts/jq_paths.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

extern "C" {
#include <jq.h>
}

namespace leidang::agent {
namespace {

// Keeps the first message that jq has.
void Keep(void* text, jv message) {
  auto* kept = static_cast<std::string*>(text);
  jv shown = jq_format_error(message);
  if (kept->empty() && jv_get_kind(shown) == JV_KIND_STRING) *kept = jv_string_value(shown);
  jv_free(shown);
}

// Unless they are set, jq 1.6 calls what happens to be there.
jv NoInput(jq_state*, void*) { return jv_invalid(); }
void NoDebug(void*, jv message) { jv_free(message); }

std::string TakeText(jv text) {
  std::string out(jv_string_value(text), jv_string_length_bytes(jv_copy(text)));
  jv_free(text);
  return out;
}

absl::Status RunError(jv ended) {
  std::string why = "it gives no result";
  if (jv_invalid_has_msg(jv_copy(ended))) {
    jv message = jv_invalid_get_msg(ended);
    if (jv_get_kind(message) == JV_KIND_STRING) why = jv_string_value(message);
    jv_free(message);
  } else {
    jv_free(ended);
  }
  return absl::FailedPreconditionError(absl::StrCat("it failed: ", why));
}

}  // namespace

struct JqPrograms::Program {
  jq_state* jq = nullptr;
  std::string error;

  ~Program() {
    if (jq != nullptr) jq_teardown(&jq);
  }
};

JqPrograms::JqPrograms(size_t programs_max) : programs_max_(programs_max) {}
JqPrograms::~JqPrograms() = default;

absl::StatusOr<JqPrograms::Program*> JqPrograms::Find(const std::string& expression) {
  const auto found = programs_.find(expression);
  if (found != programs_.end()) return found->second.get();
  auto program = std::make_unique<Program>();
  program->jq = jq_init();
  if (program->jq == nullptr) return absl::ResourceExhaustedError("jq cannot be started");
  jq_set_error_cb(program->jq, Keep, &program->error);
  jq_set_input_cb(program->jq, NoInput, nullptr);
  jq_set_debug_cb(program->jq, NoDebug, nullptr);
  jq_set_attr(program->jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
  // On a line of its own, as it may end in a comment.
  if (expression.find('\0') != std::string::npos ||
      jq_compile(program->jq, absl::StrCat("[path(", expression, "\n)]").c_str()) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("it cannot be read: ", program->error));
  }
  if (programs_.size() >= programs_max_) programs_.clear();
  return (programs_[expression] = std::move(program)).get();
}

absl::StatusOr<object::Array> JqPrograms::Paths(const std::string& expression,
                                                const object::Value& value) {
  ASSIGN_OR_RETURN(Program* const program, Find(expression));
  const std::string text = object::ToJson(value);
  jv input = jv_parse_sized(text.data(), static_cast<int>(text.size()));
  if (!jv_is_valid(input)) return RunError(input);
  jq_start(program->jq, input, 0);
  jv result = jq_next(program->jq);
  if (!jv_is_valid(result)) return RunError(result);
  ASSIGN_OR_RETURN(object::Value paths, object::ParseJson(TakeText(jv_dump_string(result, 0))));
  if (!paths.is_array()) return absl::FailedPreconditionError("it selects no paths");
  return std::move(paths.get_array());
}

absl::Status JqPrograms::CheckSyntax(const std::string& expression) {
  return Find(expression).status();
}

}  // namespace leidang::agent
