#pragma once

// What the records of store and ledger have in common. For their .cc files only, as Protobuf's
// types show.

#include <string>

#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace leidang::hub {

// Infinite times and times out of range become the nearest that a record can hold. The default
// absl::Time, the Unix epoch, is the empty record.
google::protobuf::Timestamp ToRecord(absl::Time time);
absl::Time FromRecord(const google::protobuf::Timestamp& record);

// The fields of the outermost message that this program does not know, as bytes: appended to a
// serialized record they come back.
std::string UnknownFields(const google::protobuf::Message& message);

}  // namespace leidang::hub
