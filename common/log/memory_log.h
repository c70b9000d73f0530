#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "common/base/mutex.h"
#include "common/log/log.h"

namespace leidang {

// A log that keeps its lines, for tests and for what shows the last of them. Beyond `lines_max` the
// oldest go. Thread-safe.
class MemoryLog final : public Log {
 public:
  struct Line {
    LogLevel level = LogLevel::kInfo;
    std::string room;
    std::string message;
    std::vector<LogField> fields;

    // "" if there is no such field.
    std::string Field(absl::string_view key) const;
  };

  explicit MemoryLog(size_t lines_max = 10'000) : lines_max_(lines_max) {}

  void Write(LogLevel level, absl::string_view room, absl::string_view message,
             std::initializer_list<LogField> fields = {}) override;

  std::vector<Line> lines() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const size_t lines_max_;

  mutable Mutex mu_;
  std::vector<Line> lines_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang
