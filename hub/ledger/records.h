#pragma once

// The ledger's entries as types: where each is kept, and how it is written and read.
//
//   txn.Put(LedgerKeyOf(cluster), Encode(cluster, entry.value));   // `entry`: as it was read.
//   ASSIGN_OR_RETURN(ClusterRegistration cluster, Decode<ClusterRegistration>(entry));
//
// Encode's `previous`, the value that it replaces, may be empty: fields of a later version in it
// survive. Decode gives kDataLoss that names the entry, also for a format of a later version. Pure.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "hub/ledger/ledger.h"
#include "hub/model/decided.h"
#include "hub/model/written.h"

namespace leidang::hub {

// The newest entry of the audit log.
struct AuditHead {
  uint64_t sequence = 0;  // 0: there is none.
  object::Sha256 hash;

  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

// Where each kind is listed.
inline constexpr char kObjectsPrefix[] = "objects/";
inline constexpr char kClustersPrefix[] = "clusters/";
inline constexpr char kPendingDeletionsPrefix[] = "pending/";
inline constexpr char kDeletionCountsPrefix[] = "deletions/";
inline constexpr char kHoldingsPrefix[] = "holdings/";
inline constexpr char kBrakesPrefix[] = "brakes/";
inline constexpr char kGitPinsPrefix[] = "pins/git/";
inline constexpr char kJoinTokensPrefix[] = "tokens/join/";
inline constexpr char kUserTokensPrefix[] = "tokens/user/";
inline constexpr char kRevokedPrefix[] = "revoked/";
inline constexpr char kOperationsPrefix[] = "operations/";
inline constexpr char kAuditEntriesPrefix[] = "audit/";

std::string HubIdentityKey();
std::string AuditHeadKey();
// Guarded as absent, and put with the cluster's id in hex, they keep names and servers unique.
std::string ClusterNameKey(absl::string_view name);
std::string ClusterServerKey(absl::string_view server);

std::string ObjectKeyOf(WrittenKind kind, absl::string_view key);
std::string ObjectsOfKindPrefix(WrittenKind kind);
std::string ClusterKeyOf(const intent::ClusterId& id);
std::string DeletionCountKey(absl::string_view entry_key);
std::string HoldingKey(absl::string_view application);
std::string BrakeKey(const BrakeId& id);
std::string JoinTokenKey(const object::Sha256& hash);
std::string UserTokenKey(const object::Sha256& hash);
std::string OperationKey(const OperationId& id);
std::string PendingOfClusterPrefix(const intent::ClusterId& cluster);

std::string LedgerKeyOf(const WrittenObject& object);
std::string LedgerKeyOf(const ClusterRegistration& cluster);
std::string LedgerKeyOf(const PendingDeletion& deletion);
std::string LedgerKeyOf(const DeletionCount& count);
std::string LedgerKeyOf(const Holding& holding);
std::string LedgerKeyOf(const Brake& brake);
std::string LedgerKeyOf(const GitPin& pin);
std::string LedgerKeyOf(const JoinToken& token);
std::string LedgerKeyOf(const UserToken& token);
std::string LedgerKeyOf(const RevokedCertificate& revoked);
std::string LedgerKeyOf(const OperationRecord& operation);
std::string LedgerKeyOf(const AuditEntry& entry);

std::string Encode(const HubIdentity& identity, absl::string_view previous = "");
std::string Encode(const WrittenObject& object, absl::string_view previous = "");
std::string Encode(const ClusterRegistration& cluster, absl::string_view previous = "");
std::string Encode(const PendingDeletion& deletion, absl::string_view previous = "");
std::string Encode(const DeletionCount& count, absl::string_view previous = "");
std::string Encode(const Holding& holding, absl::string_view previous = "");
std::string Encode(const Brake& brake, absl::string_view previous = "");
std::string Encode(const GitPin& pin, absl::string_view previous = "");
std::string Encode(const JoinToken& token, absl::string_view previous = "");
std::string Encode(const UserToken& token, absl::string_view previous = "");
std::string Encode(const RevokedCertificate& revoked, absl::string_view previous = "");
std::string Encode(const OperationRecord& operation, absl::string_view previous = "");
std::string Encode(const AuditEntry& entry, absl::string_view previous = "");
std::string Encode(const AuditHead& head, absl::string_view previous = "");

template <typename Record>
absl::StatusOr<Record> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<HubIdentity> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<WrittenObject> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<ClusterRegistration> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<PendingDeletion> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<DeletionCount> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<Holding> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<Brake> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<GitPin> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<JoinToken> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<UserToken> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<RevokedCertificate> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<OperationRecord> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<AuditEntry> Decode(const LedgerEntry& entry);
template <>
absl::StatusOr<AuditHead> Decode(const LedgerEntry& entry);

// SHA-256 over the entry field by field (docs/formats/store.md), `previous` among them: the link of
// the chain. Not of the stored bytes, which later versions may extend.
object::Sha256 HashOf(const AuditEntry& entry);

}  // namespace leidang::hub
