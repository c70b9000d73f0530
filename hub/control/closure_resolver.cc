#include "hub/control/closure_resolver.h"

#include <memory>

#include "common/base/status_macros.h"
#include "hub/resolve/resolve_source.h"

namespace leidang::hub {

absl::StatusOr<intent::Source> ClosureResolver::Resolve(const GitInput& input, const GitId& commit,
                                                        const object::Value& source,
                                                        WriteBatch* content) {
  ASSIGN_OR_RETURN(const SourceSpec spec, ReadSourceBlock(source));
  ASSIGN_OR_RETURN(const std::shared_ptr<const GitTree> tree, git_.Open(input.url, commit));
  ASSIGN_OR_RETURN(PinnedSource pinned, PinSource(spec, *tree, &closures_));
  const auto read = [&](const tree::TreeFile& file) { return pinned.closure->Read(*tree, file); };
  RETURN_IF_ERROR(keeper_.AddTree(pinned.closure->manifest, read, content).status());
  return pinned.source;
}

}  // namespace leidang::hub
