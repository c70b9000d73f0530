#include "agent/render/source_tree.h"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include <sys/stat.h>

#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

constexpr int kLinksMax = 40;

absl::Status Failed(absl::string_view what, absl::string_view path) {
  return absl::UnavailableError(absl::StrCat("cannot ", what, " ", path, ": ", strerror(errno)));
}

absl::Status WriteFile(const std::string& path, const std::string& content, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return Failed("make", path);
  absl::string_view rest = content;
  while (!rest.empty()) {
    const ssize_t put = ::write(fd, rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const absl::Status failed = Failed("write", path);
      ::close(fd);
      return failed;
    }
    rest.remove_prefix(static_cast<size_t>(put));
  }
  if (::close(fd) != 0) return Failed("write", path);
  return absl::OkStatus();
}

void Prepend(absl::string_view path, std::deque<std::string>& segments) {
  const std::vector<std::string> more = absl::StrSplit(path, '/', absl::SkipEmpty());
  segments.insert(segments.begin(), more.begin(), more.end());
}

}  // namespace

std::optional<std::string> SourceTree::Resolve(absl::string_view path) const {
  std::deque<std::string> waiting;
  Prepend(path, waiting);
  std::vector<std::string> done;
  int links = 0;
  while (!waiting.empty()) {
    const std::string segment = std::move(waiting.front());
    waiting.pop_front();
    if (segment == ".") continue;
    if (segment == "..") {
      if (done.empty()) return std::nullopt;
      done.pop_back();
      continue;
    }
    done.push_back(segment);
    const auto file = files_.find(absl::StrJoin(done, "/"));
    if (file == files_.end() || file->second.mode != tree::FileMode::kSymlink) continue;
    const std::string& target = *file->second.content;
    if (++links > kLinksMax || target.empty() || target[0] == '/') return std::nullopt;
    done.pop_back();
    Prepend(target, waiting);
  }
  return absl::StrJoin(done, "/");
}

const std::string* SourceTree::Find(absl::string_view path) const {
  const std::optional<std::string> resolved = Resolve(path);
  if (!resolved.has_value()) return nullptr;
  const auto file = files_.find(*resolved);
  return file == files_.end() ? nullptr : file->second.content.get();
}

bool SourceTree::HasDirectory(absl::string_view path) const {
  const std::optional<std::string> resolved = Resolve(path);
  if (!resolved.has_value()) return false;
  if (resolved->empty()) return !files_.empty();
  const std::string prefix = *resolved + "/";
  const auto first = files_.lower_bound(prefix);
  return first != files_.end() && absl::StartsWith(first->first, prefix);
}

absl::Status SourceTree::LayOut(const std::string& directory) const {
  std::string last_parent;
  for (const auto& [path, file] : files_) {
    const std::string full = absl::StrCat(directory, "/", path);
    const std::string parent = full.substr(0, full.rfind('/'));
    if (parent != last_parent) {
      std::error_code error;
      std::filesystem::create_directories(parent, error);
      if (error) {
        return absl::UnavailableError(absl::StrCat("cannot make ", parent, ": ", error.message()));
      }
      last_parent = parent;
    }
    if (file.mode == tree::FileMode::kSymlink) {
      if (!Resolve(path).has_value()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the symbolic link ", path, " -> ", *file.content,
                         " leads out of the repository or round in circles"));
      }
      if (::symlink(file.content->c_str(), full.c_str()) != 0) return Failed("link", full);
    } else {
      const mode_t mode = file.mode == tree::FileMode::kExecutable ? 0700 : 0600;
      RETURN_IF_ERROR(WriteFile(full, *file.content, mode));
    }
  }
  return absl::OkStatus();
}

}  // namespace leidang::agent
