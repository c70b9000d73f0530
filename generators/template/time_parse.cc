// Reading times by a layout.

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "generators/template/time.h"

namespace leidang::generators::go {
namespace {

bool IsDigitAt(absl::string_view s, size_t i) { return i < s.size() && s[i] >= '0' && s[i] <= '9'; }

// As package time quotes: bytes outside of ASCII as \x.
std::string QuoteBytes(absl::string_view s) {
  std::string out = "\"";
  for (const char ch : s) {
    const auto c = static_cast<unsigned char>(ch);
    if (c >= 0x80 || c < ' ') {
      out += "\\x";
      out.push_back("0123456789abcdef"[c >> 4]);
      out.push_back("0123456789abcdef"[c & 15]);
    } else {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(ch);
    }
  }
  return out + "\"";
}

bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }
int DaysIn(int month, int64_t year) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}
int DaysBefore(int month) {
  int days = 0;
  for (int m = 1; m < month; ++m) days += DaysIn(m, 1);
  return days;
}

bool SameLetters(absl::string_view a, absl::string_view b) {
  for (size_t i = 0; i < b.size(); ++i) {
    if (a[i] == b[i]) continue;
    const char x = static_cast<char>(a[i] | 0x20), y = static_cast<char>(b[i] | 0x20);
    if (x != y || x < 'a' || x > 'z') return false;
  }
  return true;
}

size_t SignedOffsetLength(absl::string_view s) {
  if (s.empty() || (s[0] != '-' && s[0] != '+')) return 0;
  size_t i = 1;
  int x = 0;
  while (IsDigitAt(s, i) && i < 12) x = x * 10 + (s[i++] - '0');
  if (i == 1 || IsDigitAt(s, i) || x > 23) return 0;
  return i;
}

// How many bytes at the start of `s` are the abbreviation of a zone. 0 for none.
size_t ZoneNameLength(absl::string_view s) {
  if (s.size() < 3) return 0;
  if (absl::StartsWith(s, "ChST") || absl::StartsWith(s, "MeST")) return 4;
  if (absl::StartsWith(s, "GMT")) return 3 + SignedOffsetLength(s.substr(3));
  if (s[0] == '+' || s[0] == '-') return SignedOffsetLength(s);
  size_t upper = 0;
  while (upper < 6 && upper < s.size() && s[upper] >= 'A' && s[upper] <= 'Z') ++upper;
  if (upper == 5) return s[4] == 'T' ? 5 : 0;
  if (upper == 4) return s[3] == 'T' || absl::StartsWith(s, "WITA") ? 4 : 0;
  return upper == 3 ? 3 : 0;
}

class TimeReader {
 public:
  TimeReader(absl::string_view layout, absl::string_view text, LocationPtr location)
      : layout_all_(layout),
        text_all_(text),
        layout_(layout),
        rest_(text),
        location_(std::move(location)) {}

  absl::StatusOr<Time> Run() {
    for (;;) {
      const LayoutChunk chunk = NextChunk(layout_);
      if (!Skip(chunk.before)) return CannotParse(rest_, chunk.before);
      if (chunk.element == Element::kNone) {
        if (!rest_.empty()) return Failed(absl::StrCat(": extra text: ", QuoteBytes(rest_)));
        break;
      }
      layout_ = chunk.after;
      const absl::string_view hold = rest_;
      const bool ok = One(chunk);
      if (range_ != nullptr) return Failed(absl::StrCat(": ", range_, " out of range"));
      if (!ok) return CannotParse(hold, chunk.text);
    }
    return Finish();
  }

