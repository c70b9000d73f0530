#include "agent/cluster/directory_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <sys/stat.h>

#include "agent/cluster/directory_names.h"
#include "common/base/status_macros.h"
#include "common/manifest/manifest.h"
#include "common/manifest/tracking.h"
#include "common/yaml/yaml.h"
#include "common/yaml/yaml_writer.h"

namespace leidang::agent {
namespace {

// Above every object that an API server takes; a larger file is nobody's object.
constexpr int64_t kFileBytesMax = 16 << 20;

absl::Status Failed(absl::string_view what, absl::string_view path, int error) {
  const std::string message = absl::StrCat("cannot ", what, " ", path, ": ", strerror(error));
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message);
    case EISDIR:
    case ENOTEMPTY:
      return absl::FailedPreconditionError(message);
    default:
      return absl::UnavailableError(message);
  }
}

int64_t Nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

// The whole of an open file of `size` bytes, or an errno.
int ReadAll(int fd, size_t size, std::string& content) {
  content.resize(size);
  size_t have = 0;
  while (have < size) {
    const ssize_t got = ::read(fd, content.data() + have, size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;  // Cut short meanwhile; the next look sees another stamp.
    have += static_cast<size_t>(got);
  }
  content.resize(have);
  return 0;
}

int WriteAll(int fd, absl::string_view content) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    content.remove_prefix(static_cast<size_t>(put));
  }
  return 0;
}

// Credentials are for their owner only; everything else is for whoever applies the directory.
mode_t ModeFor(const object::ObjectKey& key) {
  return key.group.empty() && key.kind == "Secret" ? 0600 : 0644;
}

}  // namespace

