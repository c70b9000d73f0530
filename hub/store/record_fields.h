#pragma once

// Single fields of stored records, read without the rest: what the index of Applications is filled
// from, where whole records would take most of a start (manifests and bodies are nearly all of
// their bytes). Errors as in records.h.

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/intent/authority.h"
#include "hub/store/application_index.h"

namespace leidang::hub {

// Of an ApplicationRecord.
absl::StatusOr<indexed::Placed> DecodePlace(absl::string_view key, absl::string_view value);
// Of an AssignmentRecord.
absl::StatusOr<intent::Revision> DecodeAssignedRevision(absl::string_view key,
                                                        absl::string_view value);
// Of a StatusRecord; nullopt if it is of no Application.
absl::StatusOr<std::optional<indexed::Reported>> DecodeReport(absl::string_view key,
                                                              absl::string_view value);

}  // namespace leidang::hub
