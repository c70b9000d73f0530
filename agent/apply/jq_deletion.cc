#include "agent/apply/jq_deletion.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

extern "C" {
#include <jq.h>
}

namespace leidang::agent {
namespace {

struct Teardown {
  void operator()(jq_state* jq) const { jq_teardown(&jq); }
};

// Keeps the first message that jq has.
void Keep(void* text, jv message) {
  auto* kept = static_cast<std::string*>(text);
  jv shown = jq_format_error(message);
  if (kept->empty() && jv_get_kind(shown) == JV_KIND_STRING) *kept = jv_string_value(shown);
  jv_free(shown);
}

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
  return absl::FailedPreconditionError(why);
}

}  // namespace

absl::StatusOr<object::Value> DeleteByJq(absl::string_view path, const object::Value& value) {
  const std::unique_ptr<jq_state, Teardown> jq(jq_init());
  if (jq == nullptr) return absl::ResourceExhaustedError("jq cannot be started");
  std::string error;
  jq_set_error_cb(jq.get(), Keep, &error);
  jq_set_attr(jq.get(), jv_string("JQ_LIBRARY_PATH"), jv_array());
  if (absl::string_view(path).find('\0') != absl::string_view::npos ||
      jq_compile(jq.get(), absl::StrCat("del(", path, ")").c_str()) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("jq expression \"", path, "\" cannot be read: ", error));
  }
  const std::string text = object::ToJson(value);
  jv input = jv_parse_sized(text.data(), static_cast<int>(text.size()));
  if (!jv_is_valid(input)) return RunError(input);
  jq_start(jq.get(), input, 0);
  jv result = jq_next(jq.get());
  if (!jv_is_valid(result)) return RunError(result);
  return object::ParseJson(TakeText(jv_dump_string(result, 0)));
}

}  // namespace leidang::agent
