#include "common/kube/cron.h"

#include <array>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"

#include "common/base/status_macros.h"

namespace leidang::kube {

namespace {

constexpr uint64_t kStar = uint64_t{1} << 63;  // `*` or `?` was written, and no step.
constexpr int kYearsMax = 5;

struct Bounds {
  uint64_t min;
  uint64_t max;
  absl::Span<const absl::string_view> names;  // Of min, min + 1, …
};

constexpr std::array<absl::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<absl::string_view, 7> kDays = {"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};

absl::Status Error(absl::string_view text) { return absl::InvalidArgumentError(text); }

// As strconv.Atoi: an optional sign and digits.
absl::StatusOr<uint64_t> ParseNumber(absl::string_view text) {
  const auto error = [&](absl::string_view why) {
    return Error(absl::StrCat("failed to parse int from ", text, ": strconv.Atoi: parsing \"", text,
                              "\": ", why));
  };
  absl::string_view digits = text;
  const bool negative = absl::ConsumePrefix(&digits, "-");
  if (!negative) absl::ConsumePrefix(&digits, "+");
  if (digits.empty()) return error("invalid syntax");
  for (const char c : digits) {
    if (!absl::ascii_isdigit(c)) return error("invalid syntax");
  }
  uint64_t value = 0;
  if (!absl::SimpleAtoi(digits, &value) || value > (uint64_t{1} << 63) - (negative ? 0 : 1)) {
    return error("value out of range");
  }
  if (negative && value > 0)
    return Error(absl::StrCat("negative number (-", value, ") not allowed: ", text));
  return value;
}

absl::StatusOr<uint64_t> ParseNumberOrName(absl::string_view text, const Bounds& bounds) {
  const std::string lower = absl::AsciiStrToLower(text);
  for (size_t i = 0; i < bounds.names.size(); ++i) {
    if (bounds.names[i] == lower) return bounds.min + i;
  }
  return ParseNumber(text);
}

// `*`, `5`, `5-10`, each with `/step` behind.
absl::StatusOr<uint64_t> ParseRange(absl::string_view expr, const Bounds& bounds) {
  const std::vector<absl::string_view> parts = absl::StrSplit(expr, '/');
  const std::vector<absl::string_view> ends = absl::StrSplit(parts[0], '-');
  uint64_t start = bounds.min;
  uint64_t end = bounds.max;
  uint64_t star = 0;
  if (ends[0] == "*" || ends[0] == "?") {
    star = kStar;
  } else {
    ASSIGN_OR_RETURN(start, ParseNumberOrName(ends[0], bounds));
    end = start;
    if (ends.size() > 2) return Error(absl::StrCat("too many hyphens: ", expr));
    if (ends.size() == 2) {
      ASSIGN_OR_RETURN(end, ParseNumberOrName(ends[1], bounds));
    }
  }
  uint64_t step = 1;
  if (parts.size() > 2) return Error(absl::StrCat("too many slashes: ", expr));
  if (parts.size() == 2) {
    ASSIGN_OR_RETURN(step, ParseNumber(parts[1]));
    if (ends.size() == 1) end = bounds.max;
    if (step > 1) star = 0;
  }
  if (start < bounds.min) {
    return Error(
        absl::StrCat("beginning of range (", start, ") below minimum (", bounds.min, "): ", expr));
  }
  if (end > bounds.max) {
    return Error(absl::StrCat("end of range (", end, ") above maximum (", bounds.max, "): ", expr));
  }
  if (start > end) {
    return Error(
        absl::StrCat("beginning of range (", start, ") beyond end of range (", end, "): ", expr));
  }
  if (step == 0) return Error(absl::StrCat("step of range should be a positive number: ", expr));
  uint64_t bits = star;
  for (uint64_t i = start; i <= end; i += step) {
    bits |= uint64_t{1} << i;
    if (step > bounds.max) break;
  }
  return bits;
}

absl::StatusOr<uint64_t> ParseField(absl::string_view field, const Bounds& bounds) {
  uint64_t bits = 0;
  for (const absl::string_view expr : absl::StrSplit(field, ',', absl::SkipEmpty())) {
    ASSIGN_OR_RETURN(const uint64_t more, ParseRange(expr, bounds));
    bits |= more;
  }
  return bits;
}

absl::StatusOr<absl::TimeZone> LoadZone(absl::string_view name) {
  if (name.empty() || name == "UTC" || name == "Local") return absl::UTCTimeZone();
  absl::TimeZone zone;
  const bool relative =
      absl::StrContains(name, "..") || name[0] == '/' || absl::StrContains(name, "\\");
  if (relative || !absl::LoadTimeZone(name, &zone)) {
    return Error(absl::StrCat("provided bad location ", name, ": unknown time zone ", name));
  }
  return zone;
}

bool Has(uint64_t bits, int64_t i) { return (bits >> i & 1) != 0; }

int64_t OffsetAt(int64_t unix_seconds, absl::TimeZone zone) {
  return zone.At(absl::FromUnixSeconds(unix_seconds)).offset;
}

// Local time to time as Go's time.Date does it where a transition makes the answer less than
// obvious: with the offset that holds at the local time read as UTC, unless that one no longer
// holds at the result.
absl::Time AtCivil(absl::CivilSecond civil, absl::TimeZone zone) {
  const int64_t local = absl::ToUnixSeconds(absl::FromCivil(civil, absl::UTCTimeZone()));
  int64_t offset = OffsetAt(local, zone);
  if (offset != 0) {
    const int64_t other = OffsetAt(local - offset, zone);
    if (other != offset) offset = other;
  }
  return absl::FromUnixSeconds(local - offset);
}

}  // namespace

absl::StatusOr<CronSchedule> CronSchedule::Parse(absl::string_view schedule) {
  if (schedule.empty()) return Error("empty spec string");
  CronSchedule out;
  absl::string_view spec = schedule;
  if (absl::StartsWith(spec, "TZ=") || absl::StartsWith(spec, "CRON_TZ=")) {
    const size_t space = spec.find(' ');
    if (space == absl::string_view::npos) {
      return Error(absl::StrCat("no fields behind the time zone: ", schedule));
    }
    const size_t name = spec.find('=') + 1;
    ASSIGN_OR_RETURN(out.zone_, LoadZone(spec.substr(name, space - name)));
    spec = absl::StripAsciiWhitespace(spec.substr(space));
  }
  if (absl::StartsWith(spec, "@"))
    return Error(absl::StrCat("parser does not accept descriptors: ", spec));
  const std::vector<absl::string_view> fields =
      absl::StrSplit(spec, absl::ByAnyChar(" \t\n\v\f\r"), absl::SkipEmpty());
  if (fields.size() != 5) {
    return Error(absl::StrCat("expected exactly 5 fields, found ", fields.size(), ": [",
                              absl::StrJoin(fields, " "), "]"));
  }
  ASSIGN_OR_RETURN(out.minutes_, ParseField(fields[0], {0, 59, {}}));
  ASSIGN_OR_RETURN(out.hours_, ParseField(fields[1], {0, 23, {}}));
  ASSIGN_OR_RETURN(out.days_, ParseField(fields[2], {1, 31, {}}));
  ASSIGN_OR_RETURN(out.months_, ParseField(fields[3], {1, 12, kMonths}));
  ASSIGN_OR_RETURN(out.weekdays_, ParseField(fields[4], {0, 6, kDays}));
  return out;
}

bool CronSchedule::DayMatches(absl::CivilDay day) const {
  const bool by_day = Has(days_, day.day());
  const int weekday = (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;  // Sunday is 0.
  const bool by_weekday = Has(weekdays_, weekday);
  if ((days_ & kStar) != 0 || (weekdays_ & kStar) != 0) return by_day && by_weekday;
  return by_day || by_weekday;
}

// Each field in turn is moved on until it matches; a field that wraps around starts the search
// over, as the greater ones have changed. Steps of an hour and a minute are steps of time, not of
// the clock on the wall.
std::optional<absl::Time> CronSchedule::Next(absl::Time from, absl::TimeZone zone) const {
  const absl::TimeZone tz = zone_.value_or(zone);
  absl::Time t = absl::FromUnixSeconds(absl::ToUnixSeconds(from) + 1);
  const auto civil = [&] { return absl::ToCivilSecond(t, tz); };
  const auto year_max = civil().year() + kYearsMax;
  bool moved = false;  // What is below the field that was moved last starts at its least value.
  const auto move = [&](absl::CivilSecond start) {
    if (!moved) t = AtCivil(start, tz);
    moved = true;
  };
  const auto floor = [&](int64_t seconds) {
    const int64_t unix_seconds = absl::ToUnixSeconds(t);
    if (!moved)
      t = absl::FromUnixSeconds(unix_seconds - (unix_seconds % seconds + seconds) % seconds);
    moved = true;
  };
  const uint64_t fields[] = {minutes_, hours_, days_ | weekdays_, months_};
  for (const uint64_t bits : fields) {
    if ((bits & ~kStar) == 0) return std::nullopt;
  }

wrap:
  if (civil().year() > year_max) return std::nullopt;
  while (!Has(months_, civil().month())) {
    move(absl::CivilSecond(civil().year(), civil().month(), 1));
    const absl::CivilSecond c = civil();
    t = AtCivil(
        absl::CivilSecond(c.year(), c.month() + 1, c.day(), c.hour(), c.minute(), c.second()), tz);
    if (civil().month() == 1) goto wrap;
  }
  while (!DayMatches(absl::CivilDay(civil()))) {
    move(absl::CivilSecond(absl::CivilDay(civil())));
    const absl::CivilSecond c = civil();
    t = AtCivil(
        absl::CivilSecond(c.year(), c.month(), c.day() + 1, c.hour(), c.minute(), c.second()), tz);
    // Where midnight does not exist, or exists twice.
    const int hour = civil().hour();
    if (hour > 12) t += absl::Hours(24 - hour);
    if (hour > 0 && hour <= 12) t -= absl::Hours(hour);
    if (civil().day() == 1) goto wrap;
  }
  while (!Has(hours_, civil().hour())) {
    move(absl::CivilSecond(absl::CivilHour(civil())));
    t += absl::Hours(1);
    if (civil().hour() == 0) goto wrap;
  }
  while (!Has(minutes_, civil().minute())) {
    floor(60);
    t += absl::Minutes(1);
    if (civil().minute() == 0) goto wrap;
  }
  while (civil().second() != 0) {
    floor(1);
    t += absl::Seconds(1);
    if (civil().second() == 0) goto wrap;
  }
  return t;
}

}  // namespace leidang::kube
