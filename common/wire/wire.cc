#include "common/wire/wire.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "common/base/status_macros.h"

namespace leidang::wire {
namespace {

void ToProto(absl::Time from, google::protobuf::Timestamp* to) {
  const int64_t seconds = absl::ToUnixSeconds(from);
  to->set_seconds(seconds);
  to->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(from - absl::FromUnixSeconds(seconds))));
}

absl::Time FromProto(const google::protobuf::Timestamp& from) {
  return absl::FromUnixSeconds(from.seconds()) + absl::Nanoseconds(from.nanos());
}

// Enumerations that are only shown: what this version does not know becomes its first value,
// "unknown".
template <typename E>
E Shown(uint32_t number, E last) {
  return number <= static_cast<uint32_t>(last) ? static_cast<E>(number) : E{};
}

absl::StatusOr<intent::Source> FromProto(const v1::Source& from) {
  if (from.tool() == 0 || from.tool() > 255) {
    return absl::InvalidArgumentError(
        absl::StrCat("source.tool is ", from.tool(), ", not 1 to 255"));
  }
  ASSIGN_OR_RETURN(const object::Sha256 tree, Sha256FromProto("source.tree", from.tree()));
  return intent::Source{.repo_url = from.repo_url(),
                        .target_revision = from.target_revision(),
                        .commit = from.commit(),
                        .path = from.path(),
                        .tool = static_cast<intent::Tool>(from.tool()),
                        .tree = tree};
}

}  // namespace

absl::StatusOr<intent::Uid> UidFromProto(absl::string_view raw) {
  const auto uid = intent::Uid::FromRaw(raw);
  if (!uid.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("uid has ", raw.size(), " bytes, not 16"));
  }
  return *uid;
}

absl::StatusOr<object::Sha256> Sha256FromProto(absl::string_view field, absl::string_view raw) {
  if (raw.empty()) return object::Sha256();
  const auto digest = object::Sha256::FromRaw(raw);
  if (!digest.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(field, " has ", raw.size(), " bytes, not 32"));
  }
  return *digest;
}

void ToProto(const intent::Authority& from, v1::Authority* to) {
  to->set_hub_id(from.hub.Raw());
  to->set_epoch(from.epoch);
  to->set_incarnation(from.incarnation);
}

absl::StatusOr<intent::Authority> FromProto(const v1::Authority& from) {
  const auto hub = intent::HubId::FromRaw(from.hub_id());
  if (!hub.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("authority.hub_id has ", from.hub_id().size(), " bytes, not 16"));
  }
  return intent::Authority{*hub, from.epoch(), from.incarnation()};
}

void ToProto(const intent::Assignment& from, v1::Assignment* to) {
  to->set_key(from.key.ToString());
  to->set_uid(from.uid.Raw());
  to->set_body(from.body);
  for (const intent::Source& source : from.sources) {
    v1::Source* out = to->add_sources();
    out->set_repo_url(source.repo_url);
    out->set_target_revision(source.target_revision);
    out->set_commit(source.commit);
    out->set_path(source.path);
    out->set_tool(static_cast<uint32_t>(source.tool));
    if (!source.tree.IsNone()) out->set_tree(source.tree.Raw());
  }
}

absl::StatusOr<intent::Assignment> FromProto(const v1::Assignment& from) {
  intent::Assignment out;
  ASSIGN_OR_RETURN(out.key, intent::EntryKey::FromString(from.key()));
  ASSIGN_OR_RETURN(out.uid, UidFromProto(from.uid()));
  if (from.body().size() > intent::kStatusBodyMax) {
    return absl::InvalidArgumentError(absl::StrCat("the status of ", from.key(), " has a body of ",
                                                   from.body().size(), " bytes; at most ",
                                                   intent::kStatusBodyMax, " are allowed"));
  }
  out.body = from.body();
  out.sources.reserve(from.sources_size());
  for (const v1::Source& source : from.sources()) {
    ASSIGN_OR_RETURN(intent::Source converted, FromProto(source));
    out.sources.push_back(std::move(converted));
  }
  return out;
}

void ToProto(const intent::Tombstone& from, v1::Tombstone* to) {
  to->set_key(from.key.ToString());
  to->set_uid(from.uid.Raw());
  to->set_policy(static_cast<uint32_t>(from.policy));
}

absl::StatusOr<intent::Tombstone> FromProto(const v1::Tombstone& from) {
  intent::Tombstone out;
  ASSIGN_OR_RETURN(out.key, intent::EntryKey::FromString(from.key()));
  ASSIGN_OR_RETURN(out.uid, UidFromProto(from.uid()));
  if (from.policy() < 1 || from.policy() > 3) {
    // Guessing how to delete would be the one unforgivable guess.
    return absl::InvalidArgumentError(absl::StrCat("tombstone of ", from.key(), " has policy ",
                                                   from.policy(),
                                                   ", which this version does not know"));
  }
  out.policy = static_cast<intent::DeletionPolicy>(from.policy());
  return out;
}

void ToProto(const intent::Change& from, v1::Change* to) {
  to->set_revision(from.revision);
  if (const auto* put = std::get_if<intent::Assignment>(&from.what)) {
    ToProto(*put, to->mutable_put());
  } else {
    ToProto(std::get<intent::Tombstone>(from.what), to->mutable_tombstone());
  }
}

