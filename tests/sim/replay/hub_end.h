#pragma once

// HubEnd: today's hub end of the link, for one cluster, driven by the deeds of a recording: the
// real store and sessions, in memory. Loop-bound.
//
// Deeds: `hub open hub= epoch= incarnation=` (the log, or its passing to a newer authority), `put`,
// `delete`, `operate id= key= uid= kind= lifetime_ms= parameters=`, `finish id=` (its outcome is
// durable), `lose-statuses`, `drain retry_ms= spread_ms=`, `revoke`, `restart` (the process),
// `wipe` (with its disk), `hold when=now|later`, `release`.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/time/sim_loop.h"
#include "hub/session/session_table.h"
#include "hub/store/memory_rows.h"
#include "hub/store/store.h"
#include "leidang/v1/link.pb.h"
#include "tests/sim/replay/recording.h"

namespace leidang::sim {

class HubEnd final : public hub::SessionObserver {
 public:
  // What leaves it. Never called within a call to it.
  struct Outlet {
    std::function<void(uint64_t stream, const v1::HubMessage&)> wrote;
    std::function<void(uint64_t stream)> closed;
  };

  HubEnd(SimLoop& loop, Outlet outlet);
  ~HubEnd() override;

  absl::Status Do(const Deed& deed);
  void Accept(uint64_t stream);
  // Whether it asks for a message there, and has not ended the stream.
  bool Wants(uint64_t stream) const;
  bool Has(uint64_t stream) const;
  // REQUIRES: Wants.
  void Say(uint64_t stream, const v1::AgentMessage& message);
  void Close(uint64_t stream);
  Facts Show() const;

  void OnSessionLive(const intent::ClusterId& cluster) override;
  void OnSessionEnded(const intent::ClusterId& cluster) override;
  void OnOperationUpdate(const intent::ClusterId& cluster, const hub::OperationId& id,
                         v1::OperationUpdate::State state, const std::string& message) override;
  void OnStatuses(const intent::ClusterId& cluster,
                  const std::vector<intent::EntryStatus>& statuses) override;

 private:
  class End;
  struct Place {
    hub::SessionId session = 0;
    bool wants = false;
  };

  void Start();
  void Stop();
  absl::Status Change(const Deed& deed);
  absl::Status Operate(const Deed& deed);
  absl::Status LoseStatuses();
  absl::Status Commit(hub::WriteBatch batch);

  SimLoop& loop_;
  const Outlet outlet_;
  std::unique_ptr<hub::MemoryRows> disk_ = std::make_unique<hub::MemoryRows>();
  std::unique_ptr<hub::Store> store_;
  std::unique_ptr<hub::SessionTable> table_;
  std::map<uint64_t, Place> places_;  // Of streams that have not ended here.
  std::vector<std::string> updates_;  // Of operations, as they came.
  std::vector<std::string> surveys_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::sim
