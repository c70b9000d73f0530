#include "hub/ledger/identity_bundle.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/ledger/entry_codec.h"
#include "hub/store/key_codec.h"
#include "hub/store/record_times.h"
#include "hub/store/records.h"
#include "leidang/store/v1/records.pb.h"

namespace leidang::hub {
namespace {

namespace pb = ::leidang::store::v1;

absl::StatusOr<LedgerRevision> RevisionOf(const RowView& view) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value,
                   view.Get(Family::kLedger, RevisionRowKey()));
  return value.has_value() ? DecodeRevision(*value) : absl::StatusOr<LedgerRevision>(0);
}

// Puts entries as one transaction of the ledger, however many they are.
class EntryWriter {
 public:
  explicit EntryWriter(LedgerRevision revision) : revision_(revision + 1) {}

  void Put(LedgerEntry entry) {
    if (entry.created == 0) entry.created = revision_;
    entry.modified = revision_;
    batch_.Put(LedgerFamily(entry.key), EntryRowKey(entry.key), EncodeEntry(entry));
  }
  void Put(std::string key, std::string value) {
    LedgerEntry entry;
    entry.key = std::move(key);
    entry.value = std::move(value);
    Put(std::move(entry));
  }
  absl::Status Persist(Rows& rows) {
    batch_.Put(Family::kLedger, RevisionRowKey(), EncodeRevision(revision_));
    return rows.Persist(std::move(batch_), Durability::kSynced);
  }

 private:
  const LedgerRevision revision_;
  RowBatch batch_;
};

absl::Status ForEach(const RowView& rows, absl::string_view prefix,
                     const std::function<absl::Status(const LedgerEntry&)>& take) {
  const std::string begin = EntriesPrefix(prefix);
  absl::Status status;
  RETURN_IF_ERROR(rows.Scan(Family::kLedger, begin, PrefixEnd(begin),
                            [&](absl::string_view key, absl::string_view value) {
                              const auto entry = DecodeEntry(Family::kLedger, key, value);
                              status = entry.ok() ? take(*entry) : entry.status();
                              return status.ok();
                            }));
  return status;
}

template <typename Record>
absl::Status GatherInto(const RowView& rows, absl::string_view prefix,
                        std::vector<Record>* records) {
  return ForEach(rows, prefix, [records](const LedgerEntry& entry) -> absl::Status {
    ASSIGN_OR_RETURN(Record record, Decode<Record>(entry));
    records->push_back(std::move(record));
    return absl::OkStatus();
  });
}

