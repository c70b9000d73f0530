#include "hub/store/records.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/store/key_codec.h"
#include "hub/store/record_times.h"
#include "leidang/store/v1/records.pb.h"

namespace leidang::hub {
namespace {

namespace pb = ::leidang::store::v1;

constexpr uint8_t kApplicationRow = 'a';
constexpr uint8_t kSetIndexRow = 'i';
constexpr uint8_t kSetStateRow = 's';
constexpr uint8_t kLinkRow = 0;  // Below every kind of entry.

template <typename Message>
absl::StatusOr<Message> Parse(Family family, absl::string_view key, absl::string_view value) {
  Message message;
  if (!message.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return Damaged(family, key, "it is no record of its kind");
  }
  if (message.format() == 0) return Damaged(family, key, "it has no format version");
  if (message.format() > kFormat) {
    return absl::DataLossError(absl::StrCat(
        "row ", absl::BytesToHexString(key), " of family ", FamilyName(family), " has format ",
        message.format(), "; this program reads up to ", kFormat, ": run a newer leidang-hub"));
  }
  return message;
}

template <typename Id>
absl::Status ReadId(Family family, absl::string_view key, const std::string& raw, Id& out) {
  const auto id = Id::FromRaw(raw);
  if (!id.has_value()) return Damaged(family, key, "an id does not have 16 bytes");
  out = *id;
  return absl::OkStatus();
}

absl::Status ReadDigest(Family family, absl::string_view key, const std::string& raw,
                        object::Sha256& out) {
  const auto digest = object::Sha256::FromRaw(raw);
  if (!digest.has_value()) return Damaged(family, key, "a digest does not have 32 bytes");
  out = *digest;
  return absl::OkStatus();
}

bool KnownKind(uint32_t kind) { return kind >= 1 && kind <= 3; }

void WriteCondition(const Condition& from, pb::Condition& to) {
  to.set_type(from.type);
  to.set_status(static_cast<uint32_t>(from.status));
  to.set_reason(from.reason);
  to.set_message(from.message);
  *to.mutable_since() = ToRecord(from.since);
}

Condition ReadCondition(const pb::Condition& from) {
  Condition to;
  to.type = from.type();
  to.status = static_cast<ConditionStatus>(from.status());
  to.reason = from.reason();
  to.message = from.message();
  to.since = FromRecord(from.since());
  return to;
}

void WriteProof(const Proof& from, pb::ProofMark& to) {
  to.set_root(from.root.Raw());
  to.set_revision(from.revision);
  *to.mutable_received_at() = ToRecord(from.received_at);
  *to.mutable_applied_at() = ToRecord(from.applied_at);
}

absl::StatusOr<Proof> ReadProof(absl::string_view key, const pb::ProofMark& from) {
  Proof to;
  RETURN_IF_ERROR(ReadDigest(Family::kStatus, key, from.root(), to.root));
  to.revision = from.revision();
  to.received_at = FromRecord(from.received_at());
  to.applied_at = FromRecord(from.applied_at());
  return to;
}

}  // namespace

absl::Status Damaged(Family family, absl::string_view key, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("row ", absl::BytesToHexString(key), " of family ",
                                          FamilyName(family), " is damaged: ", what,
                                          ". Restore the data directory from a backup."));
}

std::string ClusterPrefix(const intent::ClusterId& cluster) {
  return KeyWriter().Id(cluster).Take();
}

std::string LogKey(const intent::ClusterId& cluster, intent::Revision revision) {
  return KeyWriter().Id(cluster).U64(revision).Take();
}

std::string AssignKey(const intent::ClusterId& cluster, const intent::EntryKey& key) {
  return KeyWriter().Id(cluster).Byte(static_cast<uint8_t>(key.kind)).String(key.name).Take();
}

std::string ApplicationsPrefix() { return KeyWriter().Byte(kApplicationRow).Take(); }

std::string ApplicationRowKey(absl::string_view key) {
  return KeyWriter().Byte(kApplicationRow).String(key).Take();
}

std::string SetStatesPrefix() { return KeyWriter().Byte(kSetStateRow).Take(); }

std::string SetIndexRoot() { return KeyWriter().Byte(kSetIndexRow).Take(); }

std::string SetIndexPrefix(absl::string_view set) {
  return KeyWriter().Byte(kSetIndexRow).String(set).Take();
}

