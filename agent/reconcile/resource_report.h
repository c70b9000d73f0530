#pragma once

// The objects of an Application one by one, as they are reported: what `leidang app get` lists.
// Pure; thread-safe.

#include <vector>

#include "agent/reconcile/status_report.h"
#include "common/intent/status.h"

namespace leidang::agent {

// What is wanted, what is still there and shall go, and the hooks of the last sync (after a restart
// those of `before`). Of more than intent::kObjectStatusesMax what needs attention is kept first.
// REQUIRES: `findings` has a plan and desired objects.
std::vector<intent::ObjectStatus> ResourcesOf(const EntryFindings& findings,
                                              const std::vector<intent::ObjectStatus>& before);

}  // namespace leidang::agent
