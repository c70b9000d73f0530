#include "tests/tidy/rooms.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace leidang::tidy {
namespace {

enum class Kind { kPure, kWorking };

struct Room {
  absl::string_view path;
  Kind kind = Kind::kWorking;
  absl::string_view sees;  // Rooms, with all below them; its own files are understood.
};

// A room that is not here may not exist. Tests beside the code also see
// all of common, and tests/support.
constexpr Room kRooms[] = {
    {"common/base", Kind::kWorking, ""},
    {"common/time", Kind::kWorking, "common/base"},
    {"common/random", Kind::kWorking, "common/base"},
    {"common/log", Kind::kWorking, "common/base common/time"},
    {"common/metrics", Kind::kWorking, "common/base"},
    {"common/object", Kind::kPure, "common/base"},
    {"common/manifest", Kind::kPure, "common/base common/object"},
    {"common/conditions", Kind::kPure, "common/base common/object"},
    {"common/tree", Kind::kPure, "common/base common/object"},
    {"common/yaml", Kind::kWorking, "common/base common/object"},
    {"common/workqueue", Kind::kWorking, "common/base common/time common/random"},
    {"common/process", Kind::kWorking, "common/base common/time"},
    {"common/match", Kind::kPure, "common/base common/object"},
    {"common/kube", Kind::kPure, "common/base common/object"},
    {"common/settings", Kind::kWorking, "common/base common/object common/match common/yaml"},
    {"common/intent", Kind::kPure, "common/base common/object common/conditions"},
    {"common/proof", Kind::kPure, "common/base common/object common/intent"},
    {"common/project", Kind::kPure,
     "common/base common/object common/conditions common/intent common/match common/kube"},
    // The same types on the wire and in memory, for both ends of the link.
    {"common/wire", Kind::kPure,
     "common/base common/object common/intent common/tree common/proof wire"},

    {"generators", Kind::kPure, "common generators"},

    {"hub/model", Kind::kPure, "common"},
    {"hub/store", Kind::kWorking, "common hub/model wire records"},
    // Shares the store's database class.
    {"hub/ledger", Kind::kWorking, "common hub/model hub/store wire records"},
    {"hub/source", Kind::kWorking, "common hub/model"},
    {"hub/content", Kind::kWorking, "common hub/model hub/store hub/source"},
    {"hub/resolve", Kind::kWorking, "common hub/model hub/source hub/content"},
    {"hub/rollout", Kind::kPure, "common hub/model"},
    {"hub/session", Kind::kWorking, "common hub/model hub/store hub/content wire"},
    // Tokens, revocations and deletion counts are the ledger's.
    {"hub/auth", Kind::kWorking, "common hub/model hub/store hub/ledger"},
    // Check, backup, restore and identity of a data directory, beside a running hub or without one.
    {"hub/upkeep", Kind::kWorking, "common hub/model hub/store hub/ledger hub/auth"},
    {"hub/control", Kind::kWorking,
     "common generators hub/model hub/store hub/ledger hub/source hub/content hub/resolve "
     "hub/rollout "
     "hub/session hub/auth"},
    // Views read what is stored; writes go through control.
    {"hub/rpc", Kind::kWorking,
     "common hub/model hub/store hub/control hub/session hub/auth wire stubs"},
    {"hub/http", Kind::kWorking, "common hub/model hub/control hub/session hub/auth wire"},
    // Only main.cc and what it is split into: flags and wiring.
    {"hub", Kind::kWorking, "common generators hub wire"},

    {"agent/state", Kind::kWorking, "common wire"},
    {"agent/link", Kind::kWorking, "common agent/state wire"},
    {"agent/link/grpc", Kind::kWorking, "common agent/state agent/link wire stubs"},
    {"agent/render", Kind::kWorking, "common"},
    // What the cluster's owner allows; files are its only input.
    {"agent/policy", Kind::kWorking, "common"},
    {"agent/cluster", Kind::kWorking, "common"},
    {"agent/events", Kind::kWorking, "common agent/cluster"},
    {"agent/apply", Kind::kPure, "common"},
    {"agent/health", Kind::kPure, "common"},
    // What people wrote and nobody can stop: run in a child. Beside that, the health that it says
    // and the fields that it lets be ignored.
    {"agent/scripts", Kind::kWorking, "common agent/apply agent/health"},
    {"agent/reconcile", Kind::kWorking,
     "common agent/state agent/render agent/cluster agent/apply agent/health agent/policy "
     "agent/events agent/scripts"},
    {"agent/swarm", Kind::kWorking, "common agent/state agent/link wire stubs"},
    {"agent", Kind::kWorking, "common agent wire"},

    {"cli", Kind::kWorking, "common generators agent/render wire stubs"},

    {"tests", Kind::kWorking, "common generators hub agent cli tests wire stubs records"},
};

bool IsBelow(absl::string_view path, absl::string_view folder) {
  return path == folder || (absl::StartsWith(path, folder) && path[folder.size()] == '/');
}

const Room* Find(absl::string_view path) {
  const Room* best = nullptr;
  for (const Room& room : kRooms) {
    if (IsBelow(path, room.path) && (best == nullptr || room.path.size() > best->path.size())) {
      best = &room;
    }
  }
  return best;
}

absl::string_view GeneratedRoom(absl::string_view path) {
  if (!absl::EndsWith(path, ".pb.h")) return "";
  if (absl::StartsWith(path, "leidang/store/")) return "records";
  return absl::EndsWith(path, ".grpc.pb.h") ? "stubs" : "wire";
}

bool IsOurs(absl::string_view include) {
  for (const absl::string_view top :
       {"common/", "generators/", "hub/", "agent/", "cli/", "tests/"}) {
    if (absl::StartsWith(include, top)) return true;
  }
  return absl::StartsWith(include, "leidang/");
}

absl::string_view FolderOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? absl::string_view() : path.substr(0, slash);
}

}  // namespace

