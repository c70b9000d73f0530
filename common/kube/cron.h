#pragma once

// Five-field cron schedules as sync windows take them (robfig/cron v3, its standard parser without
// `@daily` and the like): minute, hour, day of month, month, day of week; `TZ=Zone ` or
// `CRON_TZ=Zone ` may stand before them. Value type; pure but for the time zone data of the system,
// which the library loads once.

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace leidang::kube {

class CronSchedule {
 public:
  // kInvalidArgument with the library's text ("end of range (60) above maximum (59): 60").
  static absl::StatusOr<CronSchedule> Parse(absl::string_view schedule);

  // The first time after `from` that the schedule names, a whole second; nullopt if there is none
  // within five years. `zone` counts where the schedule names none.
  std::optional<absl::Time> Next(absl::Time from, absl::TimeZone zone) const;

 private:
  bool DayMatches(absl::CivilDay day) const;

  uint64_t minutes_ = 0;
  uint64_t hours_ = 0;
  uint64_t days_ = 0;
  uint64_t months_ = 0;
  uint64_t weekdays_ = 0;
  std::optional<absl::TimeZone> zone_;
};

}  // namespace leidang::kube
