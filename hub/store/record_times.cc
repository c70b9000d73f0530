#include "hub/store/record_times.h"

#include <algorithm>
#include <cstdint>

#include "google/protobuf/unknown_field_set.h"

namespace leidang::hub {

google::protobuf::Timestamp ToRecord(absl::Time time) {
  // Years 1 to 9999, what a Timestamp may hold.
  const absl::Time earliest = absl::FromUnixSeconds(-62135596800);
  const absl::Time latest = absl::FromUnixSeconds(253402300799);
  const absl::Time held = std::clamp(time, earliest, latest);
  const int64_t seconds = absl::ToUnixSeconds(held);
  google::protobuf::Timestamp record;
  record.set_seconds(seconds);
  record.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(held - absl::FromUnixSeconds(seconds))));
  return record;
}

absl::Time FromRecord(const google::protobuf::Timestamp& record) {
  return absl::FromUnixSeconds(record.seconds()) + absl::Nanoseconds(record.nanos());
}

std::string UnknownFields(const google::protobuf::Message& message) {
  std::string bytes;
  message.GetReflection()->GetUnknownFields(message).SerializeToString(&bytes);
  return bytes;
}

}  // namespace leidang::hub
