#include "hub/store/record_fields.h"

#include <cstdint>
#include <string>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

#include "common/base/status_macros.h"
#include "common/conditions/types.h"
#include "hub/store/key_codec.h"
#include "hub/store/records.h"
#include "leidang/store/v1/records.pb.h"

namespace leidang::hub {
namespace {

using ::google::protobuf::internal::WireFormatLite;
using ::google::protobuf::io::CodedInputStream;

namespace pb = ::leidang::store::v1;

constexpr int kFormatField = 1;  // Of every record.

enum class Field { kTaken, kNotWanted, kUnreadable };

Field Number(CodedInputStream& in, uint64_t* out) {
  return in.ReadVarint64(out) ? Field::kTaken : Field::kUnreadable;
}

Field Bytes(CodedInputStream& in, std::string* out) {
  uint32_t size = 0;
  if (!in.ReadVarint32(&size) || size > static_cast<uint32_t>(in.BytesUntilTotalBytesLimit()))
    return Field::kUnreadable;
  return in.ReadString(out, static_cast<int>(size)) ? Field::kTaken : Field::kUnreadable;
}

// True from a condition on that says that deletions are held.
Field Held(CodedInputStream& in, bool* holds) {
  std::string bytes;
  pb::Condition condition;
  if (Bytes(in, &bytes) != Field::kTaken || !condition.ParseFromString(bytes))
    return Field::kUnreadable;
  *holds = *holds || condition.type() == conditions::kDeletionsHeld;
  return Field::kTaken;
}

// Calls `take` with each field of a record; what it does not want is skipped.
template <typename Take>
absl::Status ReadFields(Family family, absl::string_view key, absl::string_view value,
                        const Take& take) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(value.data()),
                      static_cast<int>(value.size()));
  in.SetTotalBytesLimit(static_cast<int>(value.size()));
  uint64_t format = 0;
  while (const uint32_t tag = in.ReadTag()) {
    const int field = WireFormatLite::GetTagFieldNumber(tag);
    Field read = field == kFormatField ? Number(in, &format) : take(field, in);
    if (read == Field::kNotWanted)
      read = WireFormatLite::SkipField(&in, tag) ? Field::kTaken : Field::kUnreadable;
    if (read == Field::kUnreadable) return Damaged(family, key, "it is no record of its kind");
  }
  if (!in.ConsumedEntireMessage()) return Damaged(family, key, "it is no record of its kind");
  if (format == 0) return Damaged(family, key, "it has no format version");
  if (format > kFormat) {
    return Damaged(family, key, "it is of a later format: run a newer leidang-hub");
  }
  return absl::OkStatus();
}

template <typename Id>
absl::Status ReadId(absl::string_view key, const std::string& raw, Id* out) {
  const auto id = Id::FromRaw(raw);
  if (!id) return Damaged(Family::kDerived, key, "an id does not have 16 bytes");
  *out = *id;
  return absl::OkStatus();
}

template <typename State>
State StateOf(uint64_t value, size_t states) {
  return value < states ? static_cast<State>(value) : State::kUnknown;
}

}  // namespace

absl::StatusOr<indexed::Placed> DecodePlace(absl::string_view key, absl::string_view value) {
  indexed::Placed placed;
  std::string uid, cluster;
  RETURN_IF_ERROR(
      ReadFields(Family::kDerived, key, value, [&](int field, CodedInputStream& in) -> Field {
        switch (field) {
          case pb::ApplicationRecord::kSetFieldNumber:
            return Bytes(in, &placed.set);
          case pb::ApplicationRecord::kUidFieldNumber:
            return Bytes(in, &uid);
          case pb::ApplicationRecord::kClusterFieldNumber:
            return Bytes(in, &cluster);
          case pb::ApplicationRecord::kProjectFieldNumber:
            return Bytes(in, &placed.project);
          default:
            return Field::kNotWanted;
        }
      }));
  RETURN_IF_ERROR(ReadId(key, uid, &placed.uid));
  RETURN_IF_ERROR(ReadId(key, cluster, &placed.cluster));
  KeyReader reader(key);
  reader.Byte();
  placed.key = reader.String();
  if (!reader.Done() || key != ApplicationRowKey(placed.key))
    return Damaged(Family::kDerived, key, "its key names no Application");
  return placed;
}

absl::StatusOr<intent::Revision> DecodeAssignedRevision(absl::string_view key,
                                                        absl::string_view value) {
  uint64_t revision = 0;
  RETURN_IF_ERROR(
      ReadFields(Family::kAssign, key, value, [&](int field, CodedInputStream& in) -> Field {
        return field == pb::AssignmentRecord::kRevisionFieldNumber ? Number(in, &revision)
                                                                   : Field::kNotWanted;
      }));
  return revision;
}

absl::StatusOr<std::optional<indexed::Reported>> DecodeReport(absl::string_view key,
                                                              absl::string_view value) {
  KeyReader reader(key);
  indexed::Reported report;
  report.cluster = reader.ReadId<intent::ClusterId>();
  const auto kind = static_cast<intent::EntryKind>(reader.Byte());
  report.key = reader.String();
  report.uid = reader.ReadId<intent::Uid>();
  if (!reader.Done())
    return Damaged(Family::kStatus, key, "its key is no cluster, entry key and uid");
  uint64_t applied = 0, sync = 0, health = 0;
  bool holds = false;
  RETURN_IF_ERROR(
      ReadFields(Family::kStatus, key, value, [&](int field, CodedInputStream& in) -> Field {
        switch (field) {
          case pb::StatusRecord::kAppliedFieldNumber:
            return Number(in, &applied);
          case pb::StatusRecord::kSyncFieldNumber:
            return Number(in, &sync);
          case pb::StatusRecord::kHealthFieldNumber:
            return Number(in, &health);
          case pb::StatusRecord::kConditionsFieldNumber:
            return Held(in, &holds);
          default:
            return Field::kNotWanted;
        }
      }));
  if (kind != intent::EntryKind::kApplication) return std::optional<indexed::Reported>();
  report.applied = applied;
  report.holds = holds;
  report.sync = StateOf<intent::SyncState>(sync, kSyncStates);
  report.health = StateOf<intent::HealthState>(health, kHealthStates);
  return std::optional<indexed::Reported>(std::move(report));
}

}  // namespace leidang::hub
