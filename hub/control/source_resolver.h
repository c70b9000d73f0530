#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "common/intent/intent.h"
#include "common/object/value.h"
#include "hub/control/repositories.h"
#include "hub/store/write_batch.h"

namespace leidang::hub {

// Turns one `spec.source` at a commit into a pinned source whose content is in the content store.
// Thread-safe; called on workers. Errors carry a reason (hub/source/source_error.h, hub/resolve).
class SourceResolver {
 public:
  virtual ~SourceResolver() = default;
  virtual absl::StatusOr<intent::Source> Resolve(const GitInput& input, const GitId& commit,
                                                 const object::Value& source,
                                                 WriteBatch* content) = 0;
};

}  // namespace leidang::hub
