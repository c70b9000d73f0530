#pragma once

// The two forms of a log line, without the line feed at its end:
//
//   2026-01-02T03:04:05.678Z warning hub/source cannot fetch; will try again repo="a b" attempt=3
//   {"ts":"2026-01-02T03:04:05.678Z","level":"warning","room":"hub/source","msg":"cannot…","repo":"a
//   b",…}
//
// A line is always one line of valid UTF-8, whatever message and values hold. Pure; thread-safe.

#include <initializer_list>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/log/log.h"

namespace leidang {

enum class LogFormat : uint8_t { kText, kJson };

std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level, absl::string_view room,
                          absl::string_view message, std::initializer_list<LogField> fields);

// "debug", "info", "warning", "error".
absl::string_view ToString(LogLevel level);
// By the words that flags take: those, and "text" and "json".
const std::map<std::string, LogLevel>& LogLevels();
const std::map<std::string, LogFormat>& LogFormats();

}  // namespace leidang
