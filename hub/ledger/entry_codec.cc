#include "hub/ledger/entry_codec.h"

#include "absl/strings/match.h"

#include "common/base/status_macros.h"
#include "hub/store/key_codec.h"
#include "hub/store/records.h"
#include "leidang/store/v1/records.pb.h"

namespace leidang::hub {
namespace {

namespace pb = ::leidang::store::v1;

// Keys of entries are raw behind this byte, so that a prefix of a key is a prefix of the row.
constexpr uint8_t kEntryRow = 'k';
constexpr uint8_t kLeaseRow = 'l';
constexpr uint8_t kRevisionRow = 'r';

template <typename Record>
absl::StatusOr<Record> Parse(Family family, absl::string_view row, absl::string_view value) {
  Record record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return Damaged(family, row, "it is no record of its kind");
  }
  if (record.format() == 0 || record.format() > kFormat) {
    return Damaged(family, row, "its format is unknown to this program");
  }
  return record;
}

}  // namespace

Family LedgerFamily(absl::string_view key_or_prefix) {
  return absl::StartsWith(key_or_prefix, kAuditPrefix) ? Family::kAudit : Family::kLedger;
}

std::string EntriesPrefix(absl::string_view prefix) {
  return KeyWriter().Byte(kEntryRow).Raw(prefix).Take();
}

std::string EntryRowKey(absl::string_view key) { return EntriesPrefix(key); }

std::string EncodeEntry(const LedgerEntry& entry) {
  pb::LedgerRecord record;
  record.set_format(kFormat);
  record.set_created(entry.created);
  record.set_modified(entry.modified);
  record.set_lease(entry.lease);
  record.set_value(entry.value);
  return record.SerializeAsString();
}

absl::StatusOr<LedgerEntry> DecodeEntry(Family family, absl::string_view row,
                                        absl::string_view value) {
  ASSIGN_OR_RETURN(auto record, Parse<pb::LedgerRecord>(family, row, value));
  if (row.size() < 2) return Damaged(family, row, "its key is empty");
  LedgerEntry entry;
  entry.key = std::string(row.substr(1));
  entry.value = std::move(*record.mutable_value());
  entry.created = record.created();
  entry.modified = record.modified();
  entry.lease = record.lease();
  return entry;
}

std::string RevisionRowKey() { return KeyWriter().Byte(kRevisionRow).Take(); }

std::string EncodeRevision(LedgerRevision revision) {
  pb::LedgerHeader record;
  record.set_format(kFormat);
  record.set_revision(revision);
  return record.SerializeAsString();
}

absl::StatusOr<LedgerRevision> DecodeRevision(absl::string_view value) {
  ASSIGN_OR_RETURN(const auto record,
                   Parse<pb::LedgerHeader>(Family::kLedger, RevisionRowKey(), value));
  return record.revision();
}

std::string LeasesPrefix() { return KeyWriter().Byte(kLeaseRow).Take(); }

std::string LeaseRowKey(LeaseId lease) { return KeyWriter().Byte(kLeaseRow).U64(lease).Take(); }

std::string EncodeLease(const StoredLease& lease) {
  pb::LeaseRecord record;
  record.set_format(kFormat);
  record.set_life_ms(absl::ToInt64Milliseconds(lease.life));
  return record.SerializeAsString();
}

absl::StatusOr<StoredLease> DecodeLease(absl::string_view row, absl::string_view value) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::LeaseRecord>(Family::kLedger, row, value));
  KeyReader reader(row);
  reader.Byte();
  StoredLease lease;
  lease.id = reader.U64();
  if (!reader.Done()) return Damaged(Family::kLedger, row, "its key names no lease");
  lease.life = absl::Milliseconds(record.life_ms());
  return lease;
}

}  // namespace leidang::hub
