#include "hub/control/generator_kinds.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace leidang::hub {
namespace {

constexpr std::array<absl::string_view, 9> kKinds = {"clusterDecisionResource",
                                                     "clusters",
                                                     "git",
                                                     "list",
                                                     "matrix",
                                                     "merge",
                                                     "plugin",
                                                     "pullRequest",
                                                     "scmProvider"};
constexpr int kDepthMax = 4;  // Deeper than any generator nests.

void Look(const object::Value* generators, const std::string& path, int depth,
          std::vector<std::string>* errors) {
  if (generators == nullptr || !generators->is_array() || depth > kDepthMax) return;
  size_t index = 0;
  for (const object::Value& entry : generators->as_array()) {
    const std::string field = absl::StrCat(path, "[", index++, "]");
    std::vector<std::string> found;
    bool known = false;
    if (entry.is_object()) {
      for (const auto& member : entry.as_object()) {
        const std::string key(member.key());
        if (key != "selector") found.push_back(absl::StrCat("\"", key, "\""));
        if (std::find(kKinds.begin(), kKinds.end(), key) == kKinds.end()) continue;
        known = true;
        Look(object::Find(member.value(), {"generators"}),
             absl::StrCat(field, ".", key, ".generators"), depth + 1, errors);
      }
    }
    if (known) continue;
    errors->push_back(absl::StrCat(field, ": ",
                                   found.empty() ? "nothing" : absl::StrJoin(found, ", "),
                                   " is no generator: use one of ", absl::StrJoin(kKinds, ", "),
                                   ". Until then nothing of this set is deleted"));
  }
}

}  // namespace

std::vector<std::string> UnknownGenerators(const object::Value& application_set) {
  std::vector<std::string> errors;
  Look(object::Find(application_set, {"spec", "generators"}), "spec.generators", 0, &errors);
  return errors;
}

}  // namespace leidang::hub
