#include "generators/template/time.h"

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace leidang::generators::go {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kUnixToYear1 = 62135596800;

constexpr absl::string_view kMonths[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
constexpr absl::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

bool StartsWithLower(absl::string_view s) { return !s.empty() && s[0] >= 'a' && s[0] <= 'z'; }
bool IsDigitAt(absl::string_view s, size_t i) { return i < s.size() && s[i] >= '0' && s[i] <= '9'; }

struct Fixed {
  absl::string_view text;
  Element element;
};

// In the order in which they are tried.
constexpr Fixed kNumericZones[] = {{"-070000", Element::kNumSecondsZone},
                                   {"-07:00:00", Element::kNumColonSecondsZone},
                                   {"-0700", Element::kNumZone},
                                   {"-07:00", Element::kNumColonZone},
                                   {"-07", Element::kNumShortZone}};
constexpr Fixed kIsoZones[] = {{"Z070000", Element::kIsoSecondsZone},
                               {"Z07:00:00", Element::kIsoColonSecondsZone},
                               {"Z0700", Element::kIsoZone},
                               {"Z07:00", Element::kIsoColonZone},
                               {"Z07", Element::kIsoShortZone}};
constexpr Element kZeroDigits[] = {Element::kZeroMonth,  Element::kZeroDay,    Element::kZeroHour12,
                                   Element::kZeroMinute, Element::kZeroSecond, Element::kYear};

// The element that begins at the start of `s`, and its length. `skip` is what of it stays literal
// in front.
Element ElementAt(absl::string_view s, size_t* length, size_t* skip) {
  *skip = 0;
  const auto take = [&](size_t n, Element e) {
    *length = n;
    return e;
  };
  switch (s[0]) {
    case 'J':
      if (absl::StartsWith(s, "January")) return take(7, Element::kLongMonth);
      if (absl::StartsWith(s, "Jan") && !StartsWithLower(s.substr(3)))
        return take(3, Element::kMonth);
      break;
    case 'M':
      if (absl::StartsWith(s, "Monday")) return take(6, Element::kLongWeekDay);
      if (absl::StartsWith(s, "Mon") && !StartsWithLower(s.substr(3)))
        return take(3, Element::kWeekDay);
      if (absl::StartsWith(s, "MST")) return take(3, Element::kZoneName);
      break;
    case '0':
      if (s.size() >= 2 && s[1] >= '1' && s[1] <= '6') return take(2, kZeroDigits[s[1] - '1']);
      if (absl::StartsWith(s, "002")) return take(3, Element::kZeroYearDay);
      break;
    case '1':
      return absl::StartsWith(s, "15") ? take(2, Element::kHour) : take(1, Element::kNumMonth);
    case '2':
      return absl::StartsWith(s, "2006") ? take(4, Element::kLongYear) : take(1, Element::kDay);
    case '_':
      if (absl::StartsWith(s, "_2006")) {
        *skip = 1;
        return take(4, Element::kLongYear);
      }
      if (absl::StartsWith(s, "_2")) return take(2, Element::kUnderDay);
      if (absl::StartsWith(s, "__2")) return take(3, Element::kUnderYearDay);
      break;
    case '3':
      return take(1, Element::kHour12);
    case '4':
      return take(1, Element::kMinute);
    case '5':
      return take(1, Element::kSecond);
    case 'P':
      if (absl::StartsWith(s, "PM")) return take(2, Element::kUpperPm);
      break;
    case 'p':
      if (absl::StartsWith(s, "pm")) return take(2, Element::kLowerPm);
      break;
    case '-':
      for (const Fixed& zone : kNumericZones) {
        if (absl::StartsWith(s, zone.text)) return take(zone.text.size(), zone.element);
      }
      break;
    case 'Z':
      for (const Fixed& zone : kIsoZones) {
        if (absl::StartsWith(s, zone.text)) return take(zone.text.size(), zone.element);
      }
      break;
    case '.':
    case ',': {
      if (s.size() < 2 || (s[1] != '0' && s[1] != '9')) break;
      size_t end = 1;
      while (end < s.size() && s[end] == s[1]) ++end;
      if (!IsDigitAt(s, end))
        return take(end, s[1] == '0' ? Element::kFraction0 : Element::kFraction9);
      break;
    }
    default:
      break;
  }
  return Element::kNone;
}

std::string Padded(int64_t value, size_t width) {
  std::string digits = absl::StrCat(value < 0 ? -value : value);
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return value < 0 ? "-" + digits : digits;
}

// Renders one layout for one instant.
class Formatter {
 public:
  Formatter(const Time& time, std::string* out)
      : time_(time), at_(time.location->Lookup(time.sec)), out_(*out) {}

  void Run(absl::string_view layout) {
    while (!layout.empty()) {
      const LayoutChunk chunk = NextChunk(layout);
      absl::StrAppend(&out_, chunk.before);
      if (chunk.element == Element::kNone) break;
      layout = chunk.after;
      One(chunk);
    }
  }

 private:
  void One(const LayoutChunk& chunk) {
    if (chunk.element >= Element::kHour && chunk.element <= Element::kZeroSecond) {
      Clock(chunk.element);
      return;
    }
    switch (chunk.element) {
      case Element::kUpperPm:
        out_ += at_.civil.hour() >= 12 ? "PM" : "AM";
        return;
      case Element::kLowerPm:
        out_ += at_.civil.hour() >= 12 ? "pm" : "am";
        return;
      case Element::kZoneName:
        ZoneName();
        return;
      case Element::kFraction0:
      case Element::kFraction9:
        Fraction(chunk);
        return;
      default:
        if (chunk.element > Element::kZoneName)
          NumericZone(chunk.element);
        else
          Date(chunk.element);
    }
  }

  void Date(Element element) {
    const absl::CivilSecond& c = at_.civil;
    switch (element) {
      case Element::kYear:
        out_ += Padded((c.year() < 0 ? -c.year() : c.year()) % 100, 2);
        return;
      case Element::kLongYear:
        out_ += Padded(c.year(), 4);
        return;
      case Element::kMonth:
        absl::StrAppend(&out_, kMonths[c.month() - 1].substr(0, 3));
        return;
      case Element::kLongMonth:
        absl::StrAppend(&out_, kMonths[c.month() - 1]);
        return;
      case Element::kNumMonth:
        absl::StrAppend(&out_, c.month());
        return;
      case Element::kZeroMonth:
        out_ += Padded(c.month(), 2);
        return;
      case Element::kWeekDay:
        absl::StrAppend(&out_, kDays[Weekday()].substr(0, 3));
        return;
      case Element::kLongWeekDay:
        absl::StrAppend(&out_, kDays[Weekday()]);
        return;
      case Element::kDay:
        absl::StrAppend(&out_, c.day());
        return;
      case Element::kUnderDay:
        absl::StrAppend(&out_, c.day() < 10 ? " " : "", c.day());
        return;
      case Element::kZeroDay:
        out_ += Padded(c.day(), 2);
        return;
      case Element::kUnderYearDay: {
        const int day = absl::GetYearDay(c);
        absl::StrAppend(&out_, day < 10 ? "  " : day < 100 ? " " : "", day);
        return;
      }
      default:
        out_ += Padded(absl::GetYearDay(c), 3);
    }
  }

  void Clock(Element element) {
    const absl::CivilSecond& c = at_.civil;
    const int hour12 = c.hour() % 12 == 0 ? 12 : c.hour() % 12;
    switch (element) {
      case Element::kHour:
        out_ += Padded(c.hour(), 2);
        return;
      case Element::kHour12:
        absl::StrAppend(&out_, hour12);
        return;
      case Element::kZeroHour12:
        out_ += Padded(hour12, 2);
        return;
      case Element::kMinute:
        absl::StrAppend(&out_, c.minute());
        return;
      case Element::kZeroMinute:
        out_ += Padded(c.minute(), 2);
        return;
      case Element::kSecond:
        absl::StrAppend(&out_, c.second());
        return;
      default:
        out_ += Padded(c.second(), 2);
    }
  }

  size_t Weekday() const {
    return static_cast<size_t>(absl::GetWeekday(at_.civil) == absl::Weekday::sunday
                                   ? 0
                                   : static_cast<int>(absl::GetWeekday(at_.civil)) + 1);
  }

  void ZoneName() {
    if (!at_.abbreviation.empty()) {
      out_ += at_.abbreviation;
      return;
    }
    int zone = at_.offset / 60;
    out_ += zone < 0 ? "-" : "+";
    zone = std::abs(zone);
    absl::StrAppend(&out_, Padded(zone / 60, 2), Padded(zone % 60, 2));
  }

  void NumericZone(Element e) {
    const bool iso = e >= Element::kIsoZone && e <= Element::kIsoColonSecondsZone;
    if (iso && at_.offset == 0) {
      out_ += "Z";
      return;
    }
    const bool colon = e == Element::kIsoColonZone || e == Element::kNumColonZone ||
                       e == Element::kIsoColonSecondsZone || e == Element::kNumColonSecondsZone;
    const bool seconds = e == Element::kIsoSecondsZone || e == Element::kNumSecondsZone ||
                         e == Element::kIsoColonSecondsZone || e == Element::kNumColonSecondsZone;
    int zone = at_.offset / 60, absolute = at_.offset;
    if (zone < 0) {
      zone = -zone;
      absolute = -absolute;
      out_ += "-";
    } else {
      out_ += "+";
    }
    out_ += Padded(zone / 60, 2);
    if (colon) out_ += ":";
    if (e != Element::kNumShortZone && e != Element::kIsoShortZone) out_ += Padded(zone % 60, 2);
    if (!seconds) return;
    if (colon) out_ += ":";
    out_ += Padded(absolute % 60, 2);
  }

  void Fraction(const LayoutChunk& chunk) {
    const bool trim = chunk.element == Element::kFraction9;
    if (trim && time_.nsec == 0) return;
    std::string digits = Padded(time_.nsec, 9);
    const size_t n = chunk.text.size() - 1;
    if (n < 9) digits.resize(n);
    if (trim) {
      while (!digits.empty() && digits.back() == '0') digits.pop_back();
      if (digits.empty()) return;
    }
    absl::StrAppend(&out_, chunk.text.substr(0, 1), digits);
  }

  const Time& time_;
  const Location::At at_;
  std::string& out_;
};

}  // namespace

Location::At Location::Lookup(int64_t unix_seconds) const {
  At at;
  // Billions of years are enough; the ends of the range would overflow.
  constexpr int64_t kFar = int64_t{1} << 56;
  unix_seconds = std::min(std::max(unix_seconds, -kFar), kFar);
  if (kind_ == Kind::kZone) {
    const absl::TimeZone::CivilInfo info = zone_.At(absl::FromUnixSeconds(unix_seconds));
    at.civil = info.cs;
    at.offset = info.offset;
    at.is_dst = info.is_dst;
    at.abbreviation = info.zone_abbr;
    return at;
  }
  at.offset = offset_;
  at.civil = absl::CivilSecond(1970) + unix_seconds + offset_;
  at.abbreviation = kind_ == Kind::kFixed ? name_ : "UTC";
  return at;
}

LocationPtr Utc() {
  static const LocationPtr* const utc = new LocationPtr(
      std::make_shared<Location>(Location::Kind::kUtc, "UTC", 0, absl::UTCTimeZone()));
  return *utc;
}

LocationPtr Local() {
  static const LocationPtr* const local = new LocationPtr(
      std::make_shared<Location>(Location::Kind::kLocal, "Local", 0, absl::UTCTimeZone()));
  return *local;
}

LocationPtr FixedZone(absl::string_view name, int offset) {
  return std::make_shared<Location>(Location::Kind::kFixed, std::string(name), offset,
                                    absl::UTCTimeZone());
}

LocationPtr LoadLocation(absl::string_view name) {
  if (name.empty() || name == "UTC") return Utc();
  if (name == "Local") return Local();
  if (absl::StrContains(name, "..") || name[0] == '/' || name[0] == '\\') return nullptr;
  // Names that the tz database of this machine or the zone library know, but Go's does not.
  for (const absl::string_view foreign : {"Fixed/", "posix/", "right/", "libc:", "file:"}) {
    if (absl::StartsWith(name, foreign)) return nullptr;
  }
  for (const absl::string_view foreign : {"localtime", "posixrules", "UTC0"}) {
    if (name == foreign) return nullptr;
  }
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(name, &zone)) return nullptr;
  return std::make_shared<Location>(Location::Kind::kZone, std::string(name), 0, zone);
}