 private:
  absl::Status Failed(absl::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat("parsing time ", QuoteBytes(text_all_), message));
  }
  absl::Status CannotParse(absl::string_view value, absl::string_view element) const {
    return Failed(absl::StrCat(" as ", QuoteBytes(layout_all_), ": cannot parse ",
                               QuoteBytes(value), " as ", QuoteBytes(element)));
  }

  bool Skip(absl::string_view prefix) {
    while (!prefix.empty()) {
      if (prefix[0] == ' ') {
        if (!rest_.empty() && rest_[0] != ' ') return false;
        while (!prefix.empty() && prefix[0] == ' ') prefix.remove_prefix(1);
        while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
        continue;
      }
      if (rest_.empty() || rest_[0] != prefix[0]) return false;
      prefix.remove_prefix(1);
      rest_.remove_prefix(1);
    }
    return true;
  }

  enum class Digits { kOneOrTwo, kTwo };
  bool Number(Digits digits, int* value) {
    *value = 0;
    if (!IsDigitAt(rest_, 0)) return false;
    if (!IsDigitAt(rest_, 1)) {
      if (digits == Digits::kTwo) return false;
      *value = rest_[0] - '0';
      rest_.remove_prefix(1);
      return true;
    }
    *value = (rest_[0] - '0') * 10 + (rest_[1] - '0');
    rest_.remove_prefix(2);
    return true;
  }

  bool Name(size_t length_max, absl::string_view (*name_of)(int), int first, int last, int* value) {
    for (int i = first; i <= last; ++i) {
      const absl::string_view name = name_of(i).substr(0, length_max);
      if (rest_.size() < name.size() || !SameLetters(rest_, name)) continue;
      rest_.remove_prefix(name.size());
      *value = i;
      return true;
    }
    return false;
  }

  // An integer of exactly `n` bytes, a sign among them.
  bool FixedNumber(size_t n, int64_t* value) {
    if (rest_.size() < n) return false;
    absl::string_view digits = rest_.substr(0, n);
    rest_.remove_prefix(n);
    const bool negative = digits[0] == '-';
    if (digits[0] == '-' || digits[0] == '+') digits.remove_prefix(1);
    *value = 0;
    for (const char c : digits) {
      if (c < '0' || c > '9') return false;
      *value = *value * 10 + (c - '0');
    }
    if (negative) *value = -*value;
    return true;
  }

  void Range(bool ok, const char* what) {
    if (!ok) range_ = what;
  }

  bool One(const LayoutChunk& chunk) {
    int ignored = 0;
    switch (chunk.element) {
      case Element::kYear:
        if (!FixedNumber(2, &year_)) return false;
        year_ += year_ >= 69 ? 1900 : 2000;
        return true;
      case Element::kLongYear:
        return IsDigitAt(rest_, 0) && FixedNumber(4, &year_);
      case Element::kMonth:
        return Name(3, MonthName, 1, 12, &month_);
      case Element::kLongMonth:
        return Name(9, MonthName, 1, 12, &month_);
      case Element::kNumMonth:
      case Element::kZeroMonth:
        if (!Number(chunk.element == Element::kZeroMonth ? Digits::kTwo : Digits::kOneOrTwo,
                    &month_))
          return false;
        Range(month_ > 0 && month_ <= 12, "month");
        return true;
      case Element::kWeekDay:
        return Name(3, WeekdayName, 0, 6, &ignored);
      case Element::kLongWeekDay:
        return Name(9, WeekdayName, 0, 6, &ignored);
      case Element::kDay:
      case Element::kUnderDay:
      case Element::kZeroDay:
        if (chunk.element == Element::kUnderDay && !rest_.empty() && rest_[0] == ' ')
          rest_.remove_prefix(1);
        return Number(chunk.element == Element::kZeroDay ? Digits::kTwo : Digits::kOneOrTwo, &day_);
      case Element::kUnderYearDay:
      case Element::kZeroYearDay:
        return YearDay(chunk.element);
      case Element::kHour:
        return Clock(Digits::kOneOrTwo, 23, "hour", &hour_);
      case Element::kHour12:
        return Clock(Digits::kOneOrTwo, 12, "hour", &hour_);
      case Element::kZeroHour12:
        return Clock(Digits::kTwo, 12, "hour", &hour_);
      case Element::kMinute:
        return Clock(Digits::kOneOrTwo, 59, "minute", &minute_);
      case Element::kZeroMinute:
        return Clock(Digits::kTwo, 59, "minute", &minute_);
      case Element::kSecond:
      case Element::kZeroSecond:
        return Second(chunk.element);
      case Element::kUpperPm:
        return HalfDay("AM", "PM");
      case Element::kLowerPm:
        return HalfDay("am", "pm");
      case Element::kZoneName:
        return ZoneName();
      case Element::kFraction0:
        return rest_.size() >= chunk.text.size() && Nanoseconds(chunk.text.size());
      case Element::kFraction9: {
        if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !IsDigitAt(rest_, 1))
          return true;
        size_t n = 1;
        while (IsDigitAt(rest_, n)) ++n;
        return Nanoseconds(n);
      }
      default:
        return NumericZone(chunk.element);
    }
  }

  bool Clock(Digits digits, int max, const char* what, int* value) {
    const bool ok = Number(digits, value);
    Range(*value >= 0 && *value <= max, what);
    return ok;
  }

  bool Second(Element element) {
    if (!Number(element == Element::kZeroSecond ? Digits::kTwo : Digits::kOneOrTwo, &second_))
      return false;
    Range(second_ < 60, "second");
    if (range_ != nullptr) return true;
    // A fraction may follow even where the layout has none.
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !IsDigitAt(rest_, 1))
      return true;
    const Element next = NextChunk(layout_).element;
    if (next == Element::kFraction0 || next == Element::kFraction9) return true;
    size_t n = 2;
    while (IsDigitAt(rest_, n)) ++n;
    return Nanoseconds(n);
  }

  bool YearDay(Element element) {
    for (int i = 0; i < 2 && element == Element::kUnderYearDay && !rest_.empty() && rest_[0] == ' ';
         ++i) {
      rest_.remove_prefix(1);
    }
    int n = 0;
    size_t i = 0;
    while (i < 3 && IsDigitAt(rest_, i)) n = n * 10 + (rest_[i++] - '0');
    if (i == 0 || (element == Element::kZeroYearDay && i != 3)) return false;
    year_day_ = n;
    rest_.remove_prefix(i);
    return true;
  }

  bool HalfDay(absl::string_view am, absl::string_view pm) {
    if (rest_.size() < 2) return false;
    const absl::string_view half = rest_.substr(0, 2);
    rest_.remove_prefix(2);
    pm_ |= half == pm;
    am_ |= half == am;
    return half == pm || half == am;
  }

  // `n` bytes: a point, and digits.
  bool Nanoseconds(size_t n) {
    absl::string_view text = rest_.substr(0, std::min<size_t>(n, 10));
    if (text[0] != '.' && text[0] != ',') return false;
    rest_.remove_prefix(n);
    int64_t value = 0;
    for (const char c : text.substr(1)) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    for (size_t i = text.size(); i < 10; ++i) value *= 10;
    nsec_ = static_cast<int32_t>(value);
    return true;
  }

  bool ZoneName() {
    if (absl::StartsWith(rest_, "UTC")) {
      zone_ = Utc();
      rest_.remove_prefix(3);
      return true;
    }
    const size_t n = ZoneNameLength(rest_);
    if (n == 0) return false;
    zone_name_ = std::string(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return true;
  }

  bool NumericZone(Element e) {
    const bool iso = e >= Element::kIsoZone && e <= Element::kIsoColonSecondsZone;
    if (iso && !rest_.empty() && rest_[0] == 'Z') {
      rest_.remove_prefix(1);
      zone_ = Utc();
      return true;
    }
    // Where the digits of hours, minutes and seconds stand.
    absl::string_view shape = "shhmm";
    if (e == Element::kIsoColonZone || e == Element::kNumColonZone) shape = "shh:mm";
    if (e == Element::kIsoShortZone || e == Element::kNumShortZone) shape = "shh";
    if (e == Element::kIsoSecondsZone || e == Element::kNumSecondsZone) shape = "shhmmss";
    if (e == Element::kIsoColonSecondsZone || e == Element::kNumColonSecondsZone)
      shape = "shh:mm:ss";
    if (rest_.size() < shape.size()) return false;
    const absl::string_view text = rest_.substr(0, shape.size());
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == ':' && text[i] != ':') return false;
    }
    rest_.remove_prefix(shape.size());
    int hours = 0, minutes = 0, seconds = 0;
    const bool ok =
        Pair(text, 1, &hours) && Pair(text, shape.find('m'), &minutes) &&
        Pair(text, shape.size() > 6 ? shape.size() - 2 : absl::string_view::npos, &seconds);
    Range(hours <= 24, "time zone offset hour");
    Range(minutes <= 60, "time zone offset minute");
    Range(seconds <= 60, "time zone offset second");
    zone_offset_ = (hours * 60 + minutes) * 60 + seconds;
    if (text[0] == '-') zone_offset_ = -zone_offset_;
    return ok && (text[0] == '-' || text[0] == '+');
  }

  static bool Pair(absl::string_view text, size_t at, int* value) {
    if (at == absl::string_view::npos) return true;
    if (!IsDigitAt(text, at) || !IsDigitAt(text, at + 1)) return false;
    *value = (text[at] - '0') * 10 + (text[at + 1] - '0');
    return true;
  }

  absl::Status FindDay() {
    if (year_day_ < 0) {
      if (month_ < 0) month_ = 1;
      if (day_ < 0) day_ = 1;
    } else {
      int month = 0, day = 0, n = year_day_;
      if (IsLeap(year_)) {
        if (n == 31 + 29) {
          month = 2;
          day = 29;
        } else if (n > 31 + 29) {
          --n;
        }
      }
      if (n < 1 || n > 365) return Failed(": day-of-year out of range");
      if (month == 0) {
        month = (n - 1) / 31 + 1;
        if (DaysBefore(month + 1) < n) ++month;
        day = n - DaysBefore(month);
      }
      if (month_ >= 0 && month_ != month) return Failed(": day-of-year does not match month");
      month_ = month;
      if (day_ >= 0 && day_ != day) return Failed(": day-of-year does not match day");
      day_ = day;
    }
    if (day_ < 1 || day_ > DaysIn(month_, year_)) return Failed(": day out of range");
    return absl::OkStatus();
  }

  absl::StatusOr<Time> Finish() {
    if (pm_ && hour_ < 12)
      hour_ += 12;
    else if (am_ && hour_ == 12)
      hour_ = 0;
    if (absl::Status status = FindDay(); !status.ok()) return status;
    const absl::CivilSecond civil(year_, month_, day_, hour_, minute_, second_);
    if (zone_ != nullptr) return MakeDate(civil, nsec_, zone_);
    if (zone_offset_ != -1) {
      Time t = MakeDate(civil, nsec_, Utc());
      t.sec -= zone_offset_;
      const Location::At at = location_->Lookup(t.sec);
      const bool here =
          at.offset == zone_offset_ && (zone_name_.empty() || at.abbreviation == zone_name_);
      t.location = here ? location_ : FixedZone(zone_name_, zone_offset_);
      return t;
    }
    if (zone_name_.empty()) return MakeDate(civil, nsec_, location_);
    // A foreign abbreviation says nothing about its offset, but for "GMT+3".
    Time t = MakeDate(civil, nsec_, Utc());
    int offset = 0;
    if (zone_name_.size() > 3 && absl::StartsWith(zone_name_, "GMT"))
      offset = std::atoi(zone_name_.c_str() + 3) * 3600;
    t.location = FixedZone(zone_name_, offset);
    return t;
  }

  const absl::string_view layout_all_, text_all_;
  absl::string_view layout_, rest_;
  const LocationPtr location_;
  const char* range_ = nullptr;
  int64_t year_ = 0;
  int month_ = -1, day_ = -1, year_day_ = -1;
  int hour_ = 0, minute_ = 0, second_ = 0;
  int32_t nsec_ = 0;
  bool am_ = false, pm_ = false;
  LocationPtr zone_;
  int zone_offset_ = -1;
  std::string zone_name_;
};

}  // namespace

absl::StatusOr<Time> ParseTime(absl::string_view layout, absl::string_view text,
                               const LocationPtr& location) {
  return TimeReader(layout, text, location).Run();
}

}  // namespace leidang::generators::go
