#pragma once

// What an object's annotations say about its part in a sync: hook or not, in which phases, when it
// is removed again, and its sync options. Argo CD's annotations, and Helm's where Argo CD's say
// nothing. Pure; thread-safe.

#include <cstdint>
#include <set>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::agent {

// In the order in which they run; kSyncFail only after a failure.
enum class SyncPhase : uint8_t { kPreSync, kSync, kPostSync, kSyncFail };

absl::string_view PhaseName(SyncPhase phase);  // "PreSync", …

enum class HookType : uint8_t {
  kPreSync,
  kSync,
  kPostSync,
  kSyncFail,
  kSkip,
  kPreDelete,
  kPostDelete
};

enum class HookDeletion : uint8_t { kBeforeCreation, kSucceeded, kFailed };

// Whether the object is a hook: also one whose types nobody knows, which then never runs. An object
// that is only to be skipped is none.
bool IsHook(const object::Value& object);

// The types that are known, in the order written.
std::vector<HookType> HookTypes(const object::Value& object);

// The phases of a sync in which the object is applied: of an ordinary object kSync, of a hook those
// of its types, of one that is to be skipped none.
std::set<SyncPhase> SyncPhasesOf(const object::Value& object);

// Never empty: without a valid policy a hook is removed before it is created anew.
std::set<HookDeletion> HookDeletions(const object::Value& object);

// Whether `option`, such as "Prune=false", is among the object's sync options as it is spelled.
bool HasSyncOption(const object::Value& object, absl::string_view option);
// The same of its compare options, such as "IgnoreExtraneous".
bool HasCompareOption(const object::Value& object, absl::string_view option);

}  // namespace leidang::agent