template <typename Record, typename Values>
absl::Status DecodeInto(const Values& values, absl::string_view what,
                        std::vector<Record>* records) {
  for (const std::string& value : values) {
    LedgerEntry entry;
    entry.key = std::string(what);
    entry.value = value;
    absl::StatusOr<Record> record = Decode<Record>(entry);
    if (!record.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the identity bundle has a ", what, " that cannot be read: ", record.status().message()));
    }
    records->push_back(*std::move(record));
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeBundle(const IdentityBundle& bundle) {
  pb::IdentityBundleRecord record;
  record.set_format(kFormat);
  record.set_hub_id(bundle.hub.Raw());
  *record.mutable_exported_at() = ToRecord(bundle.exported_at);
  record.set_ca_certificate_pem(bundle.ca_certificate_pem);
  record.set_ca_key_pem(bundle.ca_key_pem);
  for (const ClusterRegistration& cluster : bundle.clusters) record.add_clusters(Encode(cluster));
  for (const DeletionCount& count : bundle.deletions) record.add_deletions(Encode(count));
  for (const RevokedCertificate& revoked : bundle.revoked) record.add_revoked(Encode(revoked));
  return record.SerializeAsString();
}

absl::StatusOr<IdentityBundle> DecodeBundle(absl::string_view bytes) {
  pb::IdentityBundleRecord record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      record.format() == 0) {
    return absl::InvalidArgumentError("this is no identity bundle of leidang-hub");
  }
  if (record.format() > kFormat) {
    return absl::InvalidArgumentError(absl::StrCat("the identity bundle has format ",
                                                   record.format(), ", this program reads up to ",
                                                   kFormat, ": run a newer leidang-hub"));
  }
  const auto hub = intent::HubId::FromRaw(record.hub_id());
  if (!hub.has_value() || hub->IsNone()) {
    return absl::InvalidArgumentError("the identity bundle names no hub");
  }
  IdentityBundle bundle;
  bundle.hub = *hub;
  bundle.exported_at = FromRecord(record.exported_at());
  bundle.ca_certificate_pem = record.ca_certificate_pem();
  bundle.ca_key_pem = record.ca_key_pem();
  RETURN_IF_ERROR(DecodeInto(record.clusters(), "cluster", &bundle.clusters));
  RETURN_IF_ERROR(DecodeInto(record.deletions(), "deletion count", &bundle.deletions));
  RETURN_IF_ERROR(DecodeInto(record.revoked(), "revocation", &bundle.revoked));
  return bundle;
}

absl::StatusOr<IdentityBundle> GatherIdentity(const RowView& rows) {
  IdentityBundle bundle;
  ASSIGN_OR_RETURN(const std::optional<std::string> row,
                   rows.Get(Family::kLedger, EntryRowKey(HubIdentityKey())));
  if (!row.has_value()) {
    return absl::NotFoundError("the ledger names no hub: it was never started");
  }
  ASSIGN_OR_RETURN(const LedgerEntry entry,
                   DecodeEntry(Family::kLedger, EntryRowKey(HubIdentityKey()), *row));
  ASSIGN_OR_RETURN(const HubIdentity identity, Decode<HubIdentity>(entry));
  bundle.hub = identity.id;
  RETURN_IF_ERROR(GatherInto(rows, kClustersPrefix, &bundle.clusters));
  RETURN_IF_ERROR(GatherInto(rows, kDeletionCountsPrefix, &bundle.deletions));
  RETURN_IF_ERROR(GatherInto(rows, kRevokedPrefix, &bundle.revoked));
  return bundle;
}

absl::Status MarkAllRecovering(Rows& rows) {
  const std::shared_ptr<const RowView> view = rows.Reveal(nullptr);
  ASSIGN_OR_RETURN(const LedgerRevision revision, RevisionOf(*view));
  EntryWriter writer(revision);
  RETURN_IF_ERROR(
      ForEach(*view, kClustersPrefix, [&writer](const LedgerEntry& entry) -> absl::Status {
        ASSIGN_OR_RETURN(ClusterRegistration cluster, Decode<ClusterRegistration>(entry));
        cluster.recovering = true;
        LedgerEntry marked = entry;
        marked.value = Encode(cluster, entry.value);
        writer.Put(std::move(marked));
        return absl::OkStatus();
      }));
  return writer.Persist(rows);
}

absl::Status ImportIdentity(const IdentityBundle& bundle, Random& random, Rows& rows) {
  const std::shared_ptr<const RowView> view = rows.Reveal(nullptr);
  ASSIGN_OR_RETURN(const LedgerRevision revision, RevisionOf(*view));
  if (revision != 0) {
    return absl::FailedPreconditionError(
        "there is a ledger already: import an identity into a new data directory");
  }
  EntryWriter writer(revision);
  writer.Put(HubIdentityKey(), Encode(HubIdentity{bundle.hub, bundle.exported_at}));
  for (ClusterRegistration cluster : bundle.clusters) {
    cluster.recovering = true;
    ++cluster.log.epoch;
    cluster.log.incarnation = random.Next();
    writer.Put(LedgerKeyOf(cluster), Encode(cluster));
    writer.Put(ClusterNameKey(cluster.name), cluster.id.Hex());
    writer.Put(ClusterServerKey(cluster.server), cluster.id.Hex());
  }
  for (const DeletionCount& count : bundle.deletions) {
    writer.Put(LedgerKeyOf(count), Encode(count));
  }
  for (const RevokedCertificate& revoked : bundle.revoked) {
    writer.Put(LedgerKeyOf(revoked), Encode(revoked));
  }
  return writer.Persist(rows);
}

}  // namespace leidang::hub
