#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/cluster/cluster_client.h"
#include "agent/health/health_source.h"
#include "agent/policy/cluster_policy.h"
#include "agent/reconcile/content_port.h"
#include "agent/reconcile/desired_source.h"
#include "agent/reconcile/entry_pass.h"
#include "agent/render/renderer.h"
#include "agent/scripts/script.h"
#include "agent/state/state.h"
#include "common/intent/intent.h"
#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "common/time/workers.h"
#include "common/workqueue/work_queue.h"

namespace leidang::agent {

// Reconciler: makes the cluster equal to the intent that State holds, and keeps it so.
//
// Level-triggered: a key of an entry comes into the queue when its assignment or an operation on it
// changed, when the cluster reported a change of an object that carries its label, when content for
// it arrived, after a failure with backoff, and every now and then; each pass reads everything
// anew. It needs no hub, and a restart begins with a pass over every entry.
//
// Rules kept here, each by what is named: ExactPrune (plan and inventory), NothingByAbsence (only a
// tombstone in State ends an entry), BrakeHolds (plan), DurableBeforeVisible (inventory before
// effects), BoundedEverything (one pass an entry, `concurrent_max` entries, capped corrections).
//
// Entries that are no Applications need no work of this version: they are applied once received.
//
// Loop-bound.
class Reconciler final : public StateObserver {
 public:
  struct Ports {
    State& state;
    ClusterClient& cluster;
    ContentPort& content;
    Workers& workers;
    const Renderer& renderer;
    Log& log;
    HealthSource* health = nullptr;   // nullptr: the checks that are built in.
    ScriptRunner* scripts = nullptr;  // Of jq expressions; nullptr: they are errors.
  };

  // All references must outlive it.
  Reconciler(EventLoop& loop, Random& random, Ports ports, const ReconcileOptions& options);
  ~Reconciler() override;

  // Begins: a pass over every entry, then whatever happens. Called once.
  void Start();

  // What the owner of the cluster allows from now on; a pass over every entry follows. Before Start
  // it is what holds from the beginning.
  void SetPolicy(ClusterPolicy policy);

  // Something that every pass depends on has changed: a pass over every entry follows.
  void LookAtAll();

  // Nothing waits or runs, apart from passes that come with time.
  bool Busy() const { return queue_.running() > 0; }

  void OnEntryChanged(const EntryRef& entry) override;
  void OnOperationChanged(const OperationId& id) override;
  void OnStatusWaiting() override {}

 private:
  void Begin(const intent::EntryKey& key);
  // Entries of a key one after the other; the most urgent result of all counts.
  void NextEntry(const intent::EntryKey& key);
  void EntryDone(const intent::EntryKey& key, WorkResult result);
  void Settle(const EntryHead& head);
  void OnObject(const ObjectEvent& event);
  void AddAll();
  void SweepLater();
  bool AllSettled() const;
  void WakeParked();

  struct KeyWork {
    std::vector<EntryRef> waiting;
    std::unique_ptr<EntryPass> pass;
    WorkResult result = WorkResult::Done();
  };

  EventLoop& loop_;
  Ports ports_;
  const ReconcileOptions options_;
  BuiltInHealth built_in_health_;
  DesiredSource desired_;
  std::unique_ptr<InventoryMirror> mirror_;
  std::unique_ptr<EventRecorder> events_;
  ReconcileContext context_;
  WorkQueue<intent::EntryKey> queue_;
  std::map<intent::EntryKey, KeyWork> work_;
  std::map<std::string, intent::EntryKey> by_label_;
  std::set<intent::EntryKey> parked_;
  enum class Running : uint8_t { kNo, kYes } running_ = Running::kNo;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with posted callbacks.
};

}  // namespace leidang::agent
