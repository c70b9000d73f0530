#pragma once

// What the records of store and ledger have in common. For their .cc files only, as Protobuf's
// types show.

#include <string>

#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace leidang::hub {

// Years 1 to 9999 as they are; the first and the last moment of these stand for the infinite past
// and future, and for what is out of range. The Unix epoch is the empty record.
google::protobuf::Timestamp ToRecord(absl::Time time);
absl::Time FromRecord(const google::protobuf::Timestamp& record);

// The fields of the outermost message that this program does not know, as bytes: appended to a
// serialized record they come back.
std::string UnknownFields(const google::protobuf::Message& message);

}  // namespace leidang::hub
