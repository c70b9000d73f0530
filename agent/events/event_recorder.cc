#include "agent/events/event_recorder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "common/base/utf8.h"

namespace leidang::agent {
namespace {

constexpr char kComponent[] = "leidang-agent";
constexpr size_t kMessageBytesMax = 1024;
constexpr size_t kNamePartMax = 200;

// Names of Events are stricter than those of some kinds, such as Roles.
std::string NamePart(absl::string_view name) {
  std::string part;
  for (const char c : name.substr(0, kNamePartMax)) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(lower));
    part.push_back(plain || (lower == '.' && !part.empty() && part.back() != '.') ? lower : '-');
  }
  while (!part.empty() && !absl::ascii_isalnum(static_cast<unsigned char>(part.back())))
    part.pop_back();
  part.erase(part.begin(), std::find_if(part.begin(), part.end(),
                                        [](unsigned char c) { return absl::ascii_isalnum(c); }));
  return part.empty() ? "event" : part;
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", time, absl::UTCTimeZone());
}

object::Object Regarding(const Happening& happening) {
  object::Object object;
  if (happening.regarding.group.empty()) object["apiVersion"] = "v1";
  object["kind"] = happening.regarding.kind;
  object["name"] = happening.regarding.name;
  if (!happening.regarding.ns.empty()) object["namespace"] = happening.regarding.ns;
  if (!happening.uid.empty()) object["uid"] = happening.uid;
  return object;
}

}  // namespace

EventRecorder::EventRecorder(EventLoop& loop, ClusterClient& cluster, EventRecorderOptions options)
    : loop_(loop),
      cluster_(cluster),
      options_(options),
      tokens_(static_cast<double>(options.burst)),
      filled_(loop.clock().Monotonic()) {}

bool EventRecorder::TakeToken() {
  const absl::Duration now = loop_.clock().Monotonic();
  tokens_ = std::min(static_cast<double>(options_.burst),
                     tokens_ + absl::ToDoubleSeconds(now - filled_) * options_.per_second);
  filled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void EventRecorder::ForgetOldest() {
  const auto oldest =
      std::min_element(series_.begin(), series_.end(),
                       [](const auto& a, const auto& b) { return a.second.last < b.second.last; });
  series_.erase(oldest);
}

EventRecorder::Series& EventRecorder::SeriesOf(const Happening& happening) {
  const SeriesKey key{happening.regarding, happening.uid, happening.reason, happening.message};
  const auto found = series_.find(key);
  if (found != series_.end()) return found->second;
  if (series_.size() >= options_.series_max) ForgetOldest();
  const absl::Time now = loop_.clock().Now();
  // As client-go names them; never one twice, even if the clock stands.
  last_name_ = std::max(last_name_ + 1, static_cast<uint64_t>(absl::ToUnixNanos(now)));
  Series series;
  series.name = absl::StrCat(NamePart(happening.regarding.name), ".", absl::Hex(last_name_));
  series.first = now;
  return series_.emplace(key, std::move(series)).first->second;
}

void EventRecorder::Record(const Happening& happening) {
  Series& series = SeriesOf(happening);
  ++series.count;
  series.last = loop_.clock().Monotonic();
  if (!TakeToken()) {
    ++dropped_;
    return;
  }
  // What has no namespace is told in `default`, as the API demands.
  const std::string ns = happening.regarding.ns.empty() ? "default" : happening.regarding.ns;
  object::Object event{{"apiVersion", "v1"}, {"kind", "Event"}};
  event["metadata"] = object::Object{{"name", series.name}, {"namespace", ns}};
  event["involvedObject"] = Regarding(happening);
  event["type"] = happening.type == Happening::Type::kNormal ? "Normal" : "Warning";
  event["reason"] = happening.reason;
  event["message"] = std::string(Utf8Prefix(happening.message, kMessageBytesMax));
  event["count"] = series.count;
  event["firstTimestamp"] = TimeText(series.first);
  event["lastTimestamp"] = TimeText(loop_.clock().Now());
  event["source"] = object::Object{{"component", kComponent}};
  event["reportingComponent"] = kComponent;
  cluster_.Record({"", "Event", ns, series.name}, event);
}

}  // namespace leidang::agent
