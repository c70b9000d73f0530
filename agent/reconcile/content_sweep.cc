#include "agent/reconcile/content_sweep.h"

#include <vector>

#include "common/base/status_macros.h"
#include "common/tree/tree_manifest.h"

namespace leidang::agent {

absl::StatusOr<std::set<object::Sha256>> ContentInUse(const State& state) {
  std::set<object::Sha256> trees;
  ASSIGN_OR_RETURN(const std::vector<EntryHead> heads, state.Heads());
  for (const EntryHead& head : heads) {
    ASSIGN_OR_RETURN(const Entry entry, state.Find(head.ref));
    if (!entry.assignment.has_value()) continue;
    for (const intent::Source& source : entry.assignment->sources) trees.insert(source.tree);
  }
  std::set<object::Sha256> in_use = trees;
  for (const object::Sha256& tree : trees) {
    ASSIGN_OR_RETURN(const bool has, state.HasContent(tree));
    if (!has) continue;
    ASSIGN_OR_RETURN(const std::string bytes, state.GetContent(tree));
    ASSIGN_OR_RETURN(const tree::TreeManifest manifest, tree::Parse(bytes));
    for (const tree::TreeFile& file : manifest.files) in_use.insert(file.digest);
  }
  return in_use;
}

}  // namespace leidang::agent