class DirectoryFiles::Handle {
 public:
  explicit Handle(int fd) : fd_(fd) {}
  ~Handle() {
    if (fd_ >= 0) ::close(fd_);
  }
  Handle(Handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Handle& operator=(Handle&&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_;
};

DirectoryFiles::DirectoryFiles(std::string path) : path_(std::move(path)) {}

std::string DirectoryFiles::Shown(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

absl::StatusOr<DirectoryFiles::Handle> DirectoryFiles::OpenDirectory() const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failed("open the directory target", path_, errno);
  return Handle(fd);
}

absl::Status DirectoryFiles::Open() {
  if (::mkdir(path_.c_str(), 0755) != 0 && errno != EEXIST) {
    return Failed("make the directory target", path_, errno);
  }
  ASSIGN_OR_RETURN(const Handle directory, OpenDirectory());
  DIR* listing = ::fdopendir(::dup(directory.fd()));
  if (listing == nullptr) return Failed("list", path_, errno);
  const absl::Cleanup close = [listing] { ::closedir(listing); };
  while (const dirent* entry = ::readdir(listing)) {
    if (!IsTemporaryName(entry->d_name)) continue;
    if (::unlinkat(directory.fd(), entry->d_name, 0) != 0 && errno != ENOENT) {
      return Failed("remove the left-over file", Shown(entry->d_name), errno);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::set<DirectoryFiles::Change>> DirectoryFiles::Rescan() {
  ASSIGN_OR_RETURN(const Handle directory, OpenDirectory());
  std::set<std::string> names;
  for (const auto& [name, file] : files_) names.insert(name);
  {
    DIR* listing = ::fdopendir(::dup(directory.fd()));
    if (listing == nullptr) return Failed("list", path_, errno);
    const absl::Cleanup close = [listing] { ::closedir(listing); };
    ::rewinddir(listing);
    errno = 0;
    while (const dirent* entry = ::readdir(listing)) names.insert(entry->d_name);
    if (errno != 0) return Failed("list", path_, errno);
  }
  std::set<Change> changes;
  for (const std::string& name : names) {
    RETURN_IF_ERROR(RefreshFile(directory, name, changes));
  }
  return changes;
}

absl::StatusOr<std::set<DirectoryFiles::Change>> DirectoryFiles::Refresh(absl::string_view name) {
  ASSIGN_OR_RETURN(const Handle directory, OpenDirectory());
  std::set<Change> changes;
  RETURN_IF_ERROR(RefreshFile(directory, std::string(name), changes));
  return changes;
}

absl::Status DirectoryFiles::RefreshFile(const Handle& directory, const std::string& name,
                                         std::set<Change>& changes) {
  if (!absl::EndsWith(name, ".yaml") || name[0] == '.') return absl::OkStatus();
  const auto known = files_.find(name);
  const File* before = known == files_.end() ? nullptr : &known->second;
  const auto report = [&changes](const File& file) {
    if (!file.app_label.empty()) changes.insert({file.key, file.app_label});
  };

  struct stat info;
  if (::fstatat(directory.fd(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) return Failed("look at", Shown(name), errno);
    if (before != nullptr) {
      report(*before);
      files_.erase(known);
    }
    return absl::OkStatus();
  }
  const Stamp stamp{info.st_ino, static_cast<uint64_t>(info.st_size), info.st_mode,
                    Nanoseconds(info.st_mtim), Nanoseconds(info.st_ctim)};
  if (before != nullptr && before->stamp == stamp) return absl::OkStatus();

  ASSIGN_OR_RETURN(File now, Load(directory, name, stamp, before));
  if (before == nullptr || before->digest != now.digest) {
    if (before != nullptr) report(*before);
    report(now);
  }
  files_[name] = std::move(now);
  return absl::OkStatus();
}

absl::StatusOr<DirectoryFiles::File> DirectoryFiles::Load(const Handle& directory,
                                                          const std::string& name,
                                                          const Stamp& stamp,
                                                          const File* before) const {
  File file;
  file.stamp = stamp;
  // What cannot be read any more still concerns the Application that had it.
  if (before != nullptr) {
    file.key = before->key;
    file.app_label = before->app_label;
  }
  if (!S_ISREG(stamp.mode) || stamp.size > kFileBytesMax) return file;
  const int fd = ::openat(directory.fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT || errno == ELOOP || errno == EACCES) return file;
    return Failed("read", Shown(name), errno);
  }
  const absl::Cleanup close = [fd] { ::close(fd); };
  std::string content;
  if (const int error = ReadAll(fd, stamp.size, content); error != 0) {
    return Failed("read", Shown(name), error);
  }
  file.digest = object::Sha256::Of(content);
  if (!absl::StrContains(content, manifest::kTrackingIdAnnotation)) return file;

  const absl::StatusOr<object::Value> value = yaml::ParseYaml(content, name);
  if (!value.ok()) return file;
  const absl::StatusOr<object::ObjectKey> key = manifest::KeyOf(*value);
  if (!key.ok()) return file;
  // A copy under another name is no object of ours, whatever marks it carries.
  const absl::StatusOr<std::string> own_name = FileName(*key);
  if (!own_name.ok() || *own_name != name) return file;
  file.key = *key;
  file.owner = manifest::OwnerOf(*value, *key).value_or("");
  if (!file.owner.empty())
    file.app_label = std::string(manifest::Label(*value, manifest::kAppLabel));
  return file;
}

LiveObject DirectoryFiles::Live(const object::ObjectKey& key, const File& file) const {
  LiveObject live;
  live.key = key;
  live.owner = file.owner;
  live.version = file.digest.IsNone() ? "unreadable" : file.digest.Hex();
  live.hash = live.version;
  return live;
}

absl::StatusOr<std::vector<LiveObject>> DirectoryFiles::Read(const Selection& selection) {
  std::map<object::ObjectKey, LiveObject> found;
  if (!selection.app.empty()) {
    const std::string label = manifest::AppLabel(selection.app);
    for (const auto& [name, file] : files_) {
      if (file.app_label == label && !file.owner.empty()) found[file.key] = Live(file.key, file);
    }
  }
  for (const object::ObjectKey& key : selection.keys) {
    ASSIGN_OR_RETURN(const std::string name, FileName(key));
    const auto file = files_.find(name);
    if (file != files_.end()) found[key] = Live(key, file->second);
  }
  std::vector<LiveObject> objects;
  for (auto& [key, live] : found) objects.push_back(std::move(live));
  return objects;
}

absl::StatusOr<object::Value> DirectoryFiles::ReadWhole(const object::ObjectKey& key) const {
  ASSIGN_OR_RETURN(const std::string name, FileName(key));
  ASSIGN_OR_RETURN(const Handle directory, OpenDirectory());
  const int fd = ::openat(directory.fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) {
    return absl::NotFoundError(absl::StrCat(key.ToString(), ": there is no file ", Shown(name)));
  }
  if (fd < 0) return Failed("read", Shown(name), errno);
  const absl::Cleanup close = [fd] { ::close(fd); };
  struct stat info;
  if (::fstat(fd, &info) != 0) return Failed("read", Shown(name), errno);
  std::string content;
  const bool fits = S_ISREG(info.st_mode) && info.st_size <= kFileBytesMax;
  const int error = fits ? ReadAll(fd, static_cast<size_t>(info.st_size), content) : 0;
  if (error != 0) return Failed("read", Shown(name), error);
  absl::StatusOr<object::Value> value = yaml::ParseYaml(content, name);
  if (value.ok()) {
    const absl::StatusOr<object::ObjectKey> held = manifest::KeyOf(*value);
    if (held.ok() && *held == key) return value;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the file ", Shown(name), " does not hold ", key.ToString(), " any more"));
}

absl::Status DirectoryFiles::CheckVersion(const std::string& name, const object::ObjectKey& key,
                                          const std::optional<std::string>& if_version) const {
  const auto file = files_.find(name);
  const std::string version = file == files_.end() ? "" : Live(key, file->second).version;
  if (!if_version.has_value() || *if_version == version) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat(key.ToString(), ": the file ", Shown(name),
                                         version.empty() ? " is not there any more"
                                         : if_version->empty()
                                             ? " is there already"
                                             : " has been changed by somebody else"));
}

absl::StatusOr<Applied> DirectoryFiles::Write(const ApplyRequest& request) {
  ASSIGN_OR_RETURN(const std::string name, FileName(request.key));
  ASSIGN_OR_RETURN(const Handle directory, OpenDirectory());
  std::set<Change> changes;
  RETURN_IF_ERROR(RefreshFile(directory, name, changes));
  RETURN_IF_ERROR(CheckVersion(name, request.key, request.if_version));

  const auto known = files_.find(name);
  const bool existed = known != files_.end();
  if (existed && !known->second.owner.empty() && known->second.key != request.key) {
    return absl::InvalidArgumentError(absl::StrCat(
        request.key.ToString(), " and ", known->second.key.ToString(), " of ", known->second.owner,
        " would both be the file ", name, "; rename one of them"));
  }
  const std::string content = yaml::ToYaml(request.manifest);
  const object::Sha256 digest = object::Sha256::Of(content);
  Applied applied{.version = digest.Hex(), .hash = digest.Hex()};
  if (existed && known->second.digest == digest) {
    applied.effect = Applied::Effect::kUnchanged;
    return applied;
  }
  RETURN_IF_ERROR(Replace(directory, name, request, content));
  // A change of somebody else that the index has not reported yet is undone by this write.
  RETURN_IF_ERROR(RefreshFile(directory, name, changes));
  applied.effect = existed ? Applied::Effect::kChanged : Applied::Effect::kCreated;
  return applied;
}

absl::Status DirectoryFiles::Replace(const Handle& directory, const std::string& name,
                                     const ApplyRequest& request, absl::string_view content) {
  const std::string temporary = TemporaryName(absl::StrCat(::getpid(), "-", ++written_));
  const int fd = ::openat(directory.fd(), temporary.c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, ModeFor(request.key));
  if (fd < 0) return Failed("make", Shown(temporary), errno);
  int error = WriteAll(fd, content);
  if (error == 0 && ::fsync(fd) != 0) error = errno;
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0) {
    const unsigned flags =
        request.if_version.has_value() && request.if_version->empty() ? RENAME_NOREPLACE : 0;
    if (::renameat2(directory.fd(), temporary.c_str(), directory.fd(), name.c_str(), flags) != 0) {
      error = errno;
    }
  }
  if (error != 0) {
    ::unlinkat(directory.fd(), temporary.c_str(), 0);
    if (error == EEXIST) {
      return absl::AbortedError(
          absl::StrCat(request.key.ToString(), ": the file ", Shown(name), " is there already"));
    }
    return Failed("write", Shown(name), error);
  }
  if (::fsync(directory.fd()) != 0) return Failed("sync the directory", path_, errno);
  return absl::OkStatus();
}

absl::StatusOr<Deleted> DirectoryFiles::Remove(const DeleteRequest& request) {
  ASSIGN_OR_RETURN(const std::string name, FileName(request.key));
  ASSIGN_OR_RETURN(const Handle directory, OpenDirectory());
  std::set<Change> changes;
  RETURN_IF_ERROR(RefreshFile(directory, name, changes));
  if (!files_.contains(name)) return Deleted::kGone;
  RETURN_IF_ERROR(CheckVersion(name, request.key, request.if_version));
  if (::unlinkat(directory.fd(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return Failed("remove", Shown(name), errno);
  }
  if (::fsync(directory.fd()) != 0) return Failed("sync the directory", path_, errno);
  files_.erase(name);
  return Deleted::kGone;
}

}  // namespace leidang::agent