LayoutChunk NextChunk(absl::string_view layout) {
  for (size_t i = 0; i < layout.size(); ++i) {
    size_t length = 0, skip = 0;
    const Element element = ElementAt(layout.substr(i), &length, &skip);
    if (element == Element::kNone) continue;
    return {layout.substr(0, i + skip), element, layout.substr(i + skip, length),
            layout.substr(i + skip + length)};
  }
  return {layout, Element::kNone, absl::string_view(), absl::string_view()};
}

std::string Time::Format(absl::string_view layout) const {
  std::string out;
  Formatter(*this, &out).Run(layout);
  return out;
}

std::string Time::String() const { return Format("2006-01-02 15:04:05.999999999 -0700 MST"); }

std::string Time::GoString() const {
  const absl::CivilSecond c = location->Lookup(sec).civil;
  std::string where = "time.UTC";
  if (location->kind() == Location::Kind::kLocal) where = "time.Local";
  if (location->kind() == Location::Kind::kFixed || location->kind() == Location::Kind::kZone) {
    where = absl::StrCat("time.Location(\"", location->name(), "\")");
  }
  return absl::StrCat("time.Date(", c.year(), ", time.", kMonths[c.month() - 1], ", ", c.day(),
                      ", ", c.hour(), ", ", c.minute(), ", ", c.second(), ", ", nsec, ", ", where,
                      ")");
}