std::string SetIndexKey(absl::string_view set, absl::string_view key) {
  return KeyWriter().Byte(kSetIndexRow).String(set).String(key).Take();
}

std::string SetStateRowKey(absl::string_view set) {
  return KeyWriter().Byte(kSetStateRow).String(set).Take();
}

std::string StatusPrefix(const intent::ClusterId& cluster, const intent::EntryKey& key) {
  return KeyWriter().Id(cluster).Byte(static_cast<uint8_t>(key.kind)).String(key.name).Take();
}

std::string StatusKey(const intent::ClusterId& cluster, const intent::EntryKey& key,
                      const intent::Uid& uid) {
  return StatusPrefix(cluster, key) + uid.Raw();
}

std::string LinkRowKey(const intent::ClusterId& cluster) {
  return KeyWriter().Id(cluster).Byte(kLinkRow).Take();
}

bool IsLinkRow(absl::string_view key) {
  KeyReader reader(key);
  reader.ReadId<intent::ClusterId>();
  return reader.Byte() == kLinkRow && reader.Done();
}

std::string StatusesOfClusterBegin(const intent::ClusterId& cluster) {
  return KeyWriter().Id(cluster).Byte(kLinkRow + 1).Take();
}

absl::StatusOr<LogKeyParts> ParseLogKey(absl::string_view key) {
  KeyReader reader(key);
  LogKeyParts parts;
  parts.cluster = reader.ReadId<intent::ClusterId>();
  parts.revision = reader.U64();
  if (!reader.Done()) return Damaged(Family::kLog, key, "its key is no cluster and revision");
  return parts;
}

absl::StatusOr<AssignKeyParts> ParseAssignKey(absl::string_view key) {
  KeyReader reader(key);
  AssignKeyParts parts;
  parts.cluster = reader.ReadId<intent::ClusterId>();
  const uint8_t kind = reader.Byte();
  parts.key.name = reader.String();
  if (!reader.Done() || !KnownKind(kind)) {
    return Damaged(Family::kAssign, key, "its key is no cluster and entry key");
  }
  parts.key.kind = static_cast<intent::EntryKind>(kind);
  return parts;
}

absl::StatusOr<SetIndexParts> ParseSetIndexKey(absl::string_view key) {
  KeyReader reader(key);
  SetIndexParts parts;
  const uint8_t row = reader.Byte();
  parts.set = reader.String();
  parts.key = reader.String();
  if (!reader.Done() || row != kSetIndexRow) {
    return Damaged(Family::kDerived, key, "its key is no set and Application");
  }
  return parts;
}

std::string EncodeLogHeader(const LogHeader& header) {
  pb::LogHeader record;
  record.set_format(kFormat);
  record.mutable_authority()->set_hub_id(header.authority.hub.Raw());
  record.mutable_authority()->set_epoch(header.authority.epoch);
  record.mutable_authority()->set_incarnation(header.authority.incarnation);
  record.set_head(header.head);
  record.set_acked(header.acked);
  record.set_resumable_from(header.resumable_from);
  record.set_session_epoch(header.session_epoch);
  return record.SerializeAsString() + header.unknown_fields;
}

absl::StatusOr<LogHeader> DecodeLogHeader(absl::string_view key, absl::string_view value) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::LogHeader>(Family::kLog, key, value));
  LogHeader header;
  RETURN_IF_ERROR(ReadId(Family::kLog, key, record.authority().hub_id(), header.authority.hub));
  header.authority.epoch = record.authority().epoch();
  header.authority.incarnation = record.authority().incarnation();
  header.head = record.head();
  header.acked = record.acked();
  header.resumable_from = record.resumable_from();
  header.session_epoch = record.session_epoch();
  header.unknown_fields = UnknownFields(record);
  return header;
}

std::string EncodeLogEntry(const LogEntry& entry) {
  pb::LogRecord record;
  record.set_format(kFormat);
  const auto set_key = [&record](const intent::EntryKey& key, const intent::Uid& uid) {
    record.set_kind(static_cast<uint32_t>(key.kind));
    record.set_name(key.name);
    record.set_uid(uid.Raw());
  };
  if (const auto* put = std::get_if<PutEntry>(&entry)) {
    set_key(put->key, put->uid);
    record.mutable_put()->set_element(put->element.Raw());
    record.mutable_put()->set_size(put->size);
  } else {
    const auto& mark = std::get<TombstoneEntry>(entry);
    set_key(mark.tombstone.key, mark.tombstone.uid);
    record.mutable_tombstone()->set_policy(static_cast<uint32_t>(mark.tombstone.policy));
    record.mutable_tombstone()->set_gone(mark.gone);
  }
  return record.SerializeAsString();
}