absl::StatusOr<intent::Change> FromProto(const v1::Change& from) {
  intent::Change out;
  out.revision = from.revision();
  switch (from.what_case()) {
    case v1::Change::kPut: {
      ASSIGN_OR_RETURN(out.what, FromProto(from.put()));
      return out;
    }
    case v1::Change::kTombstone: {
      ASSIGN_OR_RETURN(out.what, FromProto(from.tombstone()));
      return out;
    }
    case v1::Change::WHAT_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "change ", from.revision(), " is neither a put nor a tombstone that this version knows"));
}

void ToProto(const intent::EntryStatus& from, v1::EntryStatus* to) {
  to->set_key(from.key.ToString());
  to->set_uid(from.uid.Raw());
  to->set_received(from.received);
  to->set_applied(from.applied);
  if (!from.applied_element.IsNone()) to->set_applied_element(from.applied_element.Raw());
  to->set_sync(static_cast<uint32_t>(from.sync));
  to->set_health(static_cast<uint32_t>(from.health));
  to->set_operation(static_cast<uint32_t>(from.operation));
  to->set_message(from.message);
  to->set_applied_commit(from.applied_commit);
  to->set_objects(from.objects);
  to->set_drift_corrections(from.drift_corrections);
  to->set_deleting(from.deleting);
  to->set_gone(from.gone);
  to->set_unclaimed(from.unclaimed);
  to->set_body(from.body);
  if (from.operation_started) ToProto(*from.operation_started, to->mutable_operation_started());
  if (from.operation_finished) ToProto(*from.operation_finished, to->mutable_operation_finished());
  to->set_operation_commit(from.operation_commit);
  ToProto(from.observed_at, to->mutable_observed_at());
  for (const intent::StatusCondition& condition : from.conditions) {
    v1::Condition* out = to->add_conditions();
    out->set_type(condition.type);
    out->set_reason(condition.reason);
    out->set_message(condition.message);
    ToProto(condition.since, out->mutable_since());
  }
  for (const intent::ObjectStatus& object : from.resources) {
    v1::ObjectStatus* out = to->add_resources();
    out->set_group(object.key.group);
    out->set_kind(object.key.kind);
    out->set_namespace_(object.key.ns);
    out->set_name(object.key.name);
    out->set_sync(static_cast<uint32_t>(object.sync));
    out->set_health(object.health ? 1 + static_cast<uint32_t>(*object.health) : 0);
    out->set_hook(object.hook);
    out->set_operation(static_cast<uint32_t>(object.operation));
    out->set_message(object.message);
  }
}

intent::ObjectStatus FromProto(const v1::ObjectStatus& from) {
  intent::ObjectStatus out;
  out.key = {from.group(), from.kind(), from.namespace_(), from.name()};
  out.sync = Shown(from.sync(), intent::SyncState::kOutOfSync);
  if (from.health() > 0) out.health = Shown(from.health() - 1, intent::HealthState::kMissing);
  out.hook = from.hook();
  out.operation = Shown(from.operation(), intent::OperationPhase::kTerminating);
  out.message = from.message();
  return out;
}

absl::StatusOr<intent::EntryStatus> FromProto(const v1::EntryStatus& from) {
  intent::EntryStatus out;
  ASSIGN_OR_RETURN(out.key, intent::EntryKey::FromString(from.key()));
  ASSIGN_OR_RETURN(out.uid, UidFromProto(from.uid()));
  out.received = from.received();
  out.applied = from.applied();
  ASSIGN_OR_RETURN(out.applied_element,
                   Sha256FromProto("status.applied_element", from.applied_element()));
  out.sync = Shown(from.sync(), intent::SyncState::kOutOfSync);
  out.health = Shown(from.health(), intent::HealthState::kMissing);
  out.operation = Shown(from.operation(), intent::OperationPhase::kTerminating);
  out.message = from.message();
  out.applied_commit = from.applied_commit();
  out.objects = from.objects();
  out.drift_corrections = from.drift_corrections();
  out.deleting = from.deleting();
  out.gone = from.gone();
  out.unclaimed = from.unclaimed();
  if (from.body().size() > intent::kStatusBodyMax) {
    return absl::InvalidArgumentError(absl::StrCat("the status of ", from.key(), " has a body of ",
                                                   from.body().size(), " bytes; at most ",
                                                   intent::kStatusBodyMax, " are allowed"));
  }
  out.body = from.body();
  if (from.has_operation_started()) out.operation_started = FromProto(from.operation_started());
  if (from.has_operation_finished()) out.operation_finished = FromProto(from.operation_finished());
  out.operation_commit = from.operation_commit();
  out.observed_at = FromProto(from.observed_at());
  out.conditions.reserve(from.conditions_size());
  for (const v1::Condition& condition : from.conditions()) {
    out.conditions.push_back({.type = condition.type(),
                              .reason = condition.reason(),
                              .message = condition.message(),
                              .since = FromProto(condition.since())});
  }
  if (static_cast<size_t>(from.resources_size()) > intent::kObjectStatusesMax) {
    return absl::InvalidArgumentError(absl::StrCat("status.resources has ", from.resources_size(),
                                                   " objects, more than ",
                                                   intent::kObjectStatusesMax));
  }
  for (const v1::ObjectStatus& object : from.resources())
    out.resources.push_back(FromProto(object));
  return out;
}

}  // namespace leidang::wire
