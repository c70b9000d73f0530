#pragma once

// Keys and values of the store's rows, to and from plain types (docs/formats/store.md). Decoding
// gives kDataLoss that names the row, also for a format newer than this program's.

#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/intent/status.h"
#include "common/object/sha256.h"
#include "hub/model/application.h"
#include "hub/model/link_record.h"
#include "hub/store/rows.h"
#include "hub/store/store.h"

namespace leidang::hub {

inline constexpr uint32_t kFormat = 1;

// Row `what` of the family is damaged.
absl::Status Damaged(Family family, absl::string_view key, absl::string_view what);

std::string LogKey(const intent::ClusterId& cluster, intent::Revision revision);
std::string ClusterPrefix(const intent::ClusterId& cluster);
std::string AssignKey(const intent::ClusterId& cluster, const intent::EntryKey& key);
std::string ApplicationRowKey(absl::string_view key);
std::string SetIndexKey(absl::string_view set, absl::string_view key);
std::string SetIndexPrefix(absl::string_view set);
std::string SetStateRowKey(absl::string_view set);
std::string StatusKey(const intent::ClusterId& cluster, const intent::EntryKey& key,
                      const intent::Uid& uid);
std::string StatusPrefix(const intent::ClusterId& cluster, const intent::EntryKey& key);
// The row of a cluster's link stands before its statuses in the same family.
std::string LinkRowKey(const intent::ClusterId& cluster);
bool IsLinkRow(absl::string_view key);
std::string StatusesOfClusterBegin(const intent::ClusterId& cluster);
// All Applications, without index and sets.
std::string ApplicationsPrefix();
std::string SetIndexRoot();
std::string SetStatesPrefix();

struct LogKeyParts {
  intent::ClusterId cluster;
  intent::Revision revision = 0;
};
absl::StatusOr<LogKeyParts> ParseLogKey(absl::string_view key);
struct AssignKeyParts {
  intent::ClusterId cluster;
  intent::EntryKey key;
};
absl::StatusOr<AssignKeyParts> ParseAssignKey(absl::string_view key);
struct SetIndexParts {
  std::string set;
  std::string key;
};
absl::StatusOr<SetIndexParts> ParseSetIndexKey(absl::string_view key);

// Row 0 of a cluster's log.
struct LogHeader {
  intent::Authority authority;
  intent::Revision head = 0;
  intent::Revision acked = 0;
  intent::Revision resumable_from = 0;
  uint64_t session_epoch = 0;
  std::string unknown_fields;  // Of a later version; written back.

  friend bool operator==(const LogHeader&, const LogHeader&) = default;
};
std::string EncodeLogHeader(const LogHeader& header);
absl::StatusOr<LogHeader> DecodeLogHeader(absl::string_view key, absl::string_view value);

// Every other row of the log. A put's assignment is in the family `assign`.
struct PutEntry {
  intent::EntryKey key;
  intent::Uid uid;
  object::Sha256 element;
  uint64_t size = 0;
};
struct TombstoneEntry {
  intent::Tombstone tombstone;
  bool gone = false;
};
using LogEntry = std::variant<PutEntry, TombstoneEntry>;
std::string EncodeLogEntry(const LogEntry& entry);
absl::StatusOr<LogEntry> DecodeLogEntry(absl::string_view key, absl::string_view value);

std::string EncodeAssignment(const LiveAssignment& live);
absl::StatusOr<LiveAssignment> DecodeAssignment(absl::string_view key, absl::string_view value);
// About what an assignment takes on the link.
uint64_t LinkSize(const intent::Assignment& assignment);

std::string EncodeApplication(const DerivedApplication& application);
absl::StatusOr<DerivedApplication> DecodeApplication(absl::string_view key,
                                                     absl::string_view value);
std::string EncodeSetState(const SetState& state);
absl::StatusOr<SetState> DecodeSetState(absl::string_view key, absl::string_view value);

std::string EncodeStatus(const intent::EntryStatus& status);
absl::StatusOr<intent::EntryStatus> DecodeStatus(absl::string_view key, absl::string_view value);

std::string EncodeLink(const LinkRecord& link);
absl::StatusOr<LinkRecord> DecodeLink(absl::string_view key, absl::string_view value);

}  // namespace leidang::hub
