#include "tests/tidy/banned.h"

#include <cctype>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "tests/tidy/rooms.h"

namespace leidang::tidy {
namespace {

enum class Where {
  kCode,      // As a whole name in code: see IsWholeName.
  kCodePart,  // Anywhere in code.
  kText,      // Anywhere in code or comments.
};

struct Banned {
  absl::string_view rule;
  Where where = Where::kCode;
  absl::string_view words;  // Separated by spaces; `~` stands for a space.
  absl::string_view rooms;  // That may use them all the same; `tests/x` is a folder.
  absl::string_view instead;
};

constexpr absl::string_view kRealTime =
    "common/time tests/integration tests/support/program tests/bench tests/e2e *_bench";

constexpr Banned kBanned[] = {
    {"clock", Where::kCodePart,
     "absl::Now( _clock::now( gettimeofday( clock_gettime( time(nullptr) time(NULL) time(0)",
     kRealTime, "take a Clock& (common/time/clock.h), or the time as a value"},
    {"sleep", Where::kCode,
     "sleep( usleep( nanosleep( clock_nanosleep( absl::SleepFor( std::this_thread::sleep_for( "
     "std::this_thread::sleep_until(",
     kRealTime, "use EventLoop::After; tests advance a SimLoop"},
    {"thread", Where::kCode, "std::thread std::jthread std::async( pthread_create(",
     "common/time tests/integration tests/support/program tests/bench tests/e2e *_threads_test",
     "use an EventLoop or Workers (common/time), which carry the real threads"},
    {"random", Where::kCode,
     "std::random_device std::mt19937 std::mt19937_64 rand( srand( drand48( getrandom( "
     "arc4random( "
     "absl::BitGen absl::Uniform(",
     "common/random", "take a Random& (common/random/random.h)"},
    {"json", Where::kCodePart,
     "json::parse( json::serialize( json::stream_parser json::basic_parser", "common/object",
     "use object::ParseJson and object::ToJson: Boost's own misreads numbers"},
    {"string-view", Where::kCodePart, "std::string_view", "",
     "Debian's Abseil takes only absl::string_view"},
    {"lock", Where::kCodePart,
     "absl::Mutex absl::Notification absl::CondVar std::mutex std::lock_guard std::unique_lock",
     "common/base",
     "use Mutex and MutexLock of common/base/mutex.h, which clang and TSan understand"},
    {"throw", Where::kCode, "throw~ throw;", "", "nothing of ours throws: return an absl::Status"},
    {"assert", Where::kCode, "assert(", "",
     "use CHECK (common/base/check.h), which is on in release builds too"},
    {"iostream", Where::kCode, "std::cout std::cerr std::clog",
     "cli hub agent agent/swarm tests *_test", "log through common/log; only programs print"},
    {"child", Where::kCode, "system( popen(", "tests/tidy",
     "start programs without a shell, with a deadline"},
    {"thread-local", Where::kCode, "thread_local", "",
     "pass the state in: hidden state is per call, not per thread"},
    {"namespace", Where::kCode, "using~namespace", "*_fuzz", "name what is used"},
    {"dead-code", Where::kCodePart, "#if~0 #if~false", "", "delete it: Git remembers"},
    {"switched-off", Where::kCodePart, "GTEST_SKIP DISABLED_", "",
     "a test runs or does not exist; mend it"},
    {"suppressed", Where::kText, "NOLINT GCC~diagnostic", "", "mend what the tool found"},
    {"unfinished", Where::kText, "TODO FIXME XXX HACK", "",
     "finish it, or say in a sentence what holds now"},
};

// "*_bench" is the end of a file's stem; else a room, or a folder below tests/.
bool IsExempt(const Source& source, absl::string_view rooms) {
  const absl::string_view room = RoomOf(source.path);
  const absl::string_view path = source.path;
  for (absl::string_view each : absl::StrSplit(rooms, ' ', absl::SkipEmpty())) {
    if (absl::ConsumePrefix(&each, "*")) {
      if (absl::EndsWith(path.substr(0, path.rfind('.')), each)) return true;
    } else if (each == room || absl::StartsWith(path, absl::StrCat(each, "/tests/")) ||
               (absl::StartsWith(each, "tests/") &&
                absl::StartsWith(path, absl::StrCat(each, "/")))) {
      return true;
    }
  }
  return false;
}

bool IsWordEnd(absl::string_view text, size_t end) {
  if (!std::isalnum(static_cast<unsigned char>(text[end - 1]))) return true;
  return end == text.size() ||
         (std::isalnum(static_cast<unsigned char>(text[end])) == 0 && text[end] != '_');
}

bool Holds(absl::string_view text, absl::string_view word, Where where) {
  for (size_t at = text.find(word); at != absl::string_view::npos; at = text.find(word, at + 1)) {
    if (where == Where::kCode) {
      if (IsWholeName(text, at) && IsWordEnd(text, at + word.size())) return true;
    } else if (where == Where::kText) {
      const bool starts = at == 0 || std::isalnum(static_cast<unsigned char>(text[at - 1])) == 0;
      if (starts && IsWordEnd(text, at + word.size())) return true;
    } else {
      return true;
    }
  }
  return false;
}

bool LineHolds(const Line& line, absl::string_view word, Where where) {
  return Holds(line.code, word, where) ||
         (where == Where::kText && Holds(line.comment, word, where));
}

std::string WithSpaces(absl::string_view word) {
  std::string text(word);
  for (char& c : text) {
    if (c == '~') c = ' ';
  }
  return text;
}

// Names declared as an object: `Object& x`, `boost::json::object x`, `object::Object* x`.
std::set<std::string> ObjectNames(const Source& source) {
  std::set<std::string> names;
  for (const Line& line : source.lines) {
    const absl::string_view code = line.code;
    for (const absl::string_view type : {"Object", "json::object"}) {
      for (size_t at = code.find(type); at != absl::string_view::npos;
           at = code.find(type, at + 1)) {
        size_t from = at + type.size();
        while (from < code.size() && (code[from] == '&' || code[from] == '*' || code[from] == ' '))
          ++from;
        if (from == at + type.size()) continue;
        size_t to = from;
        while (to < code.size() &&
               (std::isalnum(static_cast<unsigned char>(code[to])) || code[to] == '_'))
          ++to;
        if (to > from) names.emplace(code.substr(from, to - from));
      }
    }
  }
  return names;
}

}  // namespace

Findings CheckBanned(const Source& source) {
  Findings findings;
  for (const Banned& banned : kBanned) {
    if (IsExempt(source, banned.rooms)) continue;
    for (const absl::string_view each : absl::StrSplit(banned.words, ' ')) {
      const std::string word = WithSpaces(each);
      for (size_t i = 0; i < source.lines.size(); ++i) {
        if (!LineHolds(source.lines[i], word, banned.where)) continue;
        findings.push_back({source.path, i + 1, std::string(banned.rule),
                            absl::StrCat(word, " may not stand here: ", banned.instead)});
      }
    }
  }
  return findings;
}

Findings CheckObjectErase(const Source& source) {
  if (RoomOf(source.path) == "common/object") return {};
  std::vector<std::string> erasures = {"as_object().erase(", "get_object().erase(",
                                       "if_object()->erase("};
  for (const std::string& name : ObjectNames(source)) {
    erasures.push_back(absl::StrCat(name, ".erase("));
    erasures.push_back(absl::StrCat(name, "->erase("));
  }
  Findings findings;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    for (const std::string& erasure : erasures) {
      const bool method = absl::StrContains(erasure, "()");
      if (!Holds(source.lines[i].code, erasure, method ? Where::kCodePart : Where::kCode)) continue;
      findings.push_back(
          {source.path, i + 1, "json",
           absl::StrCat(erasure, " disturbs the order of keys: use object::StableErase")});
      break;
    }
  }
  return findings;
}

}  // namespace leidang::tidy
