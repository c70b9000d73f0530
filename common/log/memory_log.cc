#include "common/log/memory_log.h"

namespace leidang {

std::string MemoryLog::Line::Field(absl::string_view key) const {
  for (const LogField& field : fields) {
    if (field.key == key) return field.value;
  }
  return "";
}

void MemoryLog::Write(LogLevel level, absl::string_view room, absl::string_view message,
                      std::initializer_list<LogField> fields) {
  Line line{level, std::string(room), std::string(message), fields};
  MutexLock lock(&mu_);
  if (lines_.size() >= lines_max_ && !lines_.empty()) lines_.erase(lines_.begin());
  lines_.push_back(std::move(line));
}

std::vector<MemoryLog::Line> MemoryLog::lines() const {
  MutexLock lock(&mu_);
  return lines_;
}

}  // namespace leidang
