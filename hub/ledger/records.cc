#include "hub/ledger/records.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "common/base/status_macros.h"
#include "hub/store/key_codec.h"
#include "hub/store/record_times.h"
#include "leidang/store/v1/records.pb.h"

namespace leidang::hub {
namespace {

namespace pb = ::leidang::store::v1;

constexpr uint32_t kFormat = 1;

absl::Status Unreadable(const LedgerEntry& entry, absl::string_view why) {
  return absl::DataLossError(absl::StrCat("ledger entry \"", entry.key, "\" cannot be read: ", why,
                                          ". Restore the data directory from a backup."));
}

// The record that `previous` is, so that what this program does not know stays in it.
template <typename Message>
Message Begin(absl::string_view previous) {
  Message message;
  if (!message.ParseFromArray(previous.data(), static_cast<int>(previous.size()))) message.Clear();
  message.set_format(kFormat);
  return message;
}

template <typename Message>
absl::StatusOr<Message> Parse(const LedgerEntry& entry) {
  Message message;
  if (!message.ParseFromString(entry.value) || message.format() == 0) {
    return Unreadable(entry, "it is no record of its kind");
  }
  if (message.format() > kFormat) {
    return absl::DataLossError(absl::StrCat("ledger entry \"", entry.key, "\" has format ",
                                            message.format(), "; this program reads up to ",
                                            kFormat, ": run a newer leidang-hub"));
  }
  return message;
}

template <typename Id>
absl::Status ReadId(const LedgerEntry& entry, const std::string& raw, Id& out) {
  const auto id = Id::FromRaw(raw);
  if (!id.has_value()) return Unreadable(entry, "an id does not have 16 bytes");
  out = *id;
  return absl::OkStatus();
}

absl::Status ReadDigest(const LedgerEntry& entry, const std::string& raw, object::Sha256& out) {
  const auto digest = object::Sha256::FromRaw(raw);
  if (!digest.has_value()) return Unreadable(entry, "a digest does not have 32 bytes");
  out = *digest;
  return absl::OkStatus();
}

// Enums are stored as numbers from `first` to `last`.
template <typename Enum>
absl::Status ReadEnum(const LedgerEntry& entry, uint32_t raw, Enum first, Enum last, Enum& out) {
  if (raw < static_cast<uint32_t>(first) || raw > static_cast<uint32_t>(last)) {
    return Unreadable(entry, absl::StrCat("it has the unknown value ", raw));
  }
  out = static_cast<Enum>(raw);
  return absl::OkStatus();
}

absl::Status ReadPolicy(const LedgerEntry& entry, uint32_t raw, intent::DeletionPolicy& out) {
  return ReadEnum(entry, raw, intent::DeletionPolicy::kForeground, intent::DeletionPolicy::kOrphan,
                  out);
}

uint32_t FromPolicy(const std::optional<intent::DeletionPolicy>& policy) {
  return policy.has_value() ? static_cast<uint32_t>(*policy) : 0;
}

absl::Status ReadOptionalPolicy(const LedgerEntry& entry, uint32_t raw,
                                std::optional<intent::DeletionPolicy>& out) {
  if (raw == 0) return absl::OkStatus();
  return ReadPolicy(entry, raw, out.emplace());
}

template <typename ProtoMap>
void WriteMap(const std::map<std::string, std::string>& from, ProtoMap& to) {
  to.clear();
  for (const auto& [key, value] : from) to[key] = value;
}

template <typename ProtoMap>
std::map<std::string, std::string> ReadMap(const ProtoMap& from) {
  return std::map<std::string, std::string>(from.begin(), from.end());
}

absl::string_view KindWord(WrittenKind kind) {
  switch (kind) {
    case WrittenKind::kApplicationSet:
      return "applicationset";
    case WrittenKind::kApplication:
      return "application";
    case WrittenKind::kAppProject:
      return "appproject";
    case WrittenKind::kRepository:
      return "repository";
    case WrittenKind::kSettings:
      return "settings";
  }
  return "unknown";
}

}  // namespace

std::string HubIdentityKey() { return "hub"; }
// Not below kAuditEntriesPrefix, which is a list of entries only.
std::string AuditHeadKey() { return "audit-head"; }
std::string ClusterNameKey(absl::string_view name) { return absl::StrCat("cluster-names/", name); }
std::string ClusterServerKey(absl::string_view server) {
  return absl::StrCat("cluster-servers/", server);
}

std::string ObjectsOfKindPrefix(WrittenKind kind) {
  return absl::StrCat(kObjectsPrefix, KindWord(kind), "/");
}
std::string ObjectKeyOf(WrittenKind kind, absl::string_view key) {
  return absl::StrCat(ObjectsOfKindPrefix(kind), key);
}
std::string ClusterKeyOf(const intent::ClusterId& id) {
  return absl::StrCat(kClustersPrefix, id.Hex());
}
std::string DeletionCountKey(absl::string_view entry_key) {
  return absl::StrCat(kDeletionCountsPrefix, entry_key);
}
std::string HoldingKey(absl::string_view application) {
  return absl::StrCat(kHoldingsPrefix, application);
}
std::string BrakeKey(const BrakeId& id) {
  return absl::StrCat(kBrakesPrefix, static_cast<int>(id.scope), "/", id.key);
}
std::string JoinTokenKey(const object::Sha256& hash) {
  return absl::StrCat(kJoinTokensPrefix, hash.Hex());
}
std::string UserTokenKey(const object::Sha256& hash) {
  return absl::StrCat(kUserTokensPrefix, hash.Hex());
}
std::string OperationKey(const OperationId& id) {
  return absl::StrCat(kOperationsPrefix, id.Hex());
}
std::string PendingOfClusterPrefix(const intent::ClusterId& cluster) {
  return absl::StrCat(kPendingDeletionsPrefix, cluster.Hex(), "/");
}

std::string LedgerKeyOf(const WrittenObject& object) {
  return ObjectKeyOf(object.kind, object.key);
}
std::string LedgerKeyOf(const ClusterRegistration& cluster) { return ClusterKeyOf(cluster.id); }
std::string LedgerKeyOf(const PendingDeletion& deletion) {
  return absl::StrCat(PendingOfClusterPrefix(deletion.cluster), deletion.uid.Hex(), "/",
                      deletion.key.ToString());
}
std::string LedgerKeyOf(const DeletionCount& count) { return DeletionCountKey(count.entry_key); }
std::string LedgerKeyOf(const Holding& holding) { return HoldingKey(holding.key); }
std::string LedgerKeyOf(const Brake& brake) { return BrakeKey(brake.id); }
std::string LedgerKeyOf(const GitPin& pin) {
  return absl::StrCat(kGitPinsPrefix, KeyWriter().String(pin.url).Take(), pin.revision);
}
std::string LedgerKeyOf(const JoinToken& token) { return JoinTokenKey(token.hash); }
std::string LedgerKeyOf(const UserToken& token) { return UserTokenKey(token.hash); }
std::string LedgerKeyOf(const RevokedCertificate& revoked) {
  return absl::StrCat(kRevokedPrefix, revoked.serial);
}
std::string LedgerKeyOf(const OperationRecord& operation) { return OperationKey(operation.id); }
std::string LedgerKeyOf(const AuditEntry& entry) {
  return absl::StrFormat("%s%020d", kAuditEntriesPrefix, entry.sequence);
}

std::string Encode(const HubIdentity& identity, absl::string_view previous) {
  auto record = Begin<pb::HubIdentityRecord>(previous);
  record.set_hub_id(identity.id.Raw());
  *record.mutable_created_at() = ToRecord(identity.created_at);
  return record.SerializeAsString();
}

template <>
absl::StatusOr<HubIdentity> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::HubIdentityRecord>(entry));
  HubIdentity identity;
  RETURN_IF_ERROR(ReadId(entry, record.hub_id(), identity.id));
  identity.created_at = FromRecord(record.created_at());
  return identity;
}

