#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/cluster/api_transport.h"
#include "common/object/value.h"

namespace leidang::agent {

// The object of an answer. An answer that is no success becomes the error that cluster_client.h
// promises, in the API server's words: kNotFound (404), kAborted (409), kInvalidArgument (400, 413,
// 422, and what its schema does not have), kPermissionDenied (403), kUnavailable (401, for tokens
// are renewed; a namespace that is being deleted; 429; 5xx).
absl::StatusOr<object::Value> AnswerObject(absl::StatusOr<ApiResponse> answer);

// Whether an answer refuses a change because what it changes can only be said when an object is
// made (422, in words like "field is immutable"): the only refusals that a new object can help. If
// anything else is refused too, it is none.
bool SaysImmutable(const absl::StatusOr<ApiResponse>& answer);

// Whether a kNotFound says that the server has no such kind, rather than no such object.
bool IsUnknownPath(const absl::Status& status);

}  // namespace leidang::agent
