#include "common/tree/tree_manifest.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"

namespace leidang::tree {
namespace {

constexpr absl::string_view kMagic = "leidang.tree.v1";
constexpr size_t kDigestBytes = 32;

absl::Status Invalid(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("tree manifest: path \"", absl::CHexEscape(path), "\" ", what));
}

absl::Status CheckPath(absl::string_view path) {
  if (path.empty()) return Invalid(path, "is empty");
  if (path.size() > kPathBytesMax) return Invalid(path.substr(0, 100), "is too long");
  if (path.find('\0') != absl::string_view::npos) return Invalid(path, "holds a NUL byte");
  for (const absl::string_view segment : absl::StrSplit(path, '/')) {
    if (segment.empty()) return Invalid(path, "is absolute or has an empty segment");
    if (segment == "." || segment == "..") return Invalid(path, "has a \".\" or \"..\" segment");
    if (segment.size() > kSegmentBytesMax) {
      return Invalid(path, absl::StrCat("has a segment over ", kSegmentBytesMax, " bytes"));
    }
  }
  return absl::OkStatus();
}

bool KnownMode(uint8_t mode) {
  return mode >= static_cast<uint8_t>(FileMode::kRegular) &&
         mode <= static_cast<uint8_t>(FileMode::kSymlink);
}

void PutU64(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void PutBytes(std::string& out, absl::string_view bytes) {
  PutU64(out, bytes.size());
  absl::StrAppend(&out, bytes);
}

// Takes fields off the front of `rest_`; after the first one that is not there everything fails.
class FieldReader {
 public:
  explicit FieldReader(absl::string_view bytes) : rest_(bytes) {}

  std::optional<absl::string_view> Raw(uint64_t count) {
    if (count > rest_.size()) return std::nullopt;
    const absl::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::optional<uint64_t> U64() {
    const std::optional<absl::string_view> raw = Raw(8);
    if (!raw.has_value()) return std::nullopt;
    uint64_t value = 0;
    for (const char c : *raw) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }
  std::optional<absl::string_view> Bytes() {
    const std::optional<uint64_t> size = U64();
    return size.has_value() ? Raw(*size) : std::nullopt;
  }
  bool AtEnd() const { return rest_.empty(); }

 private:
  absl::string_view rest_;
};

std::optional<TreeFile> ReadFile(FieldReader& reader) {
  const std::optional<absl::string_view> path = reader.Bytes();
  const std::optional<absl::string_view> mode = reader.Raw(1);
  const std::optional<uint64_t> size = reader.U64();
  const std::optional<absl::string_view> digest = reader.Raw(kDigestBytes);
  if (!path || !mode || !size || !digest || !KnownMode(static_cast<uint8_t>((*mode)[0]))) {
    return std::nullopt;
  }
  TreeFile file;
  file.path = std::string(*path);
  file.mode = static_cast<FileMode>((*mode)[0]);
  file.size = *size;
  file.digest = *object::Sha256::FromRaw(*digest);
  return file;
}

}  // namespace

uint64_t TreeManifest::TotalBytes() const {
  uint64_t total = 0;
  for (const TreeFile& file : files) total += file.size;
  return total;
}

const TreeFile* TreeManifest::Find(absl::string_view path) const {
  const auto at = std::lower_bound(
      files.begin(), files.end(), path,
      [](const TreeFile& file, absl::string_view wanted) { return file.path < wanted; });
  return at != files.end() && at->path == path ? &*at : nullptr;
}

bool TreeManifest::HasDirectory(absl::string_view path) const {
  if (path.empty() || path == ".") return !files.empty();
  const std::string prefix = absl::StrCat(path, "/");
  const auto at = std::lower_bound(
      files.begin(), files.end(), prefix,
      [](const TreeFile& file, const std::string& wanted) { return file.path < wanted; });
  return at != files.end() && absl::StartsWith(at->path, prefix);
}

absl::Status Validate(const TreeManifest& manifest) {
  if (manifest.files.size() > kFilesMax) {
    return absl::InvalidArgumentError(absl::StrCat("tree manifest: ", manifest.files.size(),
                                                   " files, at most ", kFilesMax, " are allowed"));
  }
  const std::string* before = nullptr;
  for (const TreeFile& file : manifest.files) {
    RETURN_IF_ERROR(CheckPath(file.path));
    if (!KnownMode(static_cast<uint8_t>(file.mode))) return Invalid(file.path, "has no known mode");
    if (file.mode == FileMode::kSymlink && file.size > kSymlinkBytesMax) {
      return Invalid(file.path, "is a link with a target that is too long");
    }
    if (before != nullptr && *before >= file.path) {
      return Invalid(file.path, *before == file.path ? "occurs twice" : "is out of order");
    }
    before = &file.path;
  }
  // A file "a" and a file "a/b": between them may sort others ("a-b"), so look each parent up.
  for (const TreeFile& file : manifest.files) {
    for (size_t slash = file.path.find('/'); slash != std::string::npos;
         slash = file.path.find('/', slash + 1)) {
      if (manifest.Find(absl::string_view(file.path).substr(0, slash)) != nullptr) {
        return Invalid(file.path, "lies below another file");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSymlink(absl::string_view path, absl::string_view target) {
  if (target.empty() || target.find('\0') != absl::string_view::npos) {
    return Invalid(path, "is a link without a usable target");
  }
  if (target[0] == '/') return Invalid(path, "is a link to an absolute path");
  const std::vector<absl::string_view> own = absl::StrSplit(path, '/');
  size_t depth = own.size() - 1;
  for (const absl::string_view segment : absl::StrSplit(target, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      ++depth;
    } else if (depth == 0) {
      return Invalid(path, "is a link that leads out of the tree");
    } else {
      --depth;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Encode(TreeManifest manifest) {
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
  RETURN_IF_ERROR(Validate(manifest));
  std::string out;
  PutBytes(out, kMagic);
  PutU64(out, manifest.files.size());
  for (const TreeFile& file : manifest.files) {
    PutBytes(out, file.path);
    out.push_back(static_cast<char>(file.mode));
    PutU64(out, file.size);
    absl::StrAppend(&out, file.digest.Raw());
  }
  return out;
}

absl::StatusOr<TreeManifest> Parse(absl::string_view bytes) {
  FieldReader reader(bytes);
  const std::optional<absl::string_view> magic = reader.Bytes();
  if (!magic.has_value() || *magic != kMagic) {
    return absl::InvalidArgumentError("tree manifest: not one, or of an unknown version");
  }
  const std::optional<uint64_t> count = reader.U64();
  if (!count.has_value() || *count > kFilesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("tree manifest: no number of files, or more than ", kFilesMax));
  }
  TreeManifest manifest;
  for (uint64_t i = 0; i < *count; ++i) {
    std::optional<TreeFile> file = ReadFile(reader);
    if (!file.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("tree manifest: cut short or damaged at file ", i + 1, " of ", *count));
    }
    manifest.files.push_back(*std::move(file));
  }
  if (!reader.AtEnd()) {
    return absl::InvalidArgumentError("tree manifest: bytes follow its last file");
  }
  RETURN_IF_ERROR(Validate(manifest));
  return manifest;
}

absl::Status VerifyContent(const TreeFile& file, absl::string_view content) {
  if (content.size() != file.size || object::Sha256::Of(content) != file.digest) {
    return absl::DataLossError(absl::StrCat("content of ", file.path,
                                            " is not what its tree manifest names (SHA-256 ",
                                            file.digest.Hex(), ", ", file.size, " bytes)"));
  }
  return absl::OkStatus();
}

}  // namespace leidang::tree