absl::string_view RoomOf(absl::string_view path) {
  if (absl::StartsWith(path, "leidang/")) return GeneratedRoom(path);
  const Room* room = Find(FolderOf(path));
  if (room == nullptr) return "";
  // `hub` and `agent` are their own files only: a folder below them needs a row.
  const bool wiring = room->path == "hub" || room->path == "agent";
  return wiring && FolderOf(path) != room->path ? "" : room->path;
}

absl::string_view SeenBy(absl::string_view path) {
  const Room* room = Find(FolderOf(path));
  return room == nullptr ? absl::string_view() : room->sees;
}

Sight MaySee(absl::string_view path, absl::string_view seen) {
  if (RoomOf(path) == seen) return Sight::kAllowed;
  if (IsTestCode(path) && (IsBelow(seen, "tests") || IsBelow(seen, "common")))
    return Sight::kAllowed;
  for (const absl::string_view allowed : absl::StrSplit(SeenBy(path), ' ', absl::SkipEmpty())) {
    if (IsBelow(seen, allowed)) return Sight::kAllowed;
  }
  return Sight::kForbidden;
}

bool IsPureRoom(absl::string_view path) {
  const Room* room = Find(FolderOf(path));
  return room != nullptr && room->kind == Kind::kPure;
}

Findings CheckRooms(const Source& source) {
  Findings findings;
  const absl::string_view room = RoomOf(source.path);
  if (room.empty()) {
    return {{source.path, 0, "rooms", "this folder is no room: add a row to tests/tidy/rooms.cc"}};
  }
  for (const Include& include : source.includes) {
    if (!IsOurs(include.name)) continue;
    const absl::string_view seen = RoomOf(include.name);
    if (seen.empty()) {
      findings.push_back(
          {source.path, include.line, "rooms",
           absl::StrCat(include.name, " is in no room: add a row to tests/tidy/rooms.cc")});
    } else if (MaySee(source.path, seen) == Sight::kForbidden) {
      findings.push_back(
          {source.path, include.line, "rooms",
           absl::StrCat(room, " may not see ", seen, ", only: ", SeenBy(source.path),
                        "; turn the dependency round, or add the edge to tests/tidy/rooms.cc "
                        "with its reason")});
    }
  }
  return findings;
}

}  // namespace leidang::tidy
