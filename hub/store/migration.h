#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "hub/store/rows.h"

namespace leidang::hub {

// Brings stored rows from one format to the next. It may write as many batches as it likes and is
// run again from its start after an interruption, so doing it twice must do no harm. The format in
// the family `meta` is raised afterwards, by the caller.
struct Migration {
  uint32_t from = 0;  // To from + 1.
  std::function<absl::Status(Rows& rows)> run;
};

// Those of this program, one for each format below kFormat.
std::vector<Migration> StoreMigrations();

// Runs what is needed to get from the format that `meta` names to `wanted`, and gives the format
// found. kFailedPrecondition for a format above `wanted`, or one that no migration leads away from;
// kNotFound without a `meta` row. Only while nothing else uses the rows.
absl::StatusOr<uint32_t> Migrate(Rows& rows, const std::vector<Migration>& steps, uint32_t wanted);

}  // namespace leidang::hub
