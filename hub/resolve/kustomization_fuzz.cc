// Whoever can push writes kustomizations, links and names: a closure is an error or a valid
// manifest.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "common/base/check.h"
#include "hub/resolve/closure.h"
#include "hub/source/fake_git_source.h"
#include "hub/source/source_error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using leidang::hub::FakeGitSource;
  using leidang::hub::FileMode;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string link = text.substr(0, text.find('\n'));
  FakeGitSource git;
  const std::string url = "https://git.example.com/r.git";
  const auto commit = git.Commit(url, "main",
                                 {{"app/kustomization.yaml", {text}},
                                  {"app/a.yaml", {"a"}},
                                  {"app/link", {link, FileMode::kSymlink}},
                                  {"base/kustomization.yaml", {text}},
                                  {"base/link", {"../app/link", FileMode::kSymlink}}});
  CHECK(git.Fetch({.url = url}, {}).ok());
  const auto tree = git.Open(url, commit);
  CHECK(tree.ok());
  leidang::hub::Closures closures;
  const auto closure = closures.Compute(**tree, {.path = "app"});
  if (closure.ok()) {
    CHECK(leidang::tree::Validate((*closure)->manifest).ok());
    CHECK(*closures.Compute(**tree, {.path = "app"}) == *closure);
  } else {
    CHECK(leidang::hub::SourceReasonOf(closure.status()).has_value());
  }
  return 0;
}
