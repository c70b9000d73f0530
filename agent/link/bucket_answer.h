#pragma once

#include <cstddef>

#include "absl/status/statusor.h"

#include "agent/state/state.h"
#include "leidang/v1/link.pb.h"

namespace leidang::agent {

// The agent's answer in a comparison: its sums, or the live entries of the buckets asked for, as
// many whole buckets as fit into `bytes_max`, one at least. kInvalidArgument if the buckets do not
// ascend or do not exist; the errors of State's reads. Reads durable state only.
absl::StatusOr<v1::BucketReport> AnswerBucketRequest(const State& state,
                                                     const v1::BucketRequest& request,
                                                     size_t bytes_max);

}  // namespace leidang::agent
