#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/object/key.h"

namespace leidang::agent {

// SyncSelection: which objects a partial sync is of, as `argocd app sync --resource` names them:
// GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME, where `*` stands for any text and a leading `!`
// takes objects out again. Pure; thread-safe.
class SyncSelection {
 public:
  // kInvalidArgument, naming the pattern, if one is none, or if there is none.
  static absl::StatusOr<SyncSelection> Parse(const std::vector<std::string>& patterns);

  // A pattern without a namespace is of objects in any. With exclusions only, all others.
  bool Selects(const object::ObjectKey& key) const;

 private:
  struct Pattern {
    std::string group;
    std::string kind;
    std::string ns;  // Empty: any.
    std::string name;

    bool Matches(const object::ObjectKey& key) const;
  };
  static absl::StatusOr<Pattern> ParseOne(absl::string_view text);

  std::vector<Pattern> wanted_;
  std::vector<Pattern> excluded_;
};

}  // namespace leidang::agent