absl::StatusOr<LogEntry> DecodeLogEntry(absl::string_view key, absl::string_view value) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::LogRecord>(Family::kLog, key, value));
  if (!KnownKind(record.kind())) return Damaged(Family::kLog, key, "its kind is unknown");
  const intent::EntryKey entry_key{static_cast<intent::EntryKind>(record.kind()), record.name()};
  intent::Uid uid;
  RETURN_IF_ERROR(ReadId(Family::kLog, key, record.uid(), uid));
  if (record.has_put()) {
    PutEntry put{entry_key, uid, {}, record.put().size()};
    RETURN_IF_ERROR(ReadDigest(Family::kLog, key, record.put().element(), put.element));
    return LogEntry(std::move(put));
  }
  if (!record.has_tombstone()) return Damaged(Family::kLog, key, "it says neither put nor delete");
  const uint32_t policy = record.tombstone().policy();
  if (policy < 1 || policy > 3) return Damaged(Family::kLog, key, "its policy is unknown");
  return LogEntry(TombstoneEntry{{entry_key, uid, static_cast<intent::DeletionPolicy>(policy)},
                                 record.tombstone().gone()});
}

uint64_t LinkSize(const intent::Assignment& assignment) {
  constexpr uint64_t kOverhead = 64;
  uint64_t size = kOverhead + assignment.key.name.size() + assignment.body.size();
  for (const intent::Source& source : assignment.sources) {
    size += kOverhead + source.repo_url.size() + source.target_revision.size() +
            source.commit.size() + source.path.size();
  }
  return size;
}

std::string EncodeAssignment(const LiveAssignment& live) {
  pb::AssignmentRecord record;
  record.set_format(kFormat);
  record.set_uid(live.assignment.uid.Raw());
  record.set_revision(live.revision);
  record.set_element(live.element.Raw());
  record.set_body(live.assignment.body);
  for (const intent::Source& source : live.assignment.sources) {
    pb::Source* to = record.add_sources();
    to->set_repo_url(source.repo_url);
    to->set_target_revision(source.target_revision);
    to->set_commit(source.commit);
    to->set_path(source.path);
    to->set_tool(static_cast<uint32_t>(source.tool));
    to->set_tree(source.tree.Raw());
  }
  return record.SerializeAsString();
}

absl::StatusOr<LiveAssignment> DecodeAssignment(absl::string_view key, absl::string_view value) {
  ASSIGN_OR_RETURN(auto record, Parse<pb::AssignmentRecord>(Family::kAssign, key, value));
  ASSIGN_OR_RETURN(AssignKeyParts parts, ParseAssignKey(key));
  LiveAssignment live;
  live.assignment.key = std::move(parts.key);
  RETURN_IF_ERROR(ReadId(Family::kAssign, key, record.uid(), live.assignment.uid));
  live.revision = record.revision();
  RETURN_IF_ERROR(ReadDigest(Family::kAssign, key, record.element(), live.element));
  live.assignment.body = std::move(*record.mutable_body());
  for (pb::Source& from : *record.mutable_sources()) {
    intent::Source source;
    source.repo_url = std::move(*from.mutable_repo_url());
    source.target_revision = std::move(*from.mutable_target_revision());
    source.commit = std::move(*from.mutable_commit());
    source.path = std::move(*from.mutable_path());
    source.tool = static_cast<intent::Tool>(from.tool());
    RETURN_IF_ERROR(ReadDigest(Family::kAssign, key, from.tree(), source.tree));
    live.assignment.sources.push_back(std::move(source));
  }
  return live;
}

std::string EncodeApplication(const DerivedApplication& application) {
  pb::ApplicationRecord record;
  record.set_format(kFormat);
  record.set_set(application.set);
  record.set_uid(application.uid.Raw());
  record.set_cluster(application.cluster.Raw());
  record.set_project(application.project);
  record.set_manifest(application.manifest);
  if (application.content != object::Sha256()) record.set_content(application.content.Raw());
  for (const Condition& c : application.conditions) WriteCondition(c, *record.add_conditions());
  return record.SerializeAsString();
}