std::string Encode(const WrittenObject& object, absl::string_view previous) {
  auto record = Begin<pb::WrittenRecord>(previous);
  record.set_kind(static_cast<uint32_t>(object.kind));
  record.set_key(object.key);
  record.set_manifest(object.manifest);
  record.set_owner(object.owner);
  *record.mutable_created_at() = ToRecord(object.created_at);
  *record.mutable_changed_at() = ToRecord(object.changed_at);
  record.set_deleting(object.deleting ? static_cast<uint32_t>(*object.deleting) : 0);
  return record.SerializeAsString();
}

template <>
absl::StatusOr<WrittenObject> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(auto record, Parse<pb::WrittenRecord>(entry));
  WrittenObject object;
  RETURN_IF_ERROR(ReadEnum(entry, record.kind(), WrittenKind::kApplicationSet,
                           WrittenKind::kSettings, object.kind));
  object.key = std::move(*record.mutable_key());
  object.manifest = std::move(*record.mutable_manifest());
  object.owner = std::move(*record.mutable_owner());
  object.created_at = FromRecord(record.created_at());
  object.changed_at = FromRecord(record.changed_at());
  if (record.deleting() != 0) {
    RETURN_IF_ERROR(ReadEnum(entry, record.deleting(), Ending::kForeground, Ending::kAsDeclared,
                             object.deleting.emplace()));
  }
  return object;
}

