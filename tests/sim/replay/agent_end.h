#pragma once

// AgentEnd: today's agent end of the link, driven by the deeds of a recording: the real link over a
// state in memory; the deeds stand where the reconciler stands. Loop-bound.
//
// Deeds: `agent start instance=`, `stop` (its peer is told), `vanish` (it is not), `trust hub=`,
// `applied key= uid=` (what it holds is what the cluster is), `drifted key= uid=`, `status` and
// `finish` (of a deletion) with an EntryStatus as deeds_text.h says, `operation id= state=
// message=`.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/link/link.h"
#include "agent/link/transport.h"
#include "agent/state/memory_state.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "leidang/v1/link.pb.h"
#include "tests/sim/replay/recording.h"

namespace leidang::sim {

class AgentEnd final : public agent::Transport {
 public:
  // What leaves it. Never called within a call to it.
  struct Outlet {
    std::function<void(uint64_t stream)> opened;
    std::function<void(uint64_t stream, const v1::AgentMessage&)> wrote;
    std::function<void(uint64_t stream)> gone;
  };

  AgentEnd(SimLoop& loop, Outlet outlet);
  ~AgentEnd() override;

  absl::Status Do(const Deed& deed);
  bool Has(uint64_t stream) const;
  // The hub took the stream. REQUIRES: Has.
  void Accept(uint64_t stream);
  // Whether it asks for a message there, and has not ended the stream.
  bool Wants(uint64_t stream) const;
  // REQUIRES: Wants.
  void Say(uint64_t stream, const v1::HubMessage& message);
  void Close(uint64_t stream, absl::Status status);
  Facts Show() const;
  // Messages of kinds that it did not know, of the process that runs.
  uint64_t ignored() const;

  std::unique_ptr<agent::Stream> Open(const agent::HubAddress& hub,
                                      agent::StreamObserver* observer) override;

 private:
  class End;
  struct Place {
    agent::StreamObserver* observer = nullptr;
    bool wants = false;
  };

  absl::Status Start(const Deed& deed);
  absl::Status Mark(const Deed& deed);
  absl::Status Report(const Deed& deed);
  absl::Status Operation(const Deed& deed);

  SimLoop& loop_;
  const Outlet outlet_;
  SeededRandom random_{1};
  agent::MemoryDisk disk_;
  std::unique_ptr<agent::MemoryState> state_;
  std::unique_ptr<agent::Link> link_;
  bool silent_ = false;
  uint64_t streams_ = 0;
  std::map<uint64_t, Place> places_;  // Of streams that have not ended here.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::sim
