#pragma once

#include "hub/content/content_keeper.h"
#include "hub/control/source_resolver.h"
#include "hub/resolve/closure.h"
#include "hub/source/git_source.h"

namespace leidang::hub {

// SourceResolver over the mirrors: computes the closure of a source and hands its files to the
// content store.
class ClosureResolver final : public SourceResolver {
 public:
  // All must outlive it.
  ClosureResolver(const GitSource& git, Closures& closures, ContentKeeper& keeper)
      : git_(git), closures_(closures), keeper_(keeper) {}

  absl::StatusOr<intent::Source> Resolve(const GitInput& input, const GitId& commit,
                                         const object::Value& source, WriteBatch* content) override;

 private:
  const GitSource& git_;
  Closures& closures_;
  ContentKeeper& keeper_;
};

}  // namespace leidang::hub
