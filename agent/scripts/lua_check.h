#pragma once

// Lua health checks, by LuaJIT with its compiler off: the one place that includes it. Lua 5.1 with
// `goto`, which is what Argo CD's checks are written in.
//
// A check has `obj`, the base library without what loads code, and table, string, math and
// coroutine; there is no os, io, debug, require or print. It may execute a number of instructions
// and take an amount of memory; but a single call of a string function may still take any time, so
// whoever has not written the check runs it in a worker process.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::agent {

struct LuaLimits {
  uint64_t instructions_max = 50'000'000;  // About half a second.
  size_t memory_bytes_max = size_t{64} << 20;
};

// {"status", "message"}, or null if the check returned nothing or an empty table. The errors of
// ScriptRunner, without names. Thread-safe.
absl::StatusOr<object::Value> RunLuaCheck(const std::string& script, const object::Value& object,
                                          const LuaLimits& limits = {});

// kInvalidArgument, with Lua's words, if the script cannot be read.
absl::Status CheckLuaSyntax(const std::string& script);

}  // namespace leidang::agent
