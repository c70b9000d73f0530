#include "common/log/log_line.h"

#include "absl/strings/str_cat.h"

#include "common/base/utf8.h"

namespace leidang {
namespace {

constexpr absl::string_view kLevels[] = {"debug", "info", "warning", "error"};

std::string Timestamp(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string Quoted(absl::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

bool IsPlain(absl::string_view text) {
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '"' || c == '=' || c == '\\') return false;
  }
  return !text.empty() && IsUtf8(text);
}

// A message is read by people: quoted only if it would break the line.
std::string MessageText(absl::string_view message) {
  const std::string quoted = Quoted(message);
  const absl::string_view inside = absl::string_view(quoted).substr(1, quoted.size() - 2);
  return inside == message ? std::string(message) : quoted;
}

std::string TextLine(absl::Time time, LogLevel level, absl::string_view room,
                     absl::string_view message, std::initializer_list<LogField> fields) {
  std::string line =
      absl::StrCat(Timestamp(time), " ", ToString(level), " ", room, " ", MessageText(message));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.key, "=");
    line += IsPlain(field.value) ? field.value : Quoted(field.value);
  }
  return line;
}

std::string JsonLine(absl::Time time, LogLevel level, absl::string_view room,
                     absl::string_view message, std::initializer_list<LogField> fields) {
  std::string line = absl::StrCat("{\"ts\":\"", Timestamp(time), "\",\"level\":\"", ToString(level),
                                  "\",\"room\":", Quoted(room), ",\"msg\":", Quoted(message));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, ",", Quoted(field.key), ":", Quoted(field.value));
  }
  line += '}';
  return line;
}

}  // namespace

std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level, absl::string_view room,
                          absl::string_view message, std::initializer_list<LogField> fields) {
  if (format == LogFormat::kJson) return JsonLine(time, level, room, message, fields);
  return TextLine(time, level, room, message, fields);
}

absl::string_view ToString(LogLevel level) { return kLevels[static_cast<size_t>(level)]; }

const std::map<std::string, LogLevel>& LogLevels() {
  static const std::map<std::string, LogLevel> kLevels = {{"debug", LogLevel::kDebug},
                                                          {"info", LogLevel::kInfo},
                                                          {"warning", LogLevel::kWarning},
                                                          {"error", LogLevel::kError}};
  return kLevels;
}

const std::map<std::string, LogFormat>& LogFormats() {
  static const std::map<std::string, LogFormat> kFormats = {{"text", LogFormat::kText},
                                                            {"json", LogFormat::kJson}};
  return kFormats;
}

}  // namespace leidang
