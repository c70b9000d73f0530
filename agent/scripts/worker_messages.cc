#include "agent/scripts/worker_messages.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::agent {

using object::Value;

absl::StatusOr<std::string> FrameOf(const Value& message) {
  const std::string text = object::ToJson(message);
  if (text.size() > kScriptMessageBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("script and object are larger than ", kScriptMessageBytesMax >> 20, " MiB"));
  }
  std::string frame;
  for (size_t i = 0; i < kScriptLengthBytes; ++i) {
    frame.push_back(static_cast<char>((text.size() >> (8 * i)) & 0xff));
  }
  return frame + text;
}

absl::StatusOr<size_t> FrameLength(absl::string_view head) {
  size_t length = 0;
  for (size_t i = kScriptLengthBytes; i > 0; --i) {
    length = length << 8 | static_cast<unsigned char>(head[i - 1]);
  }
  if (length > kScriptMessageBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a message of ", length, " bytes"));
  }
  return length;
}

Value CallMessage(const ScriptCall& call) {
  object::Object message{{"language", static_cast<int64_t>(call.language)},
                         {"script", call.script}};
  if (call.input != nullptr) message["input"] = *call.input;
  return message;
}

absl::StatusOr<ScriptCall> ReadCall(absl::string_view text) {
  ASSIGN_OR_RETURN(Value message, object::ParseJson(text));
  ScriptCall call;
  const Value* language = object::Find(message, {"language"});
  if (language == nullptr || !language->is_int64() || language->get_int64() < 0 ||
      language->get_int64() > static_cast<int64_t>(ScriptCall::Language::kJqSyntax)) {
    return absl::InvalidArgumentError("a call in no language");
  }
  call.language = static_cast<ScriptCall::Language>(language->get_int64());
  call.script = std::string(object::FindString(message, {"script"}));
  if (const Value* input = object::Find(message, {"input"})) {
    call.input = std::make_shared<const Value>(*input);
  }
  return call;
}

Value AnswerMessage(const absl::StatusOr<Value>& answer) {
  if (answer.ok()) return object::Object{{"answer", *answer}};
  return object::Object{{"code", static_cast<int64_t>(answer.status().code())},
                        {"error", std::string(answer.status().message())}};
}

absl::StatusOr<Value> ReadAnswer(absl::string_view text) {
  absl::StatusOr<Value> message = object::ParseJson(text);
  if (message.ok()) {
    if (const Value* answer = object::Find(*message, {"answer"})) return *answer;
    const Value* code = object::Find(*message, {"code"});
    if (code != nullptr && code->is_int64() && code->get_int64() > 0) {
      return absl::Status(static_cast<absl::StatusCode>(code->get_int64()),
                          object::FindString(*message, {"error"}));
    }
  }
  return absl::InternalError("what runs scripts answered what cannot be read");
}

}  // namespace leidang::agent
