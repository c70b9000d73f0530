#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/intent/status.h"
#include "hub/store/application_index.h"
#include "leidang/v1/fleet.pb.h"

namespace leidang::hub {

// The names of states, which are Argo CD's.
const char* SyncName(intent::SyncState state);
const char* HealthName(intent::HealthState state);

// What a list of Applications asks for, but for its cluster, which has a name of its own.
// kInvalidArgument for a state that there is not; it names those that there are.
absl::StatusOr<ApplicationFilter> QueryOf(const v1::ListRequest& request);

void FillCounts(const ApplicationCounts& counts, v1::ApplicationCounts* out);

// Tokens of pages are keys. kInvalidArgument for one that is of no list of Applications.
std::string TokenOf(absl::string_view last_key);
absl::StatusOr<std::string> KeyOfToken(const std::string& token);

}  // namespace leidang::hub
