// How a policy is read; every field that is not known is an error, as a typing error here would
// leave a cluster open.

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "agent/policy/cluster_policy.h"
#include "common/base/status_macros.h"

namespace leidang::agent {

using object::Object;
using object::Value;

namespace {

constexpr std::array<absl::string_view, 7> kDays = {"mon", "tue", "wed", "thu",
                                                    "fri", "sat", "sun"};
constexpr absl::Duration kDay = absl::Hours(24);

absl::string_view View(boost::json::string_view text) { return {text.data(), text.size()}; }

absl::Status Wrong(absl::string_view where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

absl::StatusOr<const Object*> Fields(const Value& value, absl::string_view where,
                                     std::initializer_list<absl::string_view> known) {
  if (!value.is_object()) return Wrong(where, "this is no map");
  for (const auto& member : value.get_object()) {
    if (std::find(known.begin(), known.end(), View(member.key())) != known.end()) continue;
    return Wrong(absl::StrCat(where, ".", View(member.key())),
                 absl::StrCat("is not known; there are ", absl::StrJoin(known, ", ")));
  }
  return &value.get_object();
}

absl::StatusOr<std::string> Text(const Object& fields, absl::string_view name,
                                 absl::string_view where) {
  const Value* value = fields.if_contains(boost::json::string_view(name.data(), name.size()));
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) {
    return Wrong(absl::StrCat(where, ".", name), "is no text; write it in quotes");
  }
  return std::string(View(value->get_string()));
}

absl::StatusOr<std::vector<std::string>> Texts(const Value& value, absl::string_view where) {
  if (!value.is_array()) return Wrong(where, "is no list");
  std::vector<std::string> texts;
  for (const Value& item : value.get_array()) {
    if (!item.is_string()) return Wrong(where, "has something that is no text");
    texts.emplace_back(View(item.get_string()));
  }
  return texts;
}

// "22:00"; nullopt for everything else.
std::optional<absl::Duration> TimeOfDay(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  int hours = 0;
  int minutes = 0;
  if (parts.size() != 2 || parts[0].size() != 2 || parts[1].size() != 2 ||
      !absl::SimpleAtoi(parts[0], &hours) || !absl::SimpleAtoi(parts[1], &minutes) || hours > 23 ||
      minutes > 59 || hours < 0 || minutes < 0) {
    return std::nullopt;
  }
  return absl::Hours(hours) + absl::Minutes(minutes);
}

absl::StatusOr<std::vector<absl::Weekday>> Days(const Value& value, absl::string_view where) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Texts(value, where));
  if (names.empty()) return Wrong(where, "is empty; leave it out for all days");
  std::vector<absl::Weekday> days;
  for (const std::string& name : names) {
    const auto found = std::find(kDays.begin(), kDays.end(), absl::AsciiStrToLower(name));
    if (found == kDays.end()) {
      return Wrong(where, absl::StrCat(name, " is no day; there are ", absl::StrJoin(kDays, ", ")));
    }
    days.push_back(static_cast<absl::Weekday>(found - kDays.begin()));
  }
  return days;
}

}  // namespace

class PolicyReader {
 public:
  static absl::StatusOr<ClusterPolicy> Read(const Value& settings, absl::string_view where) {
    ClusterPolicy policy;
    // What an editor leaves for a moment, too.
    if (settings.is_null()) return Wrong(where, "is empty; write {} if nothing is to be limited");
    ASSIGN_OR_RETURN(
        const Object* fields,
        Fields(settings, where, {"pause", "namespaces", "kinds", "clusterScoped", "freeze"}));
    for (const auto& member : *fields) {
      const absl::string_view name = View(member.key());
      const std::string place = absl::StrCat(where, ": ", name);
      if (member.value().is_null()) continue;
      if (name == "pause") {
        RETURN_IF_ERROR(ReadPause(member.value(), place, policy));
      } else if (name == "freeze") {
        RETURN_IF_ERROR(ReadFreeze(member.value(), place, policy));
      } else {
        ClusterPolicy::Names& names = name == "namespaces" ? policy.namespaces_
                                      : name == "kinds"    ? policy.kinds_
                                                           : policy.cluster_scoped_;
        RETURN_IF_ERROR(ReadNames(member.value(), place, names));
      }
    }
    return policy;
  }

 private:
  using Pattern = ClusterPolicy::Pattern;
  using Window = ClusterPolicy::Window;

  static absl::Status ReadPause(const Value& value, absl::string_view where,
                                ClusterPolicy& policy) {
    if (value.is_bool()) {
      if (value.get_bool()) policy.pause_ = "";
      return absl::OkStatus();
    }
    if (!value.is_string() || value.get_string().empty()) {
      return Wrong(where, "write true, false or a reason");
    }
    policy.pause_ = std::string(View(value.get_string()));
    return absl::OkStatus();
  }

