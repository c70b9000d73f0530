#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "common/metrics/metrics.h"
#include "common/process/slack_memory.h"
#include "common/time/event_loop.h"
#include "hub/control/fleet_records.h"
#include "hub/store/rocks/rocks_database.h"
#include "hub/store/store.h"

namespace leidang::hub {

// What the pages of hub/http say about a running hub: gauges that are set every few seconds, and
// whether it lives and is ready. All references must outlive it; the control loop must be stopped
// before it goes.
class VitalSigns {
 public:
  struct Parts {
    EventLoop& control;
    Metrics& metrics;
    const FleetRecords& records;
    const Store& store;
    const RocksDatabase& database;
    // On the control loop.
    std::function<bool(const intent::ClusterId&)> connected;
    // Gives free memory back to the kernel, on another thread.
    std::function<void()> give_back;
  };
  explicit VitalSigns(Parts parts);

  // Control loop.
  void Start();
  // Thread-safe: agents and people are served from now on, or not any more.
  void SetServing(bool serving) { serving_ = serving; }

  // Thread-safe. Not OK: the process should be started again, since the control loop, which decides
  // everything, stands still.
  absl::Status Alive() const;
  // Thread-safe. Not OK, with the reason: while the hub does not serve yet, or takes no writes.
  absl::Status Ready() const;

 private:
  void Measure();
  void Set(const char* name, const char* help, double value);

  const Parts parts_;
  SlackMemory slack_;  // Control loop.
  std::atomic<int64_t> measured_at_ns_;
  std::atomic<bool> serving_{false};
};

// The metrics of a database: hands out what its `on_synced` is to be.
std::function<void(absl::Duration)> SyncHistogram(Metrics& metrics);

}  // namespace leidang::hub