absl::StatusOr<DerivedApplication> DecodeApplication(absl::string_view key,
                                                     absl::string_view value) {
  ASSIGN_OR_RETURN(auto record, Parse<pb::ApplicationRecord>(Family::kDerived, key, value));
  KeyReader reader(key);
  DerivedApplication application;
  const uint8_t row = reader.Byte();
  application.key = reader.String();
  if (!reader.Done() || row != kApplicationRow) {
    return Damaged(Family::kDerived, key, "its key names no Application");
  }
  application.set = std::move(*record.mutable_set());
  RETURN_IF_ERROR(ReadId(Family::kDerived, key, record.uid(), application.uid));
  RETURN_IF_ERROR(ReadId(Family::kDerived, key, record.cluster(), application.cluster));
  application.project = std::move(*record.mutable_project());
  application.manifest = std::move(*record.mutable_manifest());
  if (!record.content().empty()) {
    RETURN_IF_ERROR(ReadDigest(Family::kDerived, key, record.content(), application.content));
  }
  for (const pb::Condition& c : record.conditions()) {
    application.conditions.push_back(ReadCondition(c));
  }
  return application;
}

std::string EncodeSetState(const SetState& state) {
  pb::SetStateRecord record;
  record.set_format(kFormat);
  record.set_inputs(state.inputs.Raw());
  record.set_engine_level(state.engine_level);
  *record.mutable_expanded_at() = ToRecord(state.expanded_at);
  for (const Condition& c : state.conditions) WriteCondition(c, *record.add_conditions());
  return record.SerializeAsString();
}

absl::StatusOr<SetState> DecodeSetState(absl::string_view key, absl::string_view value) {
  ASSIGN_OR_RETURN(const auto record, Parse<pb::SetStateRecord>(Family::kDerived, key, value));
  KeyReader reader(key);
  SetState state;
  const uint8_t row = reader.Byte();
  state.key = reader.String();
  if (!reader.Done() || row != kSetStateRow) {
    return Damaged(Family::kDerived, key, "its key names no set");
  }
  RETURN_IF_ERROR(ReadDigest(Family::kDerived, key, record.inputs(), state.inputs));
  state.engine_level = record.engine_level();
  state.expanded_at = FromRecord(record.expanded_at());
  for (const pb::Condition& c : record.conditions()) state.conditions.push_back(ReadCondition(c));
  return state;
}

std::string EncodeStatus(const intent::EntryStatus& status) {
  pb::StatusRecord record;
  record.set_format(kFormat);
  record.set_received(status.received);
  record.set_applied(status.applied);
  record.set_sync(static_cast<uint32_t>(status.sync));
  record.set_health(static_cast<uint32_t>(status.health));
  record.set_operation(static_cast<uint32_t>(status.operation));
  record.set_message(status.message);
  record.set_applied_commit(status.applied_commit);
  record.set_objects(status.objects);
  record.set_drift_corrections(status.drift_corrections);
  record.set_deleting(status.deleting);
  record.set_gone(status.gone);
  record.set_unclaimed(status.unclaimed);
  record.set_body(status.body);
  if (status.operation_started) {
    *record.mutable_operation_started() = ToRecord(*status.operation_started);
  }
  if (status.operation_finished) {
    *record.mutable_operation_finished() = ToRecord(*status.operation_finished);
  }
  record.set_operation_commit(status.operation_commit);
  if (!status.applied_element.IsNone()) record.set_applied_element(status.applied_element.Raw());
  *record.mutable_observed_at() = ToRecord(status.observed_at);
  for (const intent::StatusCondition& from : status.conditions) {
    pb::Condition* to = record.add_conditions();
    to->set_type(from.type);
    to->set_reason(from.reason);
    to->set_message(from.message);
    *to->mutable_since() = ToRecord(from.since);
  }
  for (const intent::ObjectStatus& from : status.resources) {
    pb::ObjectStatus* to = record.add_resources();
    to->set_group(from.key.group);
    to->set_kind(from.key.kind);
    to->set_namespace_(from.key.ns);
    to->set_name(from.key.name);
    to->set_sync(static_cast<uint32_t>(from.sync));
    to->set_health(from.health ? 1 + static_cast<uint32_t>(*from.health) : 0);
    to->set_hook(from.hook);
    to->set_operation(static_cast<uint32_t>(from.operation));
    to->set_message(from.message);
  }
  return record.SerializeAsString();
}

