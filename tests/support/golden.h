#pragma once

// Golden files: what a test produces, kept beside it and reviewed like code.
//
//   EXPECT_TRUE(MatchesGolden("hub/x/testdata/case/want.yaml", text));
//
// Paths are from the repository's root, where tests run. With UPDATE_GOLDEN=1 in the environment
// the file is written instead of compared. Texts must be canonical: sorted, without times, a line
// feed at the end.

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

#include "tests/support/temp_dir.h"

namespace leidang::testing {

// The first line in which two texts differ, for people.
inline std::string FirstDifference(absl::string_view want, absl::string_view got) {
  const std::vector<std::string> wanted = absl::StrSplit(want, '\n');
  const std::vector<std::string> found = absl::StrSplit(got, '\n');
  for (size_t i = 0; i < wanted.size() || i < found.size(); ++i) {
    const std::string a = i < wanted.size() ? wanted[i] : "(end)";
    const std::string b = i < found.size() ? found[i] : "(end)";
    if (a != b) return absl::StrCat("line ", i + 1, "\n  want: ", a, "\n  got:  ", b);
  }
  return "nowhere";
}

inline ::testing::AssertionResult MatchesGolden(const std::string& path, const std::string& text) {
  const char* const update = std::getenv("UPDATE_GOLDEN");
  if (update != nullptr && absl::string_view(update) == "1") {
    WriteFile(path, text);
    return ::testing::AssertionSuccess();
  }
  const std::string want = ReadFile(path);
  if (want == text) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << path << (want.empty() ? " is missing or empty" : " differs in ")
         << (want.empty() ? "" : FirstDifference(want, text))
         << "\nrun the test with UPDATE_GOLDEN=1 to write it, and review the change";
}

}  // namespace leidang::testing
