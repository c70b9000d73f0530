#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "hub/control/desk.h"
#include "hub/control/fleet_records.h"
#include "hub/session/session_table.h"
#include "hub/store/store.h"

namespace leidang::hub {

// True for states that nothing follows.
bool IsFinal(OperationState state);

// Operations: what an agent is asked to do once (sync, refresh). Each is durable before it is sent,
// is sent in every session of its cluster until it has ended, and ends in one outcome that is
// durable before the agent may forget it.
//
// That it may be sent is durable before it is. So one that was never sent ends as kExpired when its
// time is over, whatever became of the hub meanwhile. One that was sent and has not begun, as far
// as is known, ends as kExpired too, saying that the agent may have carried it out; in the
// cluster's next session it is sent again with no time left, so that the agent tells. What it tells
// replaces that outcome, once, and is audited. One that is known to have begun goes on until the
// agent tells its outcome; without one for a week it ends as kFailed, saying so.
//
// Ended ones are kept for a day, and for a week without the agent's answer, the newest kKeptMax of
// them; answers to questions (diff, history) for ten minutes, the newest kAnswersKeptMax.
//
// Loop-bound: the control loop. All references must outlive it.
class Operations {
 public:
  static constexpr size_t kOpenMax = 10'000;
  static constexpr size_t kKeptMax = 10'000;
  static constexpr size_t kAnswersKeptMax = 100;
  static constexpr absl::Duration kLifetimeMax = absl::Hours(24 * 7);

  struct Ports {
    EventLoop& loop;
    FleetRecords& records;
    const Store& store;
    Random& random;
    // To the live session of a cluster. `sent`, on the control loop, says
    // whether there was one.
    std::function<void(const intent::ClusterId&, const OperationRequest&,
                       std::function<void(absl::Status)> sent)>
        send;
    std::function<void(const intent::ClusterId&, const OperationId&)> acknowledge;
  };
  explicit Operations(Ports ports) : ports_(std::move(ports)) {}
  ~Operations() { *alive_ = false; }

  // Begins to look for what has expired. Once, when the records are loaded.
  void Start();

  struct Asked {
    std::string application;  // "namespace/name"
    OperationKind kind = OperationKind::kSync;
    std::string parameters = "{}";  // JSON object.
    absl::Duration lifetime = absl::Hours(1);
  };
  // Answers when it is durable. kNotFound if there is no such Application, kFailedPrecondition if
  // it has no cluster or a sync of it is open already, kInvalidArgument for a lifetime that is not
  // above 0 and at most kLifetimeMax, kResourceExhausted beyond kOpenMax.
  void Request(const Asked& asked, const Author& author,
               std::function<void(absl::StatusOr<OperationRecord>)> done);

  // kNotFound.
  absl::StatusOr<OperationRecord> Find(const OperationId& id) const;
  // Of one Application, the newest first.
  std::vector<OperationRecord> OfApplication(const std::string& application) const;

  // From sessions.
  void OnSessionLive(const intent::ClusterId& cluster);
  void OnUpdate(const intent::ClusterId& cluster, const OperationId& id, OperationState state,
                const std::string& message);

 private:
  absl::StatusOr<OperationRecord> Make(const Asked& asked, const Author& author) const;
  // Notes that it may be sent, then sends it; takes the note back if there was no session.
  void Send(const OperationId& id);
  void SendNoted(const OperationRecord& operation);
  void OnSent(const OperationId& id, const absl::Status& sent);
  // nullptr if it is not known, or its one outcome is.
  const OperationRecord* FindUnsettled(const OperationId& id) const;
  // The outcome of one that had been shown as expired.
  void AuditCorrection(const OperationRecord& operation);
  void Sweep();
  // What ends without the agent, and how.
  void EndOverdue(absl::Time now, FleetRecords::Changes* changes) const;
  void EraseOld(absl::Time now, FleetRecords::Changes* changes) const;

  const Ports ports_;
  std::map<OperationId, int> sending_;  // How many attempts are under way.
  std::set<OperationId> noted_;         // In this process, and not sent so far.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// OperationCourier carries what sessions say about operations from the session loop to the control
// loop. `operations` must outlive the control loop.
class OperationCourier final : public SessionObserver {
 public:
  OperationCourier(EventLoop& control, Operations& operations)
      : control_(control), operations_(operations) {}

  void OnSessionLive(const intent::ClusterId& cluster) override;
  void OnSessionEnded(const intent::ClusterId&) override {}
  void OnOperationUpdate(const intent::ClusterId& cluster, const OperationId& id,
                         v1::OperationUpdate::State state, const std::string& message) override;
  void OnStatuses(const intent::ClusterId&, const std::vector<intent::EntryStatus>&) override {}

 private:
  EventLoop& control_;
  Operations& operations_;
};

}  // namespace leidang::hub
