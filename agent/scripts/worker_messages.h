#pragma once

// What the agent and its script worker say to each other: four bytes of length, the lowest first,
// then JSON. Internal to agent/scripts.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "agent/scripts/script.h"
#include "common/object/value.h"

namespace leidang::agent {

inline constexpr size_t kScriptMessageBytesMax = size_t{4} << 20;
inline constexpr size_t kScriptLengthBytes = 4;

// kInvalidArgument if it is longer than kScriptMessageBytesMax.
absl::StatusOr<std::string> FrameOf(const object::Value& message);
// The length that the first four bytes say; kInvalidArgument for one that is too great.
absl::StatusOr<size_t> FrameLength(absl::string_view head);

object::Value CallMessage(const ScriptCall& call);
// Without names, which stay with the one who asks.
absl::StatusOr<ScriptCall> ReadCall(absl::string_view text);

object::Value AnswerMessage(const absl::StatusOr<object::Value>& answer);
// What the worker answered. One that answers nonsense is kInternal.
absl::StatusOr<object::Value> ReadAnswer(absl::string_view text);

}  // namespace leidang::agent
