#include "tests/tidy/fences.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace leidang::tidy {
namespace {

struct Fence {
  absl::string_view library;
  absl::string_view includes;  // Header names, or folders with their slash.
  absl::string_view targets;   // Names after `dep::` in CMake.
  absl::string_view
      rooms;  // "*": everywhere. "-": test code only. Test code below tests/ may see all.
};

constexpr Fence kFences[] = {
    {"Abseil", "absl/", "absl", "*"},
    {"Boost.JSON", "boost/json/ boost/json.hpp boost/system/", "json", "*"},
    {"Boost.Beast", "boost/beast/ boost/asio/ boost/beast.hpp boost/asio.hpp", "beast", "hub/http"},
    {"Protobuf", "google/protobuf/ google/rpc/", "protobuf",
     "common/wire hub/store hub/ledger hub/session hub/rpc hub/http agent/state agent/link "
     "agent/link/grpc "
     "agent/swarm cli"},
    {"gRPC", "grpcpp/ grpc/ grpc++/", "grpc", "hub/rpc agent/link/grpc agent/swarm cli"},
    {"RocksDB", "rocksdb/", "rocksdb", "hub/store hub/ledger"},
    {"SQLite", "sqlite3.h", "sqlite", "agent/state"},
    {"libgit2", "git2.h git2/", "libgit2", "hub/source"},
    {"libyaml", "yaml.h", "libyaml", "common/yaml"},
    {"yaml-cpp", "yaml-cpp/", "yaml_cpp", "common/yaml"},
    {"libcurl", "curl/", "curl", "agent/cluster hub/http"},
    {"OpenSSL", "openssl/", "openssl openssl_ssl",
     "common/object hub/auth hub/http hub/rpc agent/link agent/link/grpc generators/template"},
    // Templates have their own rules for what a match is, so they need the matcher itself.
    {"RE2", "re2/", "re2", "common/match generators/template"},
    {"libcrypt", "crypt.h", "crypt", "generators/template"},
    {"PCRE2", "pcre2.h", "pcre2", "common/match"},
    {"zstd", "zstd.h", "zstd", "hub/content"},
    {"jq", "jq.h jv.h", "jq", "agent/scripts"},
    {"LuaJIT", "lua.h lua.hpp luajit.h lualib.h lauxlib.h", "lua", "agent/scripts"},
    {"Jsonnet", "libjsonnet.h libjsonnet++.h", "jsonnet", "agent/render"},
    {"CLI11", "CLI/", "cli11", "cli hub agent agent/swarm"},
    {"spdlog", "spdlog/", "spdlog", "common/log"},
    {"prometheus-cpp", "prometheus/", "prometheus", "common/metrics"},
    {"GoogleTest", "gtest/ gmock/", "gtest", "-"},
    {"RapidCheck", "rapidcheck/ rapidcheck.h", "rapidcheck", "-"},
    {"Google Benchmark", "benchmark/", "benchmark", "-"},
};

struct Forbidden {
  absl::string_view include;
  absl::string_view rooms;  // That may include it all the same.
  absl::string_view instead;
};

constexpr Forbidden kForbidden[] = {
    {"absl/log/", "", "Debian's Abseil has none; use common/log, or CHECK of common/base/check.h"},
    {"absl/synchronization/", "common/base",
     "ThreadSanitizer misreads Debian's binary of it; use common/base/mutex.h"},
    {"absl/status/status_macros.h", "", "use common/base/status_macros.h"},
    {"absl/strings/internal/", "", "internal to Abseil"},
    {"format", "", "g++ 12 has no <format>; use absl::StrCat or absl::StrFormat"},
    {"string_view", "",
     "Abseil's string_view is another type here; use absl/strings/string_view.h"},
    {"regex", "", "use common/match, which bounds the time that a pattern may take"},
    {"regex.h", "", "use common/match, which bounds the time that a pattern may take"},
    {"random", "common/random", "take a Random& (common/random/random.h)"},
    {"sys/random.h", "common/random", "take a Random& (common/random/random.h)"},
    {"thread", "common/time tests", "take an EventLoop& or Workers (common/time)"},
    {"mutex", "common/base", "use common/base/mutex.h, which clang checks"},
    {"shared_mutex", "", "use common/base/mutex.h, which clang checks"},
    {"condition_variable", "common/base", "use CondVar of common/base/mutex.h"},
    {"boost/json/src.hpp", "", "the library is linked"},
    {"boost/json.hpp", "common/object tests",
     "include the header of what is used, such as boost/json/value.hpp"},
};

// What a room without clock, I/O, lock and log has no use for. <atomic> may count references.
constexpr absl::string_view kImpure[] = {
    "chrono",       "filesystem",     "fstream",         "future",
    "iostream",     "common/log/",    "common/metrics/", "common/base/mutex.h",
    "common/time/", "common/random/", "unistd.h",        "fcntl.h",
    "sys/",         "poll.h",         "pthread.h",       "signal.h",
};

// C headers have a dot, so that <string> needs no list.
constexpr absl::string_view kSystem[] = {
    "arpa/",     "dirent.h",   "errno.h",    "fcntl.h",    "fnmatch.h", "ifaddrs.h", "limits.h",
    "linux/",    "malloc.h",   "net/",       "netdb.h",    "netinet/",  "poll.h",    "pthread.h",
    "pwd.h",     "sched.h",    "signal.h",   "spawn.h",    "stdint.h",  "stdlib.h",  "string.h",
    "strings.h", "sys/",       "termios.h",  "time.h",     "unistd.h",  "wait.h",    "zlib.h",
    "dlfcn.h",   "execinfo.h", "sysexits.h", "langinfo.h", "link.h",
};

bool Matches(absl::string_view include, absl::string_view pattern) {
  return absl::EndsWith(pattern, "/") ? absl::StartsWith(include, pattern) : include == pattern;
}

bool AnyMatches(absl::string_view include, absl::string_view patterns) {
  for (const absl::string_view pattern : absl::StrSplit(patterns, ' ', absl::SkipEmpty())) {
    if (Matches(include, pattern)) return true;
  }
  return false;
}

bool Lists(absl::string_view words, absl::string_view word) {
  for (const absl::string_view each : absl::StrSplit(words, ' ', absl::SkipEmpty())) {
    if (each == word) return true;
  }
  return false;
}

absl::string_view FolderOf(absl::string_view path) { return path.substr(0, path.rfind('/')); }

bool IsOpenTo(const Fence& fence, absl::string_view path) {
  return fence.rooms == "*" || Lists(fence.rooms, RoomOf(path)) ||
         Lists(fence.rooms, FolderOf(path)) || absl::StartsWith(path, "tests/") ||
         (fence.rooms == "-" && IsTestCode(path));
}

const Fence* FenceOf(absl::string_view include) {
  for (const Fence& fence : kFences) {
    if (AnyMatches(include, fence.includes)) return &fence;
  }
  return nullptr;
}

// Standard and system headers are in angles, ours and libraries may be in either.
bool IsSystem(const Include& include) {
  if (include.form != Include::Form::kAngled) return false;
  const bool standard = include.name.find_first_of("./") == std::string::npos;
  return standard ||
         std::any_of(std::begin(kSystem), std::end(kSystem),
                     [&](absl::string_view known) { return Matches(include.name, known); });
}

bool IsOursOrGenerated(absl::string_view include) { return !RoomOf(include).empty(); }

std::string FenceAdvice(const Fence& fence) {
  return absl::StrCat(fence.library, " stays behind its fence (",
                      fence.rooms == "-" ? "tests" : fence.rooms,
                      "): use that room, whose headers do not mention it");
}

// "" if `include` may stand in `source`.
std::string Advice(const Source& source, const Include& include) {
  for (const Forbidden& forbidden : kForbidden) {
    if (Matches(include.name, forbidden.include) && !Lists(forbidden.rooms, RoomOf(source.path))) {
      return std::string(forbidden.instead);
    }
  }
  if (IsPureRoom(source.path) && !IsTestCode(source.path)) {
    for (const absl::string_view impure : kImpure) {
      if (!Matches(include.name, impure)) continue;
      return absl::StrCat(RoomOf(source.path), " is pure, so it has no ", include.name,
                          ": take what it gives as a value");
    }
  }
  if (const Fence* fence = FenceOf(include.name)) {
    return IsOpenTo(*fence, source.path) ? "" : FenceAdvice(*fence);
  }
  if (IsSystem(include) || IsOursOrGenerated(include.name)) return "";
  return absl::StrCat(
      include.name,
      " is of no known library: spell it from the root, or give its library a fence in "
      "tests/tidy/fences.cc");
}

}  // namespace

Findings CheckFences(const Source& source) {
  Findings findings;
  for (const Include& include : source.includes) {
    const std::string advice = Advice(source, include);
    if (!advice.empty()) findings.push_back({source.path, include.line, "fences", advice});
  }
  return findings;
}

Sight MayLink(absl::string_view path, absl::string_view dep) {
  for (const Fence& fence : kFences) {
    if (Lists(fence.targets, dep))
      return IsOpenTo(fence, path) ? Sight::kAllowed : Sight::kForbidden;
  }
  return Sight::kForbidden;
}

}  // namespace leidang::tidy