absl::StatusOr<std::string> Time::Json() const {
  const Location::At at = location->Lookup(sec);
  if (at.civil.year() < 0 || at.civil.year() > 9999) {
    return absl::InvalidArgumentError("Time.MarshalJSON: year outside of range [0,9999]");
  }
  if (std::abs(at.offset) >= 24 * 3600) {
    return absl::InvalidArgumentError("Time.MarshalJSON: timezone hour outside of range [0,23]");
  }
  return Format("2006-01-02T15:04:05.999999999Z07:00");
}

Time Time::Add(int64_t d) const {
  Time t = *this;
  const int64_t n = t.nsec + d % kSecond;
  t.sec = static_cast<int64_t>(static_cast<uint64_t>(t.sec) + static_cast<uint64_t>(d / kSecond));
  t.nsec = static_cast<int32_t>(n);
  if (n >= kSecond) {
    ++t.sec;
    t.nsec = static_cast<int32_t>(n - kSecond);
  } else if (n < 0) {
    --t.sec;
    t.nsec = static_cast<int32_t>(n + kSecond);
  }
  return t;
}

int64_t Time::Sub(const Time& other) const {
  const __int128 d = (static_cast<__int128>(sec) - other.sec) * kSecond + (nsec - other.nsec);
  if (d < kMin) return kMin;
  if (d > kMax) return kMax;
  return static_cast<int64_t>(d);
}

