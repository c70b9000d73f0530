#include "tests/tidy/rules.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "absl/strings/match.h"

#include "tests/tidy/banned.h"
#include "tests/tidy/cmake_lists.h"
#include "tests/tidy/fences.h"
#include "tests/tidy/layout.h"
#include "tests/tidy/lengths.h"
#include "tests/tidy/rooms.h"
#include "tests/tidy/source.h"

namespace leidang::tidy {
namespace {

void Append(Findings found, Findings& all) {
  std::move(found.begin(), found.end(), std::back_inserter(all));
}

}  // namespace

Findings CheckRepository(const Repository& repository) {
  Findings all = CheckCMake(repository);
  for (const File& file : repository) {
    Append(CheckText(file), all);
    // The build's own lists of headers are no code.
    if (!IsCpp(file.path) || absl::StartsWith(file.path, "cmake/")) continue;
    const Source source = ParseSource(file);
    Append(CheckRooms(source), all);
    Append(CheckFences(source), all);
    Append(CheckBanned(source), all);
    Append(CheckObjectErase(source), all);
    Append(CheckLengths(source), all);
    Append(CheckLayout(source, repository), all);
  }
  std::sort(all.begin(), all.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.path, a.line, a.rule, a.advice) < std::tie(b.path, b.line, b.rule, b.advice);
  });
  return all;
}

}  // namespace leidang::tidy
