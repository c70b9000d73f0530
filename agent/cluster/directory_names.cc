#include "agent/cluster/directory_names.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

constexpr size_t kFileNameMax = 255;
constexpr absl::string_view kTemporaryPrefix = ".leidang-";
constexpr absl::string_view kTemporarySuffix = ".tmp";

}  // namespace

absl::StatusOr<std::string> FileName(const object::ObjectKey& key) {
  const std::string name = absl::AsciiStrToLower(
      absl::StrCat(key.ns.empty() ? "_cluster" : key.ns, ".", key.kind, ".",
                   key.group.empty() ? "core" : key.group, ".", key.name, ".yaml"));
  if (name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(key.ToString(), " cannot be a file: its name holds a \"/\" or a NUL byte"));
  }
  if (name.size() > kFileNameMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(key.ToString(), " cannot be a file: the name ", name, " has ", name.size(),
                     " bytes, at most ", kFileNameMax, " are possible; shorten the object's name"));
  }
  return name;
}

absl::Status CheckFileNames(const std::vector<object::ObjectKey>& keys) {
  std::map<std::string, object::ObjectKey> owners;
  for (const object::ObjectKey& key : keys) {
    ASSIGN_OR_RETURN(const std::string name, FileName(key));
    const auto [owner, added] = owners.emplace(name, key);
    if (!added && owner->second != key) {
      return absl::InvalidArgumentError(absl::StrCat(owner->second.ToString(), " and ",
                                                     key.ToString(), " would both be the file ",
                                                     name, "; rename one of them"));
    }
  }
  return absl::OkStatus();
}

std::string TemporaryName(absl::string_view unique) {
  return absl::StrCat(kTemporaryPrefix, unique, kTemporarySuffix);
}

bool IsTemporaryName(absl::string_view name) {
  return absl::StartsWith(name, kTemporaryPrefix) && absl::EndsWith(name, kTemporarySuffix);
}

}  // namespace leidang::agent
