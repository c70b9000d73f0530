#pragma once

// What a look did and how the Application changed by it, as Kubernetes Events. Pure;
// thread-safe.

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "agent/events/event_recorder.h"
#include "agent/reconcile/status_report.h"
#include "common/intent/status.h"

namespace leidang::agent {

// An object of the Application that was put right; `live` is what was seen before.
Happening CorrectionOf(const intent::EntryKey& app, const object::ObjectKey& key,
                       const std::vector<SeenObject>& live);

// `before` is the status reported last, `after` the one that takes its place. All is told of an
// object of kind Application in namespace `ns`, which need not be there: the Application itself is
// at the hub only.
std::vector<Happening> HappeningsOf(const EntryFindings& findings,
                                    const std::optional<intent::EntryStatus>& before,
                                    const intent::EntryStatus& after, absl::string_view ns);

}  // namespace leidang::agent