std::string Encode(const ClusterRegistration& cluster, absl::string_view previous) {
  auto record = Begin<pb::ClusterRecord>(previous);
  record.set_id(cluster.id.Raw());
  record.set_name(cluster.name);
  record.set_server(cluster.server);
  record.set_project(cluster.project);
  WriteMap(cluster.labels, *record.mutable_labels());
  WriteMap(cluster.annotations, *record.mutable_annotations());
  record.set_owner(cluster.owner);
  *record.mutable_created_at() = ToRecord(cluster.created_at);
  *record.mutable_joined_at() = ToRecord(cluster.joined_at);
  pb::Authority& log = *record.mutable_log();
  log.set_hub_id(cluster.log.hub.Raw());
  log.set_epoch(cluster.log.epoch);
  log.set_incarnation(cluster.log.incarnation);
  record.set_deleting(FromPolicy(cluster.deleting));
  record.set_recovering(cluster.recovering);
  record.clear_dormancy();
  if (cluster.dormancy) {
    pb::DormancyMark& mark = *record.mutable_dormancy();
    *mark.mutable_since() = ToRecord(cluster.dormancy->since);
    for (const std::string& name : cluster.dormancy->left_behind) mark.add_left_behind(name);
    mark.set_more_left_behind(cluster.dormancy->more_left_behind);
  }
  return record.SerializeAsString();
}

template <>
absl::StatusOr<ClusterRegistration> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::ClusterRecord>(entry));
  ClusterRegistration cluster;
  RETURN_IF_ERROR(ReadId(entry, record.id(), cluster.id));
  cluster.name = record.name();
  cluster.server = record.server();
  cluster.project = record.project();
  cluster.labels = ReadMap(record.labels());
  cluster.annotations = ReadMap(record.annotations());
  cluster.owner = record.owner();
  cluster.created_at = FromRecord(record.created_at());
  cluster.joined_at = FromRecord(record.joined_at());
  RETURN_IF_ERROR(ReadId(entry, record.log().hub_id(), cluster.log.hub));
  cluster.log.epoch = record.log().epoch();
  cluster.log.incarnation = record.log().incarnation();
  RETURN_IF_ERROR(ReadOptionalPolicy(entry, record.deleting(), cluster.deleting));
  cluster.recovering = record.recovering();
  if (record.has_dormancy()) {
    const pb::DormancyMark& mark = record.dormancy();
    cluster.dormancy = ClusterDormancy{FromRecord(mark.since()),
                                       {mark.left_behind().begin(), mark.left_behind().end()},
                                       mark.more_left_behind()};
  }
  return cluster;
}

std::string Encode(const PendingDeletion& deletion, absl::string_view previous) {
  auto record = Begin<pb::PendingDeletionRecord>(previous);
  record.set_cluster(deletion.cluster.Raw());
  record.set_key(deletion.key.ToString());
  record.set_uid(deletion.uid.Raw());
  record.set_policy(static_cast<uint32_t>(deletion.policy));
  *record.mutable_decided_at() = ToRecord(deletion.decided_at);
  record.set_reason(deletion.reason);
  return record.SerializeAsString();
}

