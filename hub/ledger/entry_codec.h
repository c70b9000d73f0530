#pragma once

// Rows of the ledger (docs/formats/store.md), to and from plain types. kDataLoss for damage.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "hub/ledger/ledger.h"
#include "hub/store/rows.h"

namespace leidang::hub {

inline constexpr char kAuditPrefix[] = "audit/";

// Which family a key, or a list with that prefix, is in.
Family LedgerFamily(absl::string_view key_or_prefix);

std::string EntryRowKey(absl::string_view key);
std::string EntriesPrefix(absl::string_view prefix);
std::string EncodeEntry(const LedgerEntry& entry);
absl::StatusOr<LedgerEntry> DecodeEntry(Family family, absl::string_view row,
                                        absl::string_view value);

std::string RevisionRowKey();
std::string EncodeRevision(LedgerRevision revision);
absl::StatusOr<LedgerRevision> DecodeRevision(absl::string_view value);

std::string LeaseRowKey(LeaseId lease);
std::string LeasesPrefix();
struct StoredLease {
  LeaseId id = 0;
  absl::Duration life;
};
std::string EncodeLease(const StoredLease& lease);
absl::StatusOr<StoredLease> DecodeLease(absl::string_view row, absl::string_view value);

}  // namespace leidang::hub
