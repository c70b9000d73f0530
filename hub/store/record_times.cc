#include "hub/store/record_times.h"

#include <cstdint>

#include "google/protobuf/unknown_field_set.h"

namespace leidang::hub {

namespace {

constexpr int64_t kFirstSecond = -62135596800;  // Year 1.
constexpr int64_t kLastSecond = 253402300799;   // Year 9999.
constexpr int32_t kLastNano = 999'999'999;

}  // namespace

google::protobuf::Timestamp ToRecord(absl::Time time) {
  google::protobuf::Timestamp record;
  if (time <= absl::FromUnixSeconds(kFirstSecond)) {
    record.set_seconds(kFirstSecond);
  } else if (time >= absl::FromUnixSeconds(kLastSecond + 1)) {
    record.set_seconds(kLastSecond);
    record.set_nanos(kLastNano);
  } else {
    const int64_t seconds = absl::ToUnixSeconds(time);
    record.set_seconds(seconds);
    record.set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  }
  return record;
}

absl::Time FromRecord(const google::protobuf::Timestamp& record) {
  if (record.seconds() <= kFirstSecond && record.nanos() == 0) return absl::InfinitePast();
  if (record.seconds() >= kLastSecond && record.nanos() == kLastNano) return absl::InfiniteFuture();
  return absl::FromUnixSeconds(record.seconds()) + absl::Nanoseconds(record.nanos());
}

std::string UnknownFields(const google::protobuf::Message& message) {
  std::string bytes;
  message.GetReflection()->GetUnknownFields(message).SerializeToString(&bytes);
  return bytes;
}

}  // namespace leidang::hub