template <>
absl::StatusOr<PendingDeletion> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::PendingDeletionRecord>(entry));
  PendingDeletion deletion;
  RETURN_IF_ERROR(ReadId(entry, record.cluster(), deletion.cluster));
  absl::StatusOr<intent::EntryKey> key = intent::EntryKey::FromString(record.key());
  if (!key.ok()) return Unreadable(entry, key.status().message());
  deletion.key = *std::move(key);
  RETURN_IF_ERROR(ReadId(entry, record.uid(), deletion.uid));
  RETURN_IF_ERROR(ReadPolicy(entry, record.policy(), deletion.policy));
  deletion.decided_at = FromRecord(record.decided_at());
  deletion.reason = record.reason();
  return deletion;
}

std::string Encode(const DeletionCount& count, absl::string_view previous) {
  auto record = Begin<pb::DeletionCountRecord>(previous);
  record.set_entry_key(count.entry_key);
  record.set_deletions(count.deletions);
  return record.SerializeAsString();
}

template <>
absl::StatusOr<DeletionCount> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::DeletionCountRecord>(entry));
  return DeletionCount{record.entry_key(), record.deletions()};
}

std::string Encode(const Holding& holding, absl::string_view previous) {
  auto record = Begin<pb::HoldingRecord>(previous);
  record.set_key(holding.key);
  record.set_owner(holding.owner);
  record.clear_kept();
  if (!holding.kept) return record.SerializeAsString();
  pb::KeptAssignment& kept = *record.mutable_kept();
  kept.set_cluster(holding.kept->cluster.Raw());
  kept.set_project(holding.kept->project);
  kept.set_manifest(holding.kept->manifest);
  kept.set_body(holding.kept->body);
  for (const intent::Source& source : holding.kept->sources) {
    pb::Source& to = *kept.add_sources();
    to.set_repo_url(source.repo_url);
    to.set_target_revision(source.target_revision);
    to.set_commit(source.commit);
    to.set_path(source.path);
    to.set_tool(static_cast<uint32_t>(source.tool));
    to.set_tree(source.tree.Raw());
  }
  return record.SerializeAsString();
}

template <>
absl::StatusOr<Holding> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::HoldingRecord>(entry));
  Holding holding;
  holding.key = record.key();
  holding.owner = record.owner();
  if (!record.has_kept()) return holding;
  Holding::Kept& kept = holding.kept.emplace();
  RETURN_IF_ERROR(ReadId(entry, record.kept().cluster(), kept.cluster));
  kept.project = record.kept().project();
  kept.manifest = record.kept().manifest();
  kept.body = record.kept().body();
  for (const pb::Source& from : record.kept().sources()) {
    intent::Source& source = kept.sources.emplace_back();
    source.repo_url = from.repo_url();
    source.target_revision = from.target_revision();
    source.commit = from.commit();
    source.path = from.path();
    RETURN_IF_ERROR(
        ReadEnum(entry, from.tool(), intent::Tool::kDirectory, intent::Tool::kPlugin, source.tool));
    RETURN_IF_ERROR(ReadDigest(entry, from.tree(), source.tree));
  }
  return holding;
}

namespace {

std::string JoinMarks(const std::set<BrakeMark>& marks) {
  std::string bytes;
  for (const BrakeMark& mark : marks) bytes += mark.Raw();
  return bytes;
}

absl::Status ReadMarks(const LedgerEntry& entry, const std::string& bytes,
                       std::set<BrakeMark>& marks) {
  constexpr size_t kBytes = 16;
  for (size_t at = 0; at < bytes.size(); at += kBytes) {
    BrakeMark mark;
    RETURN_IF_ERROR(ReadId(entry, bytes.substr(at, kBytes), mark));
    marks.insert(mark);
  }
  return absl::OkStatus();
}

}  // namespace

std::string Encode(const Brake& brake, absl::string_view previous) {
  auto record = Begin<pb::BrakeRecord>(previous);
  record.set_scope(static_cast<uint32_t>(brake.id.scope));
  record.set_key(brake.id.key);
  record.clear_passed();
  for (const Brake::Passed& passed : brake.passed) {
    pb::BrakePassed& to = *record.add_passed();
    *to.mutable_at() = ToRecord(passed.at);
    to.set_number(passed.number);
  }
  record.clear_parts();
  for (const auto& [owner, part] : brake.parts) {
    pb::BrakePart& to = *record.add_parts();
    to.set_owner(owner);
    to.set_held(JoinMarks(part.held));
    to.set_approved(JoinMarks(part.approved));
  }
  *record.mutable_held_since() = ToRecord(brake.held_since);
  record.set_rejected(brake.rejected.Raw());
  record.set_rejected_by(brake.rejected_by);
  return record.SerializeAsString();
}

