#include "hub/source/git_types.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "hub/source/source_error.h"

namespace leidang::hub {

std::optional<GitId> GitId::FromHex(absl::string_view hex) {
  if (hex.size() != 40) return std::nullopt;
  if (!std::all_of(hex.begin(), hex.end(), absl::ascii_isxdigit)) return std::nullopt;
  return FromRaw(absl::HexStringToBytes(hex));
}

std::optional<GitId> GitId::FromRaw(absl::string_view raw) {
  GitId id;
  if (raw.size() != id.bytes.size()) return std::nullopt;
  std::copy(raw.begin(), raw.end(), id.bytes.begin());
  return id;
}

std::string GitId::Hex() const { return absl::BytesToHexString(Raw()); }

std::string GitId::Raw() const {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

absl::StatusOr<std::string> NormalizePath(absl::string_view path) {
  if (!path.empty() && path[0] == '/') {
    return SourceError(SourceReason::kPathNotFound,
                       absl::StrCat("path \"", path,
                                    "\" is absolute; paths are relative to the "
                                    "root of the repository"));
  }
  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
      continue;
    }
    if (parts.empty()) {
      return SourceError(SourceReason::kPathNotFound,
                         absl::StrCat("path \"", path, "\" leaves the repository"));
    }
    parts.pop_back();
  }
  return absl::StrJoin(parts, "/");
}

std::string JoinPath(absl::string_view directory, absl::string_view name) {
  return directory.empty() ? std::string(name) : absl::StrCat(directory, "/", name);
}

absl::string_view ParentPath(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? absl::string_view() : path.substr(0, slash);
}

}  // namespace leidang::hub
