#include "hub/ledger/ledger_check.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "hub/ledger/audit_chain.h"
#include "hub/ledger/entry_codec.h"
#include "hub/ledger/records.h"
#include "hub/store/key_codec.h"
#include "hub/store/records.h"

namespace leidang::hub {
namespace {

class LedgerCheck {
 public:
  LedgerCheck(const RowView& rows, CheckReport& report) : rows_(rows), report_(report) {}

  void Run() {
    ReadRevision();
    for (const Family family : {Family::kLedger, Family::kAudit}) {
      Scan(family, [&](absl::string_view key, absl::string_view value) {
        report_.CountRow(family);
        CheckRow(family, key, value);
      });
    }
    CheckNames();
    CheckPending();
    CheckAuditHead();
    CheckAuthorities();
  }

 private:
  using Visit = std::function<void(absl::string_view, absl::string_view)>;

  void Scan(Family family, const Visit& visit) {
    const absl::Status status =
        rows_.Scan(family, "", "", [&](absl::string_view key, absl::string_view value) {
          visit(key, value);
          return true;
        });
    if (!status.ok()) report_.Damage(family, "", std::string(status.message()));
  }

  void ReadRevision() {
    const absl::StatusOr<std::optional<std::string>> value =
        rows_.Get(Family::kLedger, RevisionRowKey());
    if (!value.ok() || !value->has_value()) return;  // A ledger that was never written to.
    const absl::StatusOr<LedgerRevision> revision = DecodeRevision(**value);
    if (revision.ok()) {
      revision_ = *revision;
    } else {
      report_.Damage(Family::kLedger, RevisionRowKey(), std::string(revision.status().message()));
    }
  }

  void CheckRow(Family family, absl::string_view row, absl::string_view value) {
    if (row == RevisionRowKey()) return;
    if (absl::StartsWith(row, LeasesPrefix())) {
      const absl::StatusOr<StoredLease> lease = DecodeLease(row, value);
      if (!lease.ok()) report_.Damage(family, row, std::string(lease.status().message()));
      return;
    }
    if (!absl::StartsWith(row, EntriesPrefix(""))) {
      return report_.Warning(family, row, "a kind of row that this program does not know");
    }
    const absl::StatusOr<LedgerEntry> entry = DecodeEntry(family, row, value);
    if (!entry.ok()) return report_.Damage(family, row, std::string(entry.status().message()));
    if (LedgerFamily(entry->key) != family) {
      report_.Damage(family, row, "an entry in the wrong family");
    }
    if (entry->created > entry->modified || entry->modified > revision_ || entry->created == 0) {
      report_.Damage(family, row,
                     absl::StrCat("it was made at revision ", entry->created, " and changed at ",
                                  entry->modified, ", the ledger is at ", revision_));
    }
    CheckEntry(family, row, *entry);
  }

  void CheckEntry(Family family, absl::string_view row, const LedgerEntry& entry) {
    const std::string& key = entry.key;
    if (key == HubIdentityKey()) return Take<HubIdentity>(family, row, entry);
    if (key == AuditHeadKey()) return Take<AuditHead>(family, row, entry);
    if (absl::StartsWith(key, kObjectsPrefix)) return Take<WrittenObject>(family, row, entry);
    if (absl::StartsWith(key, kClustersPrefix)) {
      return Take<ClusterRegistration>(family, row, entry);
    }
    if (absl::StartsWith(key, kPendingDeletionsPrefix)) {
      return Take<PendingDeletion>(family, row, entry);
    }
    if (absl::StartsWith(key, kDeletionCountsPrefix))
      return Take<DeletionCount>(family, row, entry);
    if (absl::StartsWith(key, kHoldingsPrefix)) return Take<Holding>(family, row, entry);
    if (absl::StartsWith(key, kGitPinsPrefix)) return Take<GitPin>(family, row, entry);
    if (absl::StartsWith(key, kJoinTokensPrefix)) return Take<JoinToken>(family, row, entry);
    if (absl::StartsWith(key, kUserTokensPrefix)) return Take<UserToken>(family, row, entry);
    if (absl::StartsWith(key, kRevokedPrefix)) return Take<RevokedCertificate>(family, row, entry);
    if (absl::StartsWith(key, kOperationsPrefix)) return Take<OperationRecord>(family, row, entry);
    if (absl::StartsWith(key, kAuditEntriesPrefix)) return Take<AuditEntry>(family, row, entry);
    if (absl::StartsWith(key, ClusterNameKey("")) || absl::StartsWith(key, ClusterServerKey(""))) {
      names_.emplace(key, entry.value);
      return;
    }
    report_.Warning(family, row, "a kind of record that this program does not know");
  }

