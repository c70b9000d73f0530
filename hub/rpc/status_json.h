#pragma once

#include <string>

#include "absl/time/time.h"

#include "leidang/v1/fleet.pb.h"

namespace leidang::hub {

// "2026-01-31T12:00:00Z".
std::string Rfc3339(absl::Time time);

// The manifest with a status in Argo CD's form, so that tools that read it there can read it here.
// `status.sync` and `status.health` are of now: while the cluster of an Application is offline both
// are Unknown, and all that it reported stands below `status.lastReported`, in the same form. A
// manifest that is no JSON object stays as it is.
std::string WithStatus(const std::string& manifest, const v1::Resource& resource);

}  // namespace leidang::hub
