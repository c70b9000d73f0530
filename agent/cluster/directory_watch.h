#pragma once

// DirectoryWatch: inotify on one directory, as hints about which files to look at.
//
// The directory is watched, not its files: a rename drops the watch of a file. A hint is never
// more than that: queues overflow and directories get replaced, and whoever relies on hints looks
// at everything now and then.

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/time/thread_loop.h"

namespace leidang::agent {

struct DirectoryHint {
  std::set<std::string> names;  // Files that may have changed.
  bool everything = false;      // Some may have been missed: look at all of them.
  bool lost = false;            // The directory itself went away; the watch is dead.
};

// Thread-compatible; hints come on a thread of its own until the destructor returns, which waits
// for a hint that is being given.
class DirectoryWatch {
 public:
  using OnHint = std::function<void(DirectoryHint)>;

  // kUnavailable if there is no such directory, kResourceExhausted if the kernel's limit on watches
  // is reached: the message says which.
  static absl::StatusOr<std::unique_ptr<DirectoryWatch>> Start(const std::string& path,
                                                               OnHint on_hint);
  ~DirectoryWatch();

 private:
  DirectoryWatch(int inotify_fd, int stop_fd, OnHint on_hint);

  void Serve();
  // The events that are waiting. False when there will be no more.
  bool Drain(DirectoryHint& hint);

  const int inotify_fd_;
  const int stop_fd_;
  const OnHint on_hint_;
  ThreadLoop thread_;
};

}  // namespace leidang::agent
