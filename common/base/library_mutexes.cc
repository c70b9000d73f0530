#include "common/base/library_mutexes.h"

#include "absl/synchronization/mutex.h"

namespace leidang {

void StopTracingLibraryMutexes() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

}  // namespace leidang
