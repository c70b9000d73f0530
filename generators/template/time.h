#pragma once

// Go's package time: instants with a location, layouts, durations. Pure but for zone data, which is
// read from the machine's tz database; thread-safe.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

#include "generators/template/value.h"

namespace leidang::generators::go {

// How clocks are set somewhere. Compared by identity, as *time.Location.
class Location {
 public:
  enum class Kind { kUtc, kLocal, kFixed, kZone };
  Location(Kind kind, std::string name, int offset, absl::TimeZone zone)
      : kind_(kind), name_(std::move(name)), offset_(offset), zone_(zone) {}

  struct At {
    absl::CivilSecond civil;
    int offset = 0;  // Seconds east of UTC.
    bool is_dst = false;
    std::string abbreviation;
  };
  At Lookup(int64_t unix_seconds) const;

  Kind kind() const { return kind_; }
  const std::string& name() const { return name_; }

 private:
  const Kind kind_;
  const std::string name_;
  const int offset_;
  const absl::TimeZone zone_;
};
using LocationPtr = std::shared_ptr<const Location>;

LocationPtr Utc();
// The zone of the process, which is UTC.
LocationPtr Local();
LocationPtr FixedZone(absl::string_view name, int offset);
// nullptr for a name that is no zone.
LocationPtr LoadLocation(absl::string_view name);

struct Time {
  int64_t sec = -62135596800;  // Unix seconds; the zero is January 1, year 1.
  int32_t nsec = 0;            // [0, 1e9)
  LocationPtr location = Utc();

  std::string Format(absl::string_view layout) const;
  std::string String() const;
  std::string GoString() const;
  // RFC 3339 as encoding/json writes it; kInvalidArgument for years that it cannot hold.
  absl::StatusOr<std::string> Json() const;
  Time Add(int64_t nanoseconds) const;
  // Saturates.
  int64_t Sub(const Time& other) const;
  // The part of it that `unit` does not divide, counted from year 1.
  int64_t Remainder(int64_t unit) const;
  bool SameInstant(const Time& other) const { return sec == other.sec && nsec == other.nsec; }
  bool Before(const Time& other) const {
    return sec < other.sec || (sec == other.sec && nsec < other.nsec);
  }
};

Time MakeDate(const absl::CivilSecond& civil, int32_t nsec, const LocationPtr& location);
// kInvalidArgument with Go's text: `parsing time "nope" as "2006-01-02": cannot parse "nope" as
// "2006"`.
absl::StatusOr<Time> ParseTime(absl::string_view layout, absl::string_view text,
                               const LocationPtr& location);

absl::string_view MonthName(int month);      // From 1. Empty for none.
absl::string_view WeekdayName(int weekday);  // From Sunday, 0. Empty for none.

// "1h15m0.5s"
std::string DurationString(int64_t nanoseconds);
// kInvalidArgument with Go's text: `time: unknown unit "d" in duration "-1d"`.
absl::StatusOr<int64_t> ParseDuration(absl::string_view text);
// Halves away from zero; saturates.
int64_t RoundDuration(int64_t d, int64_t unit);

struct TimeBox : internal::Box {
  explicit TimeBox(Time t) : time(std::move(t)) {}
  const Time time;
};
struct LocationBox : internal::Box {
  explicit LocationBox(LocationPtr l) : location(std::move(l)) {}
  const LocationPtr location;
};
TValue MakeTime(Time time);
// REQUIRES: v is a time.
const Time& TimeOf(const TValue& v);

// The next element of a layout: what stands before it, which one it is, and what follows. Shared by
// format and parse.
enum class Element : uint8_t {
  kNone,
  kLongMonth,
  kMonth,
  kNumMonth,
  kZeroMonth,
  kLongWeekDay,
  kWeekDay,
  kDay,
  kUnderDay,
  kZeroDay,
  kUnderYearDay,
  kZeroYearDay,
  kHour,
  kHour12,
  kZeroHour12,
  kMinute,
  kZeroMinute,
  kSecond,
  kZeroSecond,
  kLongYear,
  kYear,
  kUpperPm,
  kLowerPm,
  kZoneName,
  kIsoZone,
  kIsoSecondsZone,
  kIsoShortZone,
  kIsoColonZone,
  kIsoColonSecondsZone,
  kNumZone,
  kNumSecondsZone,
  kNumShortZone,
  kNumColonZone,
  kNumColonSecondsZone,
  kFraction0,
  kFraction9,
};
struct LayoutChunk {
  absl::string_view before;
  Element element = Element::kNone;
  absl::string_view text;  // The element as written.
  absl::string_view after;
};
LayoutChunk NextChunk(absl::string_view layout);

}  // namespace leidang::generators::go
