#pragma once

// Intent types to and from the messages of the link (proto/leidang/v1/link.proto), one function a
// direction, for both ends. Pure; thread-safe.
//
// FromProto answers kInvalidArgument, naming the field, for what no peer in order sends: an id that
// has not 16 bytes, a key without a kind, a change that is neither put nor tombstone. Numbers of
// enumerations that this version does not know become "unknown" in a status, which is only shown,
// and stay as they are in an assignment, whose digest covers them.

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/intent/status.h"
#include "common/object/sha256.h"
#include "leidang/v1/link.pb.h"

namespace leidang::wire {

void ToProto(const intent::Authority& from, v1::Authority* to);
absl::StatusOr<intent::Authority> FromProto(const v1::Authority& from);

void ToProto(const intent::Assignment& from, v1::Assignment* to);
absl::StatusOr<intent::Assignment> FromProto(const v1::Assignment& from);

void ToProto(const intent::Tombstone& from, v1::Tombstone* to);
absl::StatusOr<intent::Tombstone> FromProto(const v1::Tombstone& from);

void ToProto(const intent::Change& from, v1::Change* to);
absl::StatusOr<intent::Change> FromProto(const v1::Change& from);

void ToProto(const intent::EntryStatus& from, v1::EntryStatus* to);
absl::StatusOr<intent::EntryStatus> FromProto(const v1::EntryStatus& from);

absl::StatusOr<intent::Uid> UidFromProto(absl::string_view raw);
// An empty `raw` is "none".
absl::StatusOr<object::Sha256> Sha256FromProto(absl::string_view field, absl::string_view raw);

}  // namespace leidang::wire
