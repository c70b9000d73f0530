#pragma once

// Scripts that people write, and what runs them.
//
// A script is Lua (a health check in Argo CD's form) or jq (an expression that selects parts of an
// object). Neither can be stopped from outside, and either may loop or take any amount of memory,
// so the agent gives them to a ScriptWorker (script_worker.h), a child with limits. InlineScripts
// (inline_scripts.h) runs them where it is called, for tests and simulation.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "common/object/value.h"

namespace leidang::agent {

struct ScriptCall {
  enum class Language : uint8_t {
    // A Lua check: the object is the global `obj`; the table that is returned has `status` and
    // `message`. The answer is an object with these two, or null if the script returned nothing.
    kLuaHealth,
    // Whether the script can be read. The answer is null.
    kLuaSyntax,
    // A jq path expression. The answer is the list of the paths in the object that it selects.
    kJqPaths,
    kJqSyntax,
  };
  Language language = Language::kLuaHealth;
  std::string name;     // Of the script, for messages: "the health check of example.com/Widget".
  std::string subject;  // Of the object, for messages; "" for none.
  std::string script;
  std::shared_ptr<const object::Value> input;  // Null for none.
};

// Each error names the script and the object:
//   kInvalidArgument     the script cannot be read, whatever the object;
//   kFailedPrecondition  it failed on this object, or its answer is none;
//   kDeadlineExceeded    it ran too long;
//   kResourceExhausted   it took too much memory, or too many calls wait;
//   kUnavailable         it cannot be run now: what runs it died, cannot be started, or rests from
//                        this script, which has ended it before.
// A script runs with no access to files, network, environment, clock or other scripts.
class ScriptRunner {
 public:
  using Done = std::function<void(absl::StatusOr<object::Value>)>;

  virtual ~ScriptRunner() = default;

  // Calls `done` once, on the loop of the caller, never before Run has returned. Never blocks.
  // `done` is dropped if the runner is destroyed first. Loop-bound.
  virtual void Run(ScriptCall call, Done done) = 0;
};

// The error of a call, with the names of script and object.
absl::Status NamedError(const ScriptCall& call, const absl::Status& error);

}  // namespace leidang::agent
