// link_record: records a session of the link of today.
//
//   link_record --commit=$(git rev-parse HEAD) SCRIPT… --into=FOLDER
//
// Does the deeds of each SCRIPT, which may be an older recording, and writes FOLDER/NAME.link; and
// FOLDER/schema.txt, the messages of this version. tests/sim/README.md says when.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "tests/sim/replay/frames.h"
#include "tests/sim/replay/record.h"

namespace leidang::sim {
namespace {

constexpr size_t kCommitDigits = 40;

absl::Status WriteFile(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.flush();
  if (out.good()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path.string(), ": cannot be written"));
}

absl::Status RecordOne(const std::string& script, const std::string& commit,
                       const std::filesystem::path& into) {
  const std::filesystem::path path(script);
  std::ifstream in(path, std::ios::binary);
  if (!in.good()) return absl::NotFoundError(absl::StrCat(script, ": cannot be read"));
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  ASSIGN_OR_RETURN(const Recording parsed, ParseRecording(script, text));
  ASSIGN_OR_RETURN(const Recording recording, Record(parsed, commit));
  return WriteFile(into / absl::StrCat(path.stem().string(), ".link"), PrintRecording(recording));
}

absl::Status Run(const std::vector<std::string>& arguments) {
  std::string commit;
  std::string into;
  std::vector<std::string> scripts;
  for (absl::string_view argument : arguments) {
    if (absl::ConsumePrefix(&argument, "--commit=")) {
      commit = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--into=")) {
      into = std::string(argument);
    } else {
      scripts.emplace_back(argument);
    }
  }
  if (commit.size() != kCommitDigits || into.empty() || scripts.empty()) {
    return absl::InvalidArgumentError(
        "usage: link_record --commit=40-HEX-DIGITS --into=FOLDER SCRIPT…");
  }
  std::error_code failed;
  std::filesystem::create_directories(into, failed);
  if (failed) return absl::UnavailableError(absl::StrCat(into, ": ", failed.message()));
  for (const std::string& script : scripts) RETURN_IF_ERROR(RecordOne(script, commit, into));
  return WriteFile(std::filesystem::path(into) / "schema.txt",
                   absl::StrCat(absl::StrJoin(LinkSchema(), "\n"), "\n"));
}

}  // namespace
}  // namespace leidang::sim

int main(int argc, char** argv) {
  const absl::Status done = leidang::sim::Run(std::vector<std::string>(argv + 1, argv + argc));
  if (done.ok()) return 0;
  std::fprintf(stderr, "link_record: %s\n", std::string(done.message()).c_str());
  return 1;
}
