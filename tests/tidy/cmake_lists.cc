#include "tests/tidy/cmake_lists.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

#include "tests/tidy/fences.h"
#include "tests/tidy/rooms.h"

namespace leidang::tidy {
namespace {

bool IsKeyword(absl::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(),
                                      [](char c) { return absl::ascii_isupper(c) || c == '_'; });
}

struct Word {
  size_t line = 0;
  std::string text;
};

// Words, with parentheses as words of their own; comments are gone and quotes taken off.
std::vector<Word> Words(absl::string_view text) {
  std::vector<Word> words;
  size_t line = 1;
  bool comment = false;
  bool open = false;  // The last word may go on.
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      comment = open = false;
    } else if (comment || c == '#') {
      comment = true;
    } else if (c == '(' || c == ')') {
      words.push_back({line, std::string(1, c)});
      open = false;
    } else if (absl::ascii_isspace(c) || c == '"') {
      open = false;
    } else {
      if (!open) words.push_back({line, ""});
      words.back().text.push_back(c);
      open = true;
    }
  }
  return words;
}

class Checker {
 public:
  Checker(const Repository& repository, const File& file)
      : repository_(repository), file_(file), folder_(file.path.substr(0, file.path.rfind('/'))) {}

  Findings Run() {
    for (const CMakeCall& call : ParseCMake(file_.text)) {
      if (!absl::StartsWith(call.function, "app_")) continue;
      for (const char* keyword : {"HEADERS", "SOURCES"}) Collect(call, keyword);
      CheckEdges(call);
      if (call.function == "app_fuzz") CheckCorpus(call);
      if (call.function == "app_module") CheckModuleName(call);
    }
    CheckAllBuilt();
    return std::move(findings_);
  }

 private:
  void Report(size_t line, absl::string_view rule, std::string advice) {
    findings_.push_back({file_.path, line, std::string(rule), std::move(advice)});
  }

  void Collect(const CMakeCall& call, const std::string& keyword) {
    const auto it = call.arguments.find(keyword);
    if (it == call.arguments.end()) return;
    built_.insert(it->second.begin(), it->second.end());
  }

  // Tests and programs are judged by what their own sources may see.
  std::string JudgedPath(const CMakeCall& call) const {
    const auto sources = call.arguments.find("SOURCES");
    const bool module = call.function == "app_module" || sources == call.arguments.end();
    return absl::StrCat(folder_, "/", module ? "x.cc" : sources->second.front());
  }

  void CheckEdges(const CMakeCall& call) {
    const std::string path = JudgedPath(call);
    for (const char* keyword : {"DEPS", "PRIVATE_DEPS"}) {
      const auto it = call.arguments.find(keyword);
      if (it == call.arguments.end()) continue;
      for (absl::string_view dep : it->second) {
        if (absl::ConsumePrefix(&dep, "app::")) {
          CheckRoomEdge(call, path, dep);
        } else if (absl::ConsumePrefix(&dep, "dep::") && MayLink(path, dep) == Sight::kForbidden) {
          Report(call.line, "links",
                 absl::StrCat(call.name, " may not link dep::", dep,
                              ": it stays behind its fence (tests/tidy/fences.cc)"));
        }
      }
    }
  }

  void CheckRoomEdge(const CMakeCall& call, const std::string& path, absl::string_view target) {
    const std::string room = RoomOfTarget(target);
    // A target inside the same folder has no row of its own.
    if (room.empty() || MaySee(path, room) == Sight::kAllowed) return;
    Report(call.line, "links",
           absl::StrCat(call.name, " may not link ", room,
                        " (tests/tidy/rooms.cc); it may: ", SeenBy(path)));
  }

  // app::hub_store is the room hub/store; rooms' names hold no underscore.
  static std::string RoomOfTarget(absl::string_view target) {
    if (absl::StartsWith(target, "proto_leidang_store")) return "records";
    if (absl::StartsWith(target, "proto_"))
      return absl::EndsWith(target, "_grpc") ? "stubs" : "wire";
    const std::string path = absl::StrReplaceAll(target, {{"_", "/"}});
    return std::string(RoomOf(absl::StrCat(path, "/x.h")));
  }

  void CheckCorpus(const CMakeCall& call) {
    const auto it = call.arguments.find("CORPUS");
    if (it == call.arguments.end() || it->second.size() != 1) {
      return Report(call.line, "corpus", absl::StrCat(call.name, " needs CORPUS with one folder"));
    }
    const std::string corpus = absl::StrCat(folder_, "/", it->second.front());
    if (FolderState(repository_, corpus) == Folder::kFilled) return;
    Report(call.line, "corpus",
           absl::StrCat(corpus, " holds no input: add those that matter, one a file"));
  }

  void CheckModuleName(const CMakeCall& call) {
    // A room may have parts, such as hub/store/rocks beside hub/store, to spare others a library.
    if (call.name == folder_ || absl::StartsWith(call.name, absl::StrCat(folder_, "/"))) return;
    Report(call.line, "modules",
           absl::StrCat("call the module of this folder ", folder_, ", not ", call.name));
  }

  // A source that no target lists is compiled and tested by nobody.
  void CheckAllBuilt() {
    for (const File& file : repository_) {
      absl::string_view name = file.path;
      if (!absl::ConsumePrefix(&name, folder_) || !absl::ConsumePrefix(&name, "/")) continue;
      if (absl::StrContains(name, "/") || !absl::EndsWith(name, ".cc") ||
          built_.count(std::string(name)) != 0)
        continue;
      if (file.path == "tests/fuzz/replay_main.cc") continue;
      Report(0, "unbuilt", absl::StrCat(file.path, " is in no target: list it here or delete it"));
    }
  }

  const Repository& repository_;
  const File& file_;
  const std::string folder_;
  std::set<std::string> built_;
  Findings findings_;
};

}  // namespace

std::vector<CMakeCall> ParseCMake(absl::string_view text) {
  std::vector<CMakeCall> calls;
  const std::vector<Word> words = Words(text);
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i + 1].text != "(") continue;
    CMakeCall call{words[i].line, words[i].text, "", {}};
    std::string keyword;
    for (i += 2; i < words.size() && words[i].text != ")"; ++i) {
      if (call.name.empty()) {
        call.name = words[i].text;
      } else if (IsKeyword(words[i].text)) {
        keyword = words[i].text;
        call.arguments[keyword];
      } else {
        call.arguments[keyword].push_back(words[i].text);
      }
    }
    calls.push_back(std::move(call));
  }
  return calls;
}

Findings CheckCMake(const Repository& repository) {
  Findings findings;
  for (const File& file : repository) {
    if (!absl::EndsWith(file.path, "/CMakeLists.txt")) continue;
    Findings found = Checker(repository, file).Run();
    findings.insert(findings.end(), found.begin(), found.end());
  }
  return findings;
}

}  // namespace leidang::tidy
