#pragma once

// The structured log: one line an event, for people and for machines. Passed in, like everything
// else.
//
//   log.Write(LogLevel::kWarning, "hub/source", "cannot fetch; will try again",
//             {{"repo", url}, {"attempt", n}});
//
// Levels: error is for what a person should act on, warning for what went wrong and is being dealt
// with, info for what changed, debug for the rest. Fixed field keys: cluster app set commit
// revision session.
//
// Secrets are the caller's business: hand them over as Secret, or not at all.

#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace leidang {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

// Text that shows itself as *** wherever it is printed; Reveal is the one way to it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  const std::string& Reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "***"; }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string text_;
};

struct LogField {
  LogField(absl::string_view key_, const absl::AlphaNum& value_)
      : key(key_), value(value_.data(), value_.size()) {}
  LogField(absl::string_view key_, const Secret&) : key(key_), value("***") {}

  std::string key;  // Lower case, without spaces.
  std::string value;
};

// Thread-safe.
class Log {
 public:
  virtual ~Log() = default;

  // `room` is the folder that speaks ("hub/source"). The message is one short sentence without
  // values, so that equal events have equal messages; values are fields.
  virtual void Write(LogLevel level, absl::string_view room, absl::string_view message,
                     std::initializer_list<LogField> fields = {}) = 0;

  void Debug(absl::string_view room, absl::string_view message,
             std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kDebug, room, message, fields);
  }
  void Info(absl::string_view room, absl::string_view message,
            std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kInfo, room, message, fields);
  }
  void Warning(absl::string_view room, absl::string_view message,
               std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kWarning, room, message, fields);
  }
  void Error(absl::string_view room, absl::string_view message,
             std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kError, room, message, fields);
  }
};

// For code whose caller does not want to hear from it. Thread-safe.
class NoLog final : public Log {
 public:
  void Write(LogLevel, absl::string_view, absl::string_view,
             std::initializer_list<LogField>) override {}
};

}  // namespace leidang