absl::StatusOr<intent::EntryStatus> DecodeStatus(absl::string_view key, absl::string_view value) {
  ASSIGN_OR_RETURN(auto record, Parse<pb::StatusRecord>(Family::kStatus, key, value));
  KeyReader reader(key);
  intent::EntryStatus status;
  reader.Raw(16);
  const uint8_t kind = reader.Byte();
  status.key.name = reader.String();
  status.uid = reader.ReadId<intent::Uid>();
  if (!reader.Done() || !KnownKind(kind)) {
    return Damaged(Family::kStatus, key, "its key is no cluster, entry key and uid");
  }
  status.key.kind = static_cast<intent::EntryKind>(kind);
  status.received = record.received();
  status.applied = record.applied();
  status.sync = static_cast<intent::SyncState>(record.sync());
  status.health = static_cast<intent::HealthState>(record.health());
  status.operation = static_cast<intent::OperationPhase>(record.operation());
  status.message = std::move(*record.mutable_message());
  status.applied_commit = std::move(*record.mutable_applied_commit());
  status.objects = record.objects();
  status.drift_corrections = record.drift_corrections();
  status.deleting = record.deleting();
  status.gone = record.gone();
  status.unclaimed = record.unclaimed();
  status.body = std::move(*record.mutable_body());
  if (record.has_operation_started()) {
    status.operation_started = FromRecord(record.operation_started());
  }
  if (record.has_operation_finished()) {
    status.operation_finished = FromRecord(record.operation_finished());
  }
  status.operation_commit = std::move(*record.mutable_operation_commit());
  if (!record.applied_element().empty()) {
    RETURN_IF_ERROR(
        ReadDigest(Family::kStatus, key, record.applied_element(), status.applied_element));
  }
  status.observed_at = FromRecord(record.observed_at());
  for (const pb::Condition& from : record.conditions()) {
    status.conditions.push_back(
        {from.type(), from.reason(), from.message(), FromRecord(from.since())});
  }
  for (const pb::ObjectStatus& from : record.resources()) {
    intent::ObjectStatus& to = status.resources.emplace_back();
    to.key = {from.group(), from.kind(), from.namespace_(), from.name()};
    to.sync = static_cast<intent::SyncState>(from.sync());
    if (from.health() > 0) to.health = static_cast<intent::HealthState>(from.health() - 1);
    to.hook = from.hook();
    to.operation = static_cast<intent::OperationPhase>(from.operation());
    to.message = from.message();
  }
  return status;
}

std::string EncodeLink(const LinkRecord& link) {
  pb::LinkRecord record;
  record.set_format(kFormat);
  *record.mutable_last_seen() = ToRecord(link.last_seen);
  record.set_agent_version(link.agent_version);
  record.set_agent_revision(link.agent_revision);
  record.set_status_backlog(link.status_backlog);
  if (link.proof) WriteProof(*link.proof, *record.mutable_proof());
  if (link.applied_proof) WriteProof(*link.applied_proof, *record.mutable_applied_proof());
  return record.SerializeAsString();
}

absl::StatusOr<LinkRecord> DecodeLink(absl::string_view key, absl::string_view value) {
  ASSIGN_OR_RETURN(auto record, Parse<pb::LinkRecord>(Family::kStatus, key, value));
  KeyReader reader(key);
  LinkRecord link;
  link.cluster = reader.ReadId<intent::ClusterId>();
  if (reader.Byte() != kLinkRow || !reader.Done()) {
    return Damaged(Family::kStatus, key, "its key names no link");
  }
  link.last_seen = FromRecord(record.last_seen());
  link.agent_version = std::move(*record.mutable_agent_version());
  link.agent_revision = record.agent_revision();
  link.status_backlog = record.status_backlog();
  if (record.has_proof()) {
    ASSIGN_OR_RETURN(link.proof, ReadProof(key, record.proof()));
  }
  if (record.has_applied_proof()) {
    ASSIGN_OR_RETURN(link.applied_proof, ReadProof(key, record.applied_proof()));
  }
  return link;
}

}  // namespace leidang::hub