int64_t Time::Remainder(int64_t unit) const {
  const __int128 since = (static_cast<__int128>(sec) + kUnixToYear1) * kSecond + nsec;
  const __int128 r = since % unit;
  return static_cast<int64_t>(r < 0 ? r + unit : r);
}

Time MakeDate(const absl::CivilSecond& civil, int32_t nsec, const LocationPtr& location) {
  Time t;
  t.nsec = nsec;
  t.location = location;
  const int64_t unix_seconds = civil - absl::CivilSecond(1970);
  // First guess by the offset at that time taken as UTC, as Go does it.
  int offset = location->Lookup(unix_seconds).offset;
  if (offset != 0) offset = location->Lookup(unix_seconds - offset).offset;
  t.sec = unix_seconds - offset;
  return t;
}

absl::string_view MonthName(int month) {
  return month >= 1 && month <= 12 ? kMonths[month - 1] : absl::string_view();
}
absl::string_view WeekdayName(int weekday) {
  return weekday >= 0 && weekday <= 6 ? kDays[weekday] : absl::string_view();
}

TValue MakeTime(Time time) { return TValue::Boxed(GoType::kTime, new TimeBox(std::move(time))); }
const Time& TimeOf(const TValue& v) { return static_cast<const TimeBox*>(v.box())->time; }

}  // namespace leidang::generators::go
