// Methods that templates may call on times, durations, months, weekdays, locations and versions.

#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "generators/template/boxes.h"
#include "generators/template/fmt.h"
#include "generators/template/functions.h"
#include "generators/template/semver.h"
#include "generators/template/time.h"

namespace leidang::generators::gotmpl {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

const go::Time& Self(Call& call) { return go::TimeOf(*call.receiver); }
go::Location::At Clock(Call& call) { return Self(call).location->Lookup(Self(call).sec); }

absl::Status ReturnInt(Call& call, int64_t i) { return call.Return(TValue::Int(i)); }
absl::Status ReturnTime(Call& call, go::Time t) { return call.Return(go::MakeTime(std::move(t))); }
absl::Status ReturnDuration(Call& call, int64_t d) {
  return call.Return(TValue::Integer(GoType::kDuration, d));
}
absl::Status ReturnBytes(Call& call, absl::string_view text) {
  std::vector<TValue> bytes;
  for (const char c : text) bytes.push_back(TValue::Uint8(static_cast<uint8_t>(c)));
  return call.Return(TValue::List(std::move(bytes), GoType::kByteList));
}
absl::Status String(Call& call) { return call.ReturnText(go::Plain(*call.receiver)); }

absl::Status NilDereference() {
  return CallError("runtime error: invalid memory address or nil pointer dereference");
}

// --- time.Time

absl::Status TimeAdd(Call& call) { return ReturnTime(call, Self(call).Add(call.Int(0))); }
absl::Status TimeAddDate(Call& call) {
  const absl::CivilSecond c = Clock(call).civil;
  const absl::CivilSecond moved(c.year() + call.Int(0), c.month() + call.Int(1),
                                c.day() + call.Int(2), c.hour(), c.minute(), c.second());
  return ReturnTime(call, go::MakeDate(moved, Self(call).nsec, Self(call).location));
}
absl::Status TimeAfter(Call& call) {
  return call.ReturnBool(go::TimeOf(call[0]).Before(Self(call)));
}
absl::Status TimeBefore(Call& call) {
  return call.ReturnBool(Self(call).Before(go::TimeOf(call[0])));
}
absl::Status TimeEqual(Call& call) {
  return call.ReturnBool(Self(call).SameInstant(go::TimeOf(call[0])));
}
absl::Status TimeCompare(Call& call) {
  const go::Time& other = go::TimeOf(call[0]);
  return ReturnInt(call, Self(call).Before(other) ? -1 : other.Before(Self(call)) ? 1 : 0);
}
absl::Status TimeDay(Call& call) { return ReturnInt(call, Clock(call).civil.day()); }
absl::Status TimeHour(Call& call) { return ReturnInt(call, Clock(call).civil.hour()); }
absl::Status TimeMinute(Call& call) { return ReturnInt(call, Clock(call).civil.minute()); }
absl::Status TimeSecond(Call& call) { return ReturnInt(call, Clock(call).civil.second()); }
absl::Status TimeNanosecond(Call& call) { return ReturnInt(call, Self(call).nsec); }
absl::Status TimeYear(Call& call) { return ReturnInt(call, Clock(call).civil.year()); }
absl::Status TimeYearDay(Call& call) {
  return ReturnInt(call, absl::GetYearDay(Clock(call).civil));
}
absl::Status TimeMonth(Call& call) {
  return call.Return(TValue::Integer(GoType::kMonth, Clock(call).civil.month()));
}
absl::Status TimeWeekday(Call& call) {
  const int monday_based = static_cast<int>(absl::GetWeekday(Clock(call).civil));
  return call.Return(TValue::Integer(GoType::kWeekday, (monday_based + 1) % 7));
}
absl::Status TimeFormat(Call& call) {
  if (absl::Status status = call.budget().Text(call.Text(0).size() * 8); !status.ok())
    return status;
  return call.ReturnText(Self(call).Format(call.Text(0)));
}
absl::Status TimeGoString(Call& call) { return call.ReturnText(Self(call).GoString()); }
absl::Status TimeIn(Call& call) {
  if (call[0].box() == nullptr) return CallError("time: missing Location in call to Time.In");
  go::Time t = Self(call);
  t.location = static_cast<const go::LocationBox*>(call[0].box())->location;
  return ReturnTime(call, std::move(t));
}
absl::Status TimeIsDst(Call& call) { return call.ReturnBool(Clock(call).is_dst); }
absl::Status TimeIsZero(Call& call) { return call.ReturnBool(Self(call).SameInstant(go::Time())); }
absl::Status TimeLocal(Call& call) {
  go::Time t = Self(call);
  t.location = go::Local();
  return ReturnTime(call, std::move(t));
}
absl::Status TimeUtc(Call& call) {
  go::Time t = Self(call);
  t.location = go::Utc();
  return ReturnTime(call, std::move(t));
}
absl::Status TimeLocation(Call& call) {
  return call.Return(TValue::Boxed(GoType::kLocation, new go::LocationBox(Self(call).location)));
}
absl::Status TimeMarshalJson(Call& call) {
  const absl::StatusOr<std::string> text = Self(call).Json();
  return text.ok() ? ReturnBytes(call, absl::StrCat("\"", *text, "\"")) : text.status();
}
absl::Status TimeMarshalText(Call& call) {
  const absl::StatusOr<std::string> text = Self(call).Json();
  return text.ok() ? ReturnBytes(call, *text) : text.status();
}
absl::Status TimeTruncate(Call& call) {
  if (call.Int(0) <= 0) return ReturnTime(call, Self(call));
  return ReturnTime(call, Self(call).Add(-Self(call).Remainder(call.Int(0))));
}
absl::Status TimeRound(Call& call) {
  const int64_t unit = call.Int(0);
  if (unit <= 0) return ReturnTime(call, Self(call));
  const int64_t r = Self(call).Remainder(unit);
  return ReturnTime(call, Self(call).Add(r < unit - r ? -r : unit - r));
}
absl::Status TimeSub(Call& call) {
  return ReturnDuration(call, Self(call).Sub(go::TimeOf(call[0])));
}
absl::Status TimeUnix(Call& call) { return call.Return(TValue::Int64(Self(call).sec)); }

template <int64_t per_second>
absl::Status TimeUnixUnits(Call& call) {
  const auto sec = static_cast<uint64_t>(Self(call).sec);
  const auto part = static_cast<uint64_t>(Self(call).nsec / (kSecond / per_second));
  return call.Return(
      TValue::Int64(static_cast<int64_t>(sec * static_cast<uint64_t>(per_second) + part)));
}

// --- time.Duration

int64_t Length(Call& call) { return call.receiver->as_int(); }

template <int64_t unit>
absl::Status DurationFloat(Call& call) {
  const int64_t d = Length(call);
  const int64_t whole = d / unit;
  const int64_t rest = d % unit;
  return call.Return(TValue::Float(static_cast<double>(whole) +
                                   static_cast<double>(rest) / static_cast<double>(unit)));
}
template <int64_t unit>
absl::Status DurationWhole(Call& call) {
  return call.Return(TValue::Int64(Length(call) / unit));
}
absl::Status DurationAbs(Call& call) {
  const int64_t d = Length(call);
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  return ReturnDuration(call, d >= 0 ? d : d == kMin ? std::numeric_limits<int64_t>::max() : -d);
}
absl::Status DurationRound(Call& call) {
  return ReturnDuration(call, go::RoundDuration(Length(call), call.Int(0)));
}
absl::Status DurationTruncate(Call& call) {
  const int64_t d = Length(call), unit = call.Int(0);
  return ReturnDuration(call, unit <= 0 ? d : d - d % unit);
}

// --- semver.Version

const Version& V(Call& call) { return VersionOf(*call.receiver); }

template <uint64_t Version::* part>
absl::Status VersionPart(Call& call) {
  return call.Return(TValue::Uint64(V(call).*part));
}
template <std::string Version::* part>
absl::Status VersionText(Call& call) {
  return call.ReturnText(V(call).*part);
}
template <Version (Version::*next)() const>
absl::Status VersionInc(Call& call) {
  return call.Return(MakeVersion(GoType::kVersion, (V(call).*next)()));
}
template <absl::StatusOr<Version> (Version::*with)(absl::string_view) const>
absl::Status VersionWith(Call& call) {
  absl::StatusOr<Version> v = (V(call).*with)(call.Text(0));
  return v.ok() ? call.Return(MakeVersion(GoType::kVersion, *std::move(v))) : v.status();
}

enum class Order { kLess, kLessEqual, kGreater, kGreaterEqual };
template <Order order>
absl::Status VersionOrder(Call& call) {
  if (call[0].box() == nullptr) return NilDereference();
  const int c = V(call).Compare(VersionOf(call[0]));
  switch (order) {
    case Order::kLess:
      return call.ReturnBool(c < 0);
    case Order::kLessEqual:
      return call.ReturnBool(c <= 0);
    case Order::kGreater:
      return call.ReturnBool(c > 0);
    case Order::kGreaterEqual:
      return call.ReturnBool(c >= 0);
  }
  return absl::OkStatus();
}
absl::Status VersionEqual(Call& call) {
  return call.ReturnBool(call[0].box() != nullptr && V(call).Compare(VersionOf(call[0])) == 0);
}
absl::Status VersionCompare(Call& call) {
  if (call[0].box() == nullptr) return NilDereference();
  return ReturnInt(call, V(call).Compare(VersionOf(call[0])));
}
absl::Status VersionMarshalJson(Call& call) {
  return ReturnBytes(call, absl::StrCat("\"", V(call).String(), "\""));
}
absl::Status VersionMarshalText(Call& call) { return ReturnBytes(call, V(call).String()); }

// --- What Go's rules for results forbid.

absl::Status Clock3(Call&) {
  return CallError("function Clock has 3 return values; should be 1 or 2");
}
absl::Status Date3(Call&) {
  return CallError("function Date has 3 return values; should be 1 or 2");
}
absl::Status IsoWeek2(Call&) {
  return CallError(
      "invalid function signature for ISOWeek: second return value should be error; is int");
}
absl::Status Zone2(Call&) {
  return CallError(
      "invalid function signature for Zone: second return value should be error; is int");
}
absl::Status ZoneBounds2(Call&) {
  return CallError(
      "invalid function signature for ZoneBounds: second return value should be error; is "
      "time.Time");
}

constexpr Function kTimeMethods[] = {
    {"Add", "d", 't', TimeAdd},
    {"AddDate", "iii", 't', TimeAddDate},
    {"After", "t", 'b', TimeAfter},
    {"Before", "t", 'b', TimeBefore},
    {"Clock", "", 'i', Clock3, kBadSignature},
    {"Compare", "t", 'i', TimeCompare},
    {"Date", "", 'i', Date3, kBadSignature},
    {"Day", "", 'i', TimeDay},
    {"Equal", "t", 'b', TimeEqual},
    {"Format", "s", 's', TimeFormat},
    {"GoString", "", 's', TimeGoString},
    {"Hour", "", 'i', TimeHour},
    {"ISOWeek", "", 'i', IsoWeek2, kBadSignature},
    {"In", "o", 't', TimeIn},
    {"IsDST", "", 'b', TimeIsDst},
    {"IsZero", "", 'b', TimeIsZero},
    {"Local", "", 't', TimeLocal},
    {"Location", "", 'o', TimeLocation},
    {"MarshalJSON", "", 'B', TimeMarshalJson},
    {"MarshalText", "", 'B', TimeMarshalText},
    {"Minute", "", 'i', TimeMinute},
    {"Month", "", 'h', TimeMonth},
    {"Nanosecond", "", 'i', TimeNanosecond},
    {"Round", "d", 't', TimeRound},
    {"Second", "", 'i', TimeSecond},
    {"String", "", 's', String},
    {"Sub", "t", 'd', TimeSub},
    {"Truncate", "d", 't', TimeTruncate},
    {"UTC", "", 't', TimeUtc},
    {"Unix", "", 'I', TimeUnix},
    {"UnixMicro", "", 'I', TimeUnixUnits<1'000'000>},
    {"UnixMilli", "", 'I', TimeUnixUnits<1'000>},
    {"UnixNano", "", 'I', TimeUnixUnits<kSecond>},
    {"Weekday", "", 'w', TimeWeekday},
    {"Year", "", 'i', TimeYear},
    {"YearDay", "", 'i', TimeYearDay},
    {"Zone", "", 's', Zone2, kBadSignature},
    {"ZoneBounds", "", 't', ZoneBounds2, kBadSignature},
};

constexpr Function kDurationMethods[] = {
    {"Abs", "", 'd', DurationAbs},
    {"Hours", "", 'f', DurationFloat<3600 * kSecond>},
    {"Microseconds", "", 'I', DurationWhole<1'000>},
    {"Milliseconds", "", 'I', DurationWhole<1'000'000>},
    {"Minutes", "", 'f', DurationFloat<60 * kSecond>},
    {"Nanoseconds", "", 'I', DurationWhole<1>},
    {"Round", "d", 'd', DurationRound},
    {"Seconds", "", 'f', DurationFloat<kSecond>},
    {"String", "", 's', String},
    {"Truncate", "d", 'd', DurationTruncate},
};

constexpr Function kStringMethod[] = {{"String", "", 's', String}};

constexpr Function kVersionMethods[] = {
    {"Compare", "p", 'i', VersionCompare, kOnPointer},
    {"Equal", "p", 'b', VersionEqual, kOnPointer},
    {"GreaterThan", "p", 'b', VersionOrder<Order::kGreater>, kOnPointer},
    {"GreaterThanEqual", "p", 'b', VersionOrder<Order::kGreaterEqual>, kOnPointer},
    {"IncMajor", "", 'P', VersionInc<&Version::IncMajor>},
    {"IncMinor", "", 'P', VersionInc<&Version::IncMinor>},
    {"IncPatch", "", 'P', VersionInc<&Version::IncPatch>},
    {"LessThan", "p", 'b', VersionOrder<Order::kLess>, kOnPointer},
    {"LessThanEqual", "p", 'b', VersionOrder<Order::kLessEqual>, kOnPointer},
    {"Major", "", 'U', VersionPart<&Version::major>},
    {"MarshalJSON", "", 'B', VersionMarshalJson},
    {"MarshalText", "", 'B', VersionMarshalText},
    {"Metadata", "", 's', VersionText<&Version::metadata>},
    {"Minor", "", 'U', VersionPart<&Version::minor>},
    {"Original", "", 's', VersionText<&Version::original>, kOnPointer},
    {"Patch", "", 'U', VersionPart<&Version::patch>},
    {"Prerelease", "", 's', VersionText<&Version::pre>},
    {"SetMetadata", "s", 'P', VersionWith<&Version::WithMetadata>},
    {"SetPrerelease", "s", 'P', VersionWith<&Version::WithPrerelease>},
    {"String", "", 's', String},
    {"Value", "", 'a', String},
};

absl::Span<const Function> MethodsOf(GoType type) {
  switch (type) {
    case GoType::kTime:
      return kTimeMethods;
    case GoType::kDuration:
      return kDurationMethods;
    case GoType::kMonth:
    case GoType::kWeekday:
    case GoType::kLocation:
      return kStringMethod;
    case GoType::kVersion:
    case GoType::kVersionPtr:
      return kVersionMethods;
    default:
      return {};
  }
}

}  // namespace

const Function* FindMethod(GoType type, absl::string_view name) {
  for (const Function& method : MethodsOf(type)) {
    if (method.name != name) continue;
    if ((method.flags & kOnPointer) != 0 && type == GoType::kVersion) return nullptr;
    return &method;
  }
  return nullptr;
}

}  // namespace leidang::generators::gotmpl
