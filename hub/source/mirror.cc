#include "hub/source/mirror.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

namespace fs = std::filesystem;

// The files below `directory`, as far as they can be listed; a folder that vanishes meanwhile is
// left out.
std::vector<fs::path> FilesBelow(const std::string& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) files.push_back(it->path());
  }
  return files;
}

}  // namespace

uint64_t PackBytes(const std::string& path) {
  uint64_t bytes = 0;
  for (const fs::path& file : FilesBelow(path + "/objects/pack")) {
    std::error_code error;
    const uintmax_t size = fs::file_size(file, error);
    if (!error) bytes += size;
  }
  return bytes;
}

Mirror::Mirror(std::string path, std::string name)
    : path_(std::move(path)),
      name_(std::move(name)),
      reader_(std::make_shared<ObjectReader>(path_, name_)) {}

std::string Mirror::MarkerPath() const { return absl::StrCat(path_, "/leidang-fetched"); }

absl::StatusOr<MirrorState> Mirror::ReadState() const {
  MirrorState state;
  ASSIGN_OR_RETURN(state.refs, reader_->ReadRefs());
  if (const auto head = state.refs.find(kRemoteHead); head != state.refs.end()) {
    state.head = head->second;
    state.refs.erase(head);
  }
  ASSIGN_OR_RETURN(state.default_branch, reader_->ReadDefaultBranch());
  return state;
}

absl::StatusOr<std::shared_ptr<const MirrorState>> Mirror::State() const {
  {
    MutexLock lock(&mu_);
    if (state_ != nullptr) return state_;
  }
  std::error_code ignored;
  if (!fs::exists(MarkerPath(), ignored)) {
    return SourceError(SourceReason::kRepositoryUnreachable,
                       absl::StrCat(name_, ": has not been fetched successfully yet"));
  }
  ASSIGN_OR_RETURN(MirrorState state, ReadState());
  auto shared = std::make_shared<const MirrorState>(std::move(state));
  MutexLock lock(&mu_);
  if (state_ == nullptr) state_ = std::move(shared);
  return state_;
}

absl::Status Mirror::MakeReady() {
  std::error_code error;
  if (fs::exists(path_, error)) {
    RemoveLocks();
    RemoveHalfPacks();
    return absl::OkStatus();
  }
  const std::string unfinished = path_ + ".new";
  fs::remove_all(unfinished, error);
  RETURN_IF_ERROR(ObjectReader::CreateRepository(unfinished));
  fs::rename(unfinished, path_, error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("cannot create the mirror ", path_, ": ", error.message()));
}

absl::Status Mirror::Publish(MirrorState state) {
  const int fd = ::open(MarkerPath().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return absl::InternalError(
        absl::StrCat("cannot write ", MarkerPath(), ": ", std::strerror(errno)));
  }
  ::close(fd);
  auto shared = std::make_shared<const MirrorState>(std::move(state));
  MutexLock lock(&mu_);
  state_ = std::move(shared);
  return absl::OkStatus();
}

absl::Status Mirror::Remove() {
  {
    MutexLock lock(&mu_);
    state_ = nullptr;
  }
  std::error_code error;
  fs::remove(MarkerPath(), error);
  fs::remove_all(path_, error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("cannot delete the mirror ", path_, ": ", error.message()));
}

void Mirror::RemoveHalfPacks() const {
  for (const fs::path& file : FilesBelow(path_ + "/objects")) {
    if (!absl::StartsWith(file.filename().string(), "tmp_")) continue;
    std::error_code ignored;
    fs::remove(file, ignored);
  }
}

void Mirror::RemoveLocks() const {
  std::error_code error;
  std::vector<fs::path> locks = FilesBelow(path_ + "/refs");
  for (fs::directory_iterator it(path_, error), end; !error && it != end; it.increment(error)) {
    locks.push_back(it->path());
  }
  for (const fs::path& file : locks) {
    if (file.extension() != ".lock" && file.filename() != "gc.pid") continue;
    std::error_code ignored;
    fs::remove(file, ignored);
  }
}

}  // namespace leidang::hub
