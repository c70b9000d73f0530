#include "agent/cluster/directory_watch.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "absl/strings/str_cat.h"
#include <sys/eventfd.h>
#include <sys/inotify.h>

namespace leidang::agent {
namespace {

constexpr uint32_t kFileEvents =
    IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CREATE;
constexpr uint32_t kLostEvents = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT;
constexpr size_t kBufferBytes = 64 * 1024;

absl::Status Failed(absl::string_view what, const std::string& path) {
  const int error = errno;
  if (error == EMFILE || error == ENOSPC || error == ENFILE) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot ", what, " ", path, ": ", strerror(error),
                     "; raise fs.inotify.max_user_instances or fs.inotify.max_user_watches"));
  }
  return absl::UnavailableError(absl::StrCat("cannot ", what, " ", path, ": ", strerror(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryWatch>> DirectoryWatch::Start(const std::string& path,
                                                                      OnHint on_hint) {
  const int inotify_fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify_fd < 0) return Failed("watch the directory target", path);
  const int stop_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_fd < 0 ||
      ::inotify_add_watch(inotify_fd, path.c_str(),
                          kFileEvents | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) < 0) {
    const absl::Status failed = Failed("watch the directory target", path);
    ::close(inotify_fd);
    if (stop_fd >= 0) ::close(stop_fd);
    return failed;
  }
  return std::unique_ptr<DirectoryWatch>(
      new DirectoryWatch(inotify_fd, stop_fd, std::move(on_hint)));
}

DirectoryWatch::DirectoryWatch(int inotify_fd, int stop_fd, OnHint on_hint)
    : inotify_fd_(inotify_fd), stop_fd_(stop_fd), on_hint_(std::move(on_hint)), thread_("inotify") {
  thread_.Post([this] { Serve(); });
}

DirectoryWatch::~DirectoryWatch() {
  const uint64_t one = 1;
  while (::write(stop_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.Stop();
  ::close(inotify_fd_);
  ::close(stop_fd_);
}

void DirectoryWatch::Serve() {
  bool alive = true;
  while (alive) {
    pollfd waiting[2] = {{inotify_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    const int ready = ::poll(waiting, 2, -1);
    if (ready < 0 && errno != EINTR) return on_hint_({.everything = true, .lost = true});
    if (ready <= 0) continue;
    if (waiting[1].revents != 0) return;
    DirectoryHint hint;
    alive = Drain(hint);
    if (!hint.names.empty() || hint.everything || hint.lost) on_hint_(std::move(hint));
  }
}

bool DirectoryWatch::Drain(DirectoryHint& hint) {
  alignas(inotify_event) char buffer[kBufferBytes];
  while (true) {
    const ssize_t got = ::read(inotify_fd_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return !hint.lost;
    if (got <= 0) {
      hint.lost = true;
      return false;
    }
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) hint.everything = true;
      if ((event->mask & kLostEvents) != 0) hint.lost = true;
      if (event->len > 0) hint.names.insert(event->name);
    }
  }
}

}  // namespace leidang::agent
