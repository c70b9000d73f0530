// Dates and durations.

#include "absl/strings/str_cat.h"

#include "generators/template/function_sets.h"
#include "generators/template/strconv.h"
#include "generators/template/time.h"

namespace leidang::generators::gotmpl {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

go::Time FromUnix(int64_t seconds) {
  go::Time t;
  t.sec = seconds;
  t.location = go::Local();
  return t;
}

// What Go would read from the clock.
go::Time NowOf(Call& call) {
  call.NoteNondeterminism();
  const absl::Time now = call.context().now;
  go::Time t = FromUnix(absl::ToUnixSeconds(now));
  t.nsec = static_cast<int32_t>(absl::ToInt64Nanoseconds(now - absl::FromUnixSeconds(t.sec)));
  return t;
}

// A time, or Unix seconds; anything else means now.
go::Time DateOf(Call& call, const TValue& v) {
  switch (v.type()) {
    case GoType::kTime:
      return go::TimeOf(v);
    case GoType::kInt:
    case GoType::kInt64:
      return FromUnix(v.as_int());
    default:
      return NowOf(call);
  }
}

absl::Status Formatted(Call& call, absl::string_view layout, const TValue& date,
                       absl::string_view zone) {
  go::Time t = DateOf(call, date);
  const go::LocationPtr location = go::LoadLocation(zone);
  t.location = location != nullptr ? location : go::Utc();
  if (absl::Status status = call.budget().Text(layout.size() * 8); !status.ok()) return status;
  return call.ReturnText(t.Format(layout));
}

constexpr absl::string_view kHtmlLayout = "2006-01-02";

absl::Status Date(Call& call) { return Formatted(call, call.Text(0), call[1], "Local"); }
absl::Status DateInZone(Call& call) { return Formatted(call, call.Text(0), call[1], call.Text(2)); }
absl::Status HtmlDate(Call& call) { return Formatted(call, kHtmlLayout, call[0], "Local"); }
absl::Status HtmlDateInZone(Call& call) {
  return Formatted(call, kHtmlLayout, call[0], call.Text(1));
}

absl::Status DateModify(Call& call) {
  const absl::StatusOr<int64_t> d = go::ParseDuration(call.Text(0));
  return call.Return(d.ok() ? go::MakeTime(go::TimeOf(call[1]).Add(*d)) : call[1]);
}
absl::Status MustDateModify(Call& call) {
  const absl::StatusOr<int64_t> d = go::ParseDuration(call.Text(0));
  return d.ok() ? call.Return(go::MakeTime(go::TimeOf(call[1]).Add(*d))) : d.status();
}

absl::Status ToDate(Call& call) {
  return call.Return(
      go::MakeTime(go::ParseTime(call.Text(0), call.Text(1), go::Local()).value_or(go::Time())));
}
absl::Status MustToDate(Call& call) {
  absl::StatusOr<go::Time> t = go::ParseTime(call.Text(0), call.Text(1), go::Local());
  return t.ok() ? call.Return(go::MakeTime(*std::move(t))) : t.status();
}

absl::Status Now(Call& call) { return call.Return(go::MakeTime(NowOf(call))); }
absl::Status UnixEpoch(Call& call) {
  return call.ReturnText(absl::StrCat(go::TimeOf(call[0]).sec));
}

absl::Status Ago(Call& call) {
  const TValue& v = call[0];
  const go::Time t = DateOf(call, v);
  return call.ReturnText(go::DurationString(go::RoundDuration(NowOf(call).Sub(t), kSecond)));
}

absl::Status Duration(Call& call) {
  int64_t n = 0;
  if (call[0].is_string()) n = go::ParseInt(call.Text(0), 10).value;
  if (call[0].type() == GoType::kInt64) n = call.Int(0);
  const uint64_t nanoseconds = static_cast<uint64_t>(n) * static_cast<uint64_t>(kSecond);
  return call.ReturnText(go::DurationString(static_cast<int64_t>(nanoseconds)));
}

absl::Status DurationRound(Call& call) {
  int64_t d = 0;
  if (call[0].is_string()) d = go::ParseDuration(call.Text(0)).value_or(0);
  if (call[0].type() == GoType::kInt64) d = call.Int(0);
  if (call[0].type() == GoType::kTime) d = NowOf(call).Sub(go::TimeOf(call[0]));
  const uint64_t u = d < 0 ? 0 - static_cast<uint64_t>(d) : static_cast<uint64_t>(d);
  struct Unit {
    uint64_t seconds;
    absl::string_view name;
  };
  constexpr Unit kUnits[] = {{365 * 86400, "y"}, {30 * 86400, "mo"}, {86400, "d"},
                             {3600, "h"},        {60, "m"},          {1, "s"}};
  for (const Unit& unit : kUnits) {
    const uint64_t size = unit.seconds * static_cast<uint64_t>(kSecond);
    if (u > size) return call.ReturnText(absl::StrCat(u / size, unit.name));
  }
  return call.ReturnText("0s");
}

constexpr Function kFunctions[] = {
    {"ago", "a", 's', Ago},
    {"date", "sa", 's', Date},
    {"dateInZone", "sas", 's', DateInZone},
    {"dateModify", "st", 't', DateModify},
    {"date_in_zone", "sas", 's', DateInZone},
    {"date_modify", "st", 't', DateModify},
    {"duration", "a", 's', Duration},
    {"durationRound", "a", 's', DurationRound},
    {"htmlDate", "a", 's', HtmlDate},
    {"htmlDateInZone", "as", 's', HtmlDateInZone},
    {"mustDateModify", "st", 't', MustDateModify},
    {"mustToDate", "ss", 't', MustToDate},
    {"must_date_modify", "st", 't', MustDateModify},
    {"now", "", 't', Now, kRandom},
    {"toDate", "ss", 't', ToDate},
    {"unixEpoch", "t", 's', UnixEpoch},
};

}  // namespace

absl::Span<const Function> DateFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
