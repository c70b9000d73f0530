// URLs, revisions, version constraints and paths come from users and repositories.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

#include "common/base/check.h"
#include "hub/source/git_types.h"
#include "hub/source/repository_url.h"
#include "hub/source/revision.h"
#include "hub/source/semver.h"

namespace leidang::hub {
namespace {

void CheckUrl(const std::string& text) {
  const auto url = RepositoryUrl::Parse(text);
  CHECK(SameRepository(text, text));
  if (!url.ok()) return;
  CHECK(!absl::StartsWith(url->clean, "-"));
  const auto again = RepositoryUrl::Parse(url->clean);
  CHECK(again.ok());
  CHECK(again->clean == url->clean && again->password.empty());
}

void CheckPath(const std::string& text) {
  const auto path = NormalizePath(text);
  if (!path.ok()) return;
  CHECK(*NormalizePath(*path) == *path);
  CHECK(!absl::StartsWith(*path, "/") && !absl::EndsWith(*path, "/"));
  CHECK(*path != ".." && !absl::StartsWith(*path, "../") && !absl::StrContains(*path, "/../"));
}

void CheckRevision(const std::string& text) {
  const auto version = SemVersion::Parse(text);
  if (version) CHECK(SemVersion::Compare(*version, *version) == 0);
  const auto constraint = SemConstraint::Parse(text);
  if (constraint && version) constraint->Allows(*version);
  const RefMap refs = {{"refs/heads/main", GitId()}, {"refs/tags/v1.2.3", GitId()}};
  const auto pick = PickRevision(refs, {text, ""}, "r");
  if (pick.ok() && pick->kind == RevisionPick::Kind::kReference) CHECK(refs.contains(pick->text));
}

}  // namespace
}  // namespace leidang::hub

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  leidang::hub::CheckUrl(text);
  leidang::hub::CheckPath(text);
  leidang::hub::CheckRevision(text);
  return 0;
}
