#include "tests/conformance/report.h"

#include <cstdio>

#include "absl/strings/str_cat.h"

namespace leidang::conformance {

namespace {

void Print(absl::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

void Report::Add(absl::string_view area, absl::string_view name, const Outcome& outcome,
                 absl::string_view rule) {
  Figures& f = areas_[std::string(area)];
  ++(outcome.equal ? f.passed : f.failed);
  if (outcome.same_message.has_value()) {
    ++f.errors;
    if (*outcome.same_message) ++f.same_messages;
  }
  if (!rule.empty()) ++f.deliberate;
  const bool show = !outcome.equal || (verbose_ == Verbose::kYes && !outcome.difference.empty());
  if (show) {
    Print(absl::StrCat(outcome.equal ? "note  " : "FAIL  ", area, " ", name, "\n",
                       outcome.difference));
  } else if (verbose_ == Verbose::kYes) {
    Print(absl::StrCat("ok    ", area, " ", name, rule.empty() ? "" : "  (deliberate difference: ",
                       rule, rule.empty() ? "" : ")", "\n"));
  }
}

void Report::NotBuilt(absl::string_view area, size_t cases) {
  Print(absl::StrCat("not built: ", area, ", ", cases, " cases\n"));
  skipped_ += cases;
}

void Report::Ignored(absl::string_view file) {
  Print(absl::StrCat("no section describes ", file, ": left out\n"));
}

int Report::Close() const {
  Figures all;
  for (const auto& [area, f] : areas_) {
    std::string line = absl::StrCat(area, ": ", f.passed, " passed, ", f.failed, " failed");
    if (f.deliberate > 0)
      absl::StrAppend(&line, ", ", f.deliberate, " of them deliberately different");
    if (f.errors > 0)
      absl::StrAppend(&line, "; ", f.same_messages, " of ", f.errors, " error texts equal");
    Print(absl::StrCat(line, "\n"));
    all.passed += f.passed;
    all.failed += f.failed;
  }
  Print(absl::StrCat(all.passed, " passed, ", all.failed, " failed, ", skipped_, " skipped\n"));
  std::fflush(stdout);
  return all.failed == 0 ? 0 : 1;
}

}  // namespace leidang::conformance
