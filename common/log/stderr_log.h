#pragma once

#include <memory>

#include "common/log/log.h"
#include "common/log/log_line.h"
#include "common/time/clock.h"

namespace leidang {

struct StderrLogOptions {
  LogFormat format = LogFormat::kText;
  LogLevel level_min = LogLevel::kInfo;
};

// The log of a program: lines on standard error, each written whole and at once. A line that cannot
// be written is lost; logging never fails its caller. Thread-safe.
class StderrLog final : public Log {
 public:
  // `clock` must outlive it.
  StderrLog(const Clock& clock, const StderrLogOptions& options);
  ~StderrLog() override;

  void Write(LogLevel level, absl::string_view room, absl::string_view message,
             std::initializer_list<LogField> fields = {}) override;

 private:
  struct Impl;

  const Clock& clock_;
  const StderrLogOptions options_;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace leidang
