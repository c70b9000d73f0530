#pragma once

// Witness: sees what happens to the files of the clusters, and remembers what must not have.
//
// A file's value is the number after `value:` in it. Numbers of one name only grow, also over its
// end and a new beginning, so each is written once at most, and never after a greater one.

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "common/base/mutex.h"

namespace leidang::chaos {

// Thread-safe; watches on a thread of its own until it is destroyed.
class Witness {
 public:
  // Directories that exist. Files in them are watched.
  explicit Witness(std::vector<std::string> directories);
  ~Witness();
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  struct Seen {
    uint64_t writes = 0;
    uint64_t ends = 0;
    uint64_t repeats = 0;     // The same value was written again, and no end was between.
    uint64_t inversions = 0;  // A lower value after a higher one.
    uint64_t lost_hints = 0;  // The kernel dropped events.
    std::vector<std::string> examples;
    std::map<std::string, uint64_t> ends_of;  // By path.
  };
  Seen seen() const ABSL_LOCKS_EXCLUDED(mu_);

  // The value that a file has now; nullopt if it is not there.
  static std::optional<uint64_t> ValueOf(const std::string& path);

 private:
  struct File {
    std::optional<uint64_t> value;  // Last seen.
    uint64_t inode = 0;
    int64_t changed_ns = 0;
  };

  void Run();
  void Look(const std::string& path) ABSL_LOCKS_EXCLUDED(mu_);
  void Gone(const std::string& path) ABSL_LOCKS_EXCLUDED(mu_);

  int descriptor_ = -1;
  std::map<int, std::string> directories_;
  std::atomic<bool> stopping_{false};

  mutable Mutex mu_;
  Seen seen_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, File> files_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace leidang::chaos
