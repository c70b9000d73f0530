#pragma once

// The words of a recording's deeds and facts as the plain types that both ends use, and back. Pure.

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/intent/status.h"
#include "tests/sim/replay/recording.h"

namespace leidang::sim {

// The cluster of all recordings.
inline constexpr intent::ClusterId kRecordedCluster{
    intent::ClusterId::Bytes{0xc1, 0x05, 0x7e, 0x12}};

// Each answers kInvalidArgument, naming the argument.
absl::StatusOr<uint64_t> NumberOf(const Deed& deed, absl::string_view name);  // Absent: 0.
absl::StatusOr<std::string> BytesOf(const Deed& deed, absl::string_view name);
absl::StatusOr<intent::EntryKey> KeyOf(const Deed& deed);
absl::StatusOr<intent::Uid> UidOf(const Deed& deed);
absl::StatusOr<intent::Authority> AuthorityOf(const Deed& deed);
// body=… and any number of source=URL|revision|commit|path|tool|tree.
absl::StatusOr<intent::Assignment> AssignmentOf(const Deed& deed);
// All of an EntryStatus but `applied_element`, and any condition=type|reason|message|seconds.
absl::StatusOr<intent::EntryStatus> StatusOf(const Deed& deed);

// With nothing left out: what the wire loses shows.
std::string TextOf(const intent::Authority& authority);
std::string TextOf(const intent::Assignment& assignment);
std::string TextOf(const intent::EntryStatus& status);

}  // namespace leidang::sim
