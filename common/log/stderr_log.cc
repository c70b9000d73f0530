#include "common/log/stderr_log.h"

#include <string>

#include "spdlog/logger.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace leidang {

struct StderrLog::Impl {
  spdlog::logger logger{"leidang", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

StderrLog::StderrLog(const Clock& clock, const StderrLogOptions& options)
    : clock_(clock), options_(options), impl_(std::make_unique<Impl>()) {
  // Lines come finished. A failing sink must not write about itself to the same place.
  impl_->logger.set_pattern("%v");
  impl_->logger.set_level(spdlog::level::info);
  impl_->logger.flush_on(spdlog::level::info);
  impl_->logger.set_error_handler([](const std::string&) {});
}

StderrLog::~StderrLog() = default;

void StderrLog::Write(LogLevel level, absl::string_view room, absl::string_view message,
                      std::initializer_list<LogField> fields) {
  if (level < options_.level_min) return;
  const std::string line =
      FormatLogLine(options_.format, clock_.Now(), level, room, message, fields);
  impl_->logger.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace leidang
