#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

#include "agent/apply/sync_policy.h"
#include "common/intent/intent.h"
#include "common/object/value.h"

namespace leidang::agent {

// An Application as its assignment says it shall be.
struct Application {
  std::string app;  // "namespace/name"
  std::string project;
  std::string ns;  // Of its destination; may be empty.
  SyncPolicy policy;
  size_t history_max = 10;  // spec.revisionHistoryLimit
  object::Value spec;       // Its one source, as written.
  intent::Source source;    // And pinned.
};

// RenderErrors: kInvalidSpec naming the field, kUnsupportedSource for several sources. Pure.
absl::StatusOr<Application> ReadApplication(const intent::Assignment& assignment);

}  // namespace leidang::agent