template <>
absl::StatusOr<Brake> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::BrakeRecord>(entry));
  Brake brake;
  RETURN_IF_ERROR(ReadEnum(entry, record.scope(), BrakeScope::kSet, BrakeScope::kConfiguration,
                           brake.id.scope));
  brake.id.key = record.key();
  for (const pb::BrakePassed& passed : record.passed())
    brake.passed.push_back({FromRecord(passed.at()), passed.number()});
  for (const pb::BrakePart& from : record.parts()) {
    Brake::Part& part = brake.parts[from.owner()];
    RETURN_IF_ERROR(ReadMarks(entry, from.held(), part.held));
    RETURN_IF_ERROR(ReadMarks(entry, from.approved(), part.approved));
  }
  brake.held_since = FromRecord(record.held_since());
  RETURN_IF_ERROR(ReadDigest(entry, record.rejected(), brake.rejected));
  brake.rejected_by = record.rejected_by();
  return brake;
}

std::string Encode(const GitPin& pin, absl::string_view previous) {
  auto record = Begin<pb::GitPinRecord>(previous);
  record.set_url(pin.url);
  record.set_revision(pin.revision);
  record.set_commit(pin.commit);
  *record.mutable_since() = ToRecord(pin.since);
  return record.SerializeAsString();
}

template <>
absl::StatusOr<GitPin> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::GitPinRecord>(entry));
  return GitPin{record.url(), record.revision(), record.commit(), FromRecord(record.since())};
}

std::string Encode(const JoinToken& token, absl::string_view previous) {
  auto record = Begin<pb::JoinTokenRecord>(previous);
  record.set_hash(token.hash.Raw());
  record.set_cluster(token.cluster.Raw());
  *record.mutable_expires_at() = ToRecord(token.expires_at);
  *record.mutable_spent_at() = ToRecord(token.spent_at);
  return record.SerializeAsString();
}

template <>
absl::StatusOr<JoinToken> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::JoinTokenRecord>(entry));
  JoinToken token;
  RETURN_IF_ERROR(ReadDigest(entry, record.hash(), token.hash));
  RETURN_IF_ERROR(ReadId(entry, record.cluster(), token.cluster));
  token.expires_at = FromRecord(record.expires_at());
  token.spent_at = FromRecord(record.spent_at());
  return token;
}

std::string Encode(const UserToken& token, absl::string_view previous) {
  auto record = Begin<pb::UserTokenRecord>(previous);
  record.set_hash(token.hash.Raw());
  record.set_name(token.name);
  *record.mutable_created_at() = ToRecord(token.created_at);
  *record.mutable_expires_at() = ToRecord(token.expires_at);
  *record.mutable_revoked_at() = ToRecord(token.revoked_at);
  return record.SerializeAsString();
}

template <>
absl::StatusOr<UserToken> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::UserTokenRecord>(entry));
  UserToken token;
  RETURN_IF_ERROR(ReadDigest(entry, record.hash(), token.hash));
  token.name = record.name();
  token.created_at = FromRecord(record.created_at());
  token.expires_at = FromRecord(record.expires_at());
  token.revoked_at = FromRecord(record.revoked_at());
  return token;
}

std::string Encode(const RevokedCertificate& revoked, absl::string_view previous) {
  auto record = Begin<pb::RevokedCertificateRecord>(previous);
  record.set_serial(revoked.serial);
  record.set_cluster(revoked.cluster.Raw());
  *record.mutable_revoked_at() = ToRecord(revoked.revoked_at);
  record.set_reason(revoked.reason);
  return record.SerializeAsString();
}

template <>
absl::StatusOr<RevokedCertificate> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::RevokedCertificateRecord>(entry));
  RevokedCertificate revoked;
  revoked.serial = record.serial();
  RETURN_IF_ERROR(ReadId(entry, record.cluster(), revoked.cluster));
  revoked.revoked_at = FromRecord(record.revoked_at());
  revoked.reason = record.reason();
  return revoked;
}

