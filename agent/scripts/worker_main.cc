#include "agent/scripts/worker_main.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <unistd.h>

#include "agent/scripts/confinement.h"
#include "agent/scripts/evaluator.h"
#include "agent/scripts/worker_messages.h"

namespace leidang::agent {
namespace {

constexpr size_t kReadBytes = 64 << 10;

// nullopt at the end of the input.
std::optional<std::string> Read(size_t bytes) {
  std::string out;
  while (out.size() < bytes) {
    const size_t before = out.size();
    out.resize(before + std::min(bytes - before, kReadBytes));
    const ssize_t got = ::read(0, out.data() + before, out.size() - before);
    if (got == 0 || (got < 0 && errno != EINTR)) return std::nullopt;
    out.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  }
  return out;
}

bool Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(1, bytes.data(), bytes.size());
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

bool Answer(const absl::StatusOr<object::Value>& answer) {
  absl::StatusOr<std::string> frame = FrameOf(AnswerMessage(answer));
  if (!frame.ok()) frame = FrameOf(AnswerMessage(frame.status()));
  return frame.ok() && Write(*frame);
}

}  // namespace

int RunScriptWorker() {
  ScriptEvaluator evaluator;
  if (!Answer(object::Value(object::Object{{"confined", ConfineThisProcess()}}))) return 1;
  for (;;) {
    const std::optional<std::string> head = Read(kScriptLengthBytes);
    if (!head.has_value()) return 0;
    const absl::StatusOr<size_t> length = FrameLength(*head);
    if (!length.ok()) return 1;
    const std::optional<std::string> text = Read(*length);
    if (!text.has_value()) return 0;
    const absl::StatusOr<ScriptCall> call = ReadCall(*text);
    if (!Answer(call.ok() ? evaluator.Evaluate(*call) : call.status())) return 1;
  }
}

}  // namespace leidang::agent
