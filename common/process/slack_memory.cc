#include "common/process/slack_memory.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <malloc.h>
#include <unistd.h>

#include "absl/status/status.h"

namespace leidang {

absl::StatusOr<size_t> ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0;
  uint64_t resident = 0;
  if (!(statm >> size >> resident))
    return absl::UnavailableError("cannot read /proc/self/statm: is /proc mounted?");
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

void GiveBackFreeMemory() { ::malloc_trim(0); }

bool SlackMemory::Look(size_t resident) {
  const bool rests = resident <= last_ + last_ / 64;
  last_ = resident;
  if (base_ == 0 || given_back_) {
    base_ = resident;
    given_back_ = false;
    return false;
  }
  base_ = std::min(base_, resident);
  const bool grown = resident >= base_ + kGrowth;
  if (again_in_ > 0) --again_in_;
  const bool again = again_in_ == 1;
  if (!rests || (!grown && !again)) return false;
  again_in_ = again && !grown ? 0 : kLooksBeforeAgain + 1;
  given_back_ = true;
  return true;
}

}  // namespace leidang