std::string Encode(const OperationRecord& operation, absl::string_view previous) {
  auto record = Begin<pb::OperationRecord>(previous);
  record.set_id(operation.id.Raw());
  record.set_cluster(operation.cluster.Raw());
  record.set_key(operation.key.ToString());
  record.set_uid(operation.uid.Raw());
  record.set_kind(static_cast<uint32_t>(operation.kind));
  record.set_state(static_cast<uint32_t>(operation.state));
  record.set_parameters(operation.parameters);
  record.set_requested_by(operation.requested_by);
  record.set_message(operation.message);
  *record.mutable_requested_at() = ToRecord(operation.requested_at);
  *record.mutable_expires_at() = ToRecord(operation.expires_at);
  *record.mutable_ended_at() = ToRecord(operation.ended_at);
  record.set_delivery(static_cast<uint32_t>(operation.delivery));
  return record.SerializeAsString();
}

template <>
absl::StatusOr<OperationRecord> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::OperationRecord>(entry));
  OperationRecord operation;
  RETURN_IF_ERROR(ReadId(entry, record.id(), operation.id));
  RETURN_IF_ERROR(ReadId(entry, record.cluster(), operation.cluster));
  const absl::StatusOr<intent::EntryKey> key = intent::EntryKey::FromString(record.key());
  if (!key.ok()) return Unreadable(entry, key.status().message());
  operation.key = *key;
  RETURN_IF_ERROR(ReadId(entry, record.uid(), operation.uid));
  RETURN_IF_ERROR(ReadEnum(entry, record.kind(), OperationKind::kSync, OperationKind::kHistory,
                           operation.kind));
  RETURN_IF_ERROR(ReadEnum(entry, record.state(), OperationState::kPending,
                           OperationState::kExpired, operation.state));
  operation.parameters = record.parameters();
  operation.requested_by = record.requested_by();
  operation.message = record.message();
  operation.requested_at = FromRecord(record.requested_at());
  operation.expires_at = FromRecord(record.expires_at());
  operation.ended_at = FromRecord(record.ended_at());
  RETURN_IF_ERROR(ReadEnum(entry, record.delivery(), Delivery::kUnknown, Delivery::kAnswered,
                           operation.delivery));
  return operation;
}

std::string Encode(const AuditEntry& entry, absl::string_view previous) {
  auto record = Begin<pb::AuditRecord>(previous);
  record.set_sequence(entry.sequence);
  *record.mutable_at() = ToRecord(entry.at);
  record.set_who(entry.who);
  record.set_from(entry.from);
  record.set_what(entry.what);
  record.set_outcome(entry.outcome);
  record.set_previous(entry.previous.Raw());
  return record.SerializeAsString();
}

template <>
absl::StatusOr<AuditEntry> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::AuditRecord>(entry));
  AuditEntry audit;
  audit.sequence = record.sequence();
  audit.at = FromRecord(record.at());
  audit.who = record.who();
  audit.from = record.from();
  audit.what = record.what();
  audit.outcome = record.outcome();
  RETURN_IF_ERROR(ReadDigest(entry, record.previous(), audit.previous));
  return audit;
}

std::string Encode(const AuditHead& head, absl::string_view previous) {
  auto record = Begin<pb::AuditHeadRecord>(previous);
  record.set_sequence(head.sequence);
  record.set_hash(head.hash.Raw());
  return record.SerializeAsString();
}

template <>
absl::StatusOr<AuditHead> Decode(const LedgerEntry& entry) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::AuditHeadRecord>(entry));
  AuditHead head;
  head.sequence = record.sequence();
  RETURN_IF_ERROR(ReadDigest(entry, record.hash(), head.hash));
  return head;
}

object::Sha256 HashOf(const AuditEntry& entry) {
  const google::protobuf::Timestamp at = ToRecord(entry.at);
  KeyWriter bytes;
  const auto text = [&bytes](absl::string_view value) { bytes.U64(value.size()).Raw(value); };
  text("leidang.audit.v1");
  bytes.U64(entry.sequence);
  bytes.U64(static_cast<uint64_t>(at.seconds()));
  bytes.U64(static_cast<uint64_t>(at.nanos()));
  text(entry.who);
  text(entry.from);
  text(entry.what);
  text(entry.outcome);
  bytes.Raw(entry.previous.Raw());
  return object::Sha256::Of(bytes.Take());
}

}  // namespace leidang::hub