  static absl::StatusOr<std::vector<Pattern>> ReadPatterns(const Value& value,
                                                           absl::string_view where) {
    ASSIGN_OR_RETURN(const std::vector<std::string> texts, Texts(value, where));
    std::vector<Pattern> patterns;
    for (const std::string& text : texts) {
      absl::StatusOr<match::Glob> glob = match::Glob::Compile(text);
      if (text.empty() || !glob.ok()) {
        return Wrong(where,
                     absl::StrCat("\"", text, "\" is no pattern",
                                  glob.ok() ? "" : absl::StrCat(": ", glob.status().message())));
      }
      patterns.push_back({text, *std::move(glob)});
    }
    return patterns;
  }

  static absl::Status ReadNames(const Value& value, absl::string_view where,
                                ClusterPolicy::Names& names) {
    ASSIGN_OR_RETURN(const Object* fields, Fields(value, where, {"allow", "deny"}));
    for (const auto& member : *fields) {
      if (member.value().is_null()) {
        return Wrong(absl::StrCat(where, ".", View(member.key())),
                     "is empty; write [] for nothing, or leave it out for no limit");
      }
      ASSIGN_OR_RETURN(std::vector<Pattern> patterns,
                       ReadPatterns(member.value(), absl::StrCat(where, ".", View(member.key()))));
      if (View(member.key()) == "allow") {
        names.allow = std::move(patterns);
      } else {
        names.deny = std::move(patterns);
      }
    }
    return absl::OkStatus();
  }

  static absl::Status ReadFreeze(const Value& value, absl::string_view where,
                                 ClusterPolicy& policy) {
    if (!value.is_array()) return Wrong(where, "is no list of windows");
    for (size_t i = 0; i < value.get_array().size(); ++i) {
      const std::string place = absl::StrCat(where, "[", i, "]");
      ASSIGN_OR_RETURN(Window window, ReadWindow(value.get_array()[i], place));
      policy.freeze_.push_back(std::move(window));
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<Window> ReadWindow(const Value& value, absl::string_view where) {
    ASSIGN_OR_RETURN(
        const Object* fields,
        Fields(value, where, {"name", "days", "from", "until", "timeZone", "corrections"}));
    Window window;
    ASSIGN_OR_RETURN(window.name, Text(*fields, "name", where));
    if (window.name.empty()) return Wrong(absl::StrCat(where, ".name"), "is missing");
    if (const Value* corrections = fields->if_contains("corrections")) {
      if (!corrections->is_bool()) {
        return Wrong(absl::StrCat(where, ".corrections"), "is neither true nor false");
      }
      if (!corrections->get_bool()) window.changes = ClusterPolicy::Changes::kNone;
    }
    ASSIGN_OR_RETURN(const std::string zone, Text(*fields, "timeZone", where));
    window.zone = absl::UTCTimeZone();
    if (!zone.empty() && !absl::LoadTimeZone(zone, &window.zone)) {
      return Wrong(absl::StrCat(where, ".timeZone"),
                   absl::StrCat(zone, " is no time zone of this machine"));
    }
    if (const Value* days = fields->if_contains("days")) {
      ASSIGN_OR_RETURN(window.days, Days(*days, absl::StrCat(where, ".days")));
    }
    RETURN_IF_ERROR(ReadTimes(*fields, where, window));
    return window;
  }

  static absl::Status ReadTimes(const Object& fields, absl::string_view where, Window& window) {
    ASSIGN_OR_RETURN(const std::string from, Text(fields, "from", where));
    ASSIGN_OR_RETURN(const std::string until, Text(fields, "until", where));
    const std::optional<absl::Duration> starts = TimeOfDay(from);
    const std::optional<absl::Duration> ends = TimeOfDay(until);
    if (starts.has_value() && ends.has_value()) {
      window.daily = true;
      window.starts = *starts;
      window.length = *ends > *starts ? *ends - *starts : *ends - *starts + kDay;
      return absl::OkStatus();
    }
    std::string ignored;
    if (!absl::ParseTime(absl::RFC3339_full, from, &window.from, &ignored) ||
        !absl::ParseTime(absl::RFC3339_full, until, &window.until, &ignored)) {
      return Wrong(where,
                   "from and until are both times of a day, as \"22:00\", or both dates, as "
                   "\"2026-12-20T00:00:00Z\", in quotes");
    }
    if (!window.days.empty()) return Wrong(where, "days go with times of a day only");
    if (window.until <= window.from) return Wrong(where, "until is not later than from");
    return absl::OkStatus();
  }
};

absl::StatusOr<ClusterPolicy> ClusterPolicy::Parse(const Value& settings, absl::string_view where) {
  return PolicyReader::Read(settings, where);
}

}  // namespace leidang::agent
