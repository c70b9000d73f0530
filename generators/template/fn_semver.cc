// Semantic versions.

#include "generators/template/function_sets.h"
#include "generators/template/semver.h"

namespace leidang::generators::gotmpl {
namespace {

absl::Status Semver(Call& call) {
  absl::StatusOr<Version> version = Version::Parse(call.Text(0));
  return version.ok() ? call.Return(MakeVersion(GoType::kVersionPtr, *std::move(version)))
                      : version.status();
}

absl::Status SemverCompare(Call& call) {
  if (!call.budget().Charge(64 + call.Text(0).size() + call.Text(1).size()))
    return call.budget().StepsError();
  const absl::StatusOr<Constraints> constraints = Constraints::Parse(call.Text(0));
  if (!constraints.ok()) return constraints.status();
  const absl::StatusOr<Version> version = Version::Parse(call.Text(1));
  return version.ok() ? call.ReturnBool(constraints->Check(*version)) : version.status();
}

constexpr Function kFunctions[] = {
    {"semver", "s", 'p', Semver},
    {"semverCompare", "ss", 'b', SemverCompare},
};

}  // namespace

absl::Span<const Function> SemverFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