  template <typename Record>
  void Take(Family family, absl::string_view row, const LedgerEntry& entry) {
    const absl::StatusOr<Record> record = Decode<Record>(entry);
    if (!record.ok()) return report_.Damage(family, row, std::string(record.status().message()));
    if constexpr (!std::is_same_v<Record, HubIdentity> && !std::is_same_v<Record, AuditHead>) {
      if (LedgerKeyOf(*record) != entry.key) {
        report_.Damage(family, row, absl::StrCat("its record is that of ", LedgerKeyOf(*record)));
      }
    }
    if constexpr (std::is_same_v<Record, ClusterRegistration>) clusters_[record->id] = *record;
    if constexpr (std::is_same_v<Record, PendingDeletion>) pending_[entry.key] = record->cluster;
    if constexpr (std::is_same_v<Record, AuditHead>) head_ = *record;
    if constexpr (std::is_same_v<Record, AuditEntry>) ExtendChain(row, *record);
  }

  // Entries come in the order of their numbers.
  void ExtendChain(absl::string_view row, const AuditEntry& entry) {
    if (chain_broken_) return;
    const absl::StatusOr<AuditHead> extended = VerifyAudit({entry}, chain_);
    if (extended.ok()) {
      chain_ = *extended;
      return;
    }
    chain_broken_ = true;
    report_.Damage(Family::kAudit, row, std::string(extended.status().message()));
  }

  void CheckAuditHead() {
    if (chain_broken_ || head_ == chain_) return;
    report_.Damage(Family::kAudit, "",
                   absl::StrCat("the audit log ends at entry ", chain_.sequence,
                                ", its head names entry ", head_.sequence,
                                head_.sequence == chain_.sequence ? " with another hash" : ""));
  }

  void CheckNames() {
    for (const auto& [id, cluster] : clusters_) {
      for (const std::string& key :
           {ClusterNameKey(cluster.name), ClusterServerKey(cluster.server)}) {
        const auto it = names_.find(key);
        if (it != names_.end() && it->second == id.Hex()) continue;
        report_.Damage(Family::kLedger, EntryRowKey(key),
                       absl::StrCat("it does not name cluster ", id.Hex(), ", which has it"));
      }
    }
    for (const auto& [key, id] : names_) {
      const std::optional<intent::ClusterId> cluster = intent::ClusterId::FromHex(id);
      if (cluster.has_value() && clusters_.contains(*cluster)) continue;
      report_.Damage(Family::kLedger, EntryRowKey(key),
                     "it names a cluster that is not registered");
    }
  }

  void CheckPending() {
    for (const auto& [key, cluster] : pending_) {
      if (clusters_.contains(cluster)) continue;
      report_.Warning(Family::kLedger, EntryRowKey(key),
                      "a pending deletion of a cluster that is not registered");
    }
  }

  // The ledger is written first: its authority is that of the log, or newer for a moment.
  void CheckAuthorities() {
    Scan(Family::kLog, [&](absl::string_view key, absl::string_view value) {
      const absl::StatusOr<LogKeyParts> parts = ParseLogKey(key);
      if (!parts.ok() || parts->revision != 0) return;
      const absl::StatusOr<LogHeader> header = DecodeLogHeader(key, value);
      if (!header.ok()) return;  // CheckStore tells.
      const auto it = clusters_.find(parts->cluster);
      if (it == clusters_.end()) {
        return report_.Warning(Family::kLog, key, "a log of a cluster that is not registered");
      }
      const intent::Authority& decided = it->second.log;
      if (intent::MayObey(intent::Compare(header->authority, decided))) return;
      report_.Damage(Family::kLog, key,
                     absl::StrCat("the log is of ", header->authority.ToString(),
                                  ", the ledger says ", decided.ToString()));
    });
  }

  const RowView& rows_;
  CheckReport& report_;
  LedgerRevision revision_ = 0;
  std::map<std::string, std::string> names_;
  std::map<intent::ClusterId, ClusterRegistration> clusters_;
  std::map<std::string, intent::ClusterId> pending_;
  AuditHead head_;
  AuditHead chain_;
  bool chain_broken_ = false;
};

}  // namespace

void CheckLedger(const RowView& rows, CheckReport* report) { LedgerCheck(rows, *report).Run(); }

}  // namespace leidang::hub
