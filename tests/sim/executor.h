#pragma once

// Executor carries out what an agent's state says on a SimCluster: fetches content, applies,
// corrects, deletes, reports. It stands where the reconciler stands in the program, and keeps its
// duties towards State; no more.
//
// Loop-bound. Destroying it is the end of the process.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "agent/link/content_fetcher.h"
#include "agent/state/state.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "tests/sim/sim_cluster.h"

namespace leidang::sim {

class Executor final : public agent::StateObserver {
 public:
  struct Hooks {
    // An operation was carried out.
    std::function<void(const agent::OperationId&)> executed;
    // The state's applied digest may have changed.
    std::function<void()> marked;
    std::function<void(const agent::EntryRef&)>
        deleted;  // An object went, for that entry's tombstone.
  };

  Executor(EventLoop& loop, Random& random, agent::State& state, agent::ContentFetcher& fetcher,
           SimCluster& cluster, Hooks hooks, absl::Duration pause_max = absl::Milliseconds(40));
  ~Executor();

  // Looks at everything, as after a start.
  void Start();
  // Somebody changed an object; noticed after a while.
  void Edited(const intent::EntryKey& key);

  void OnEntryChanged(const agent::EntryRef& entry) override;
  void OnOperationChanged(const agent::OperationId& id) override;
  void OnStatusWaiting() override {}

 private:
  void Wake();
  absl::Duration PauseBeforeNext();
  void Next();
  void Look(const agent::EntryRef& ref);
  void Apply(const agent::Entry& entry);
  void Delete(const agent::Entry& entry);
  void Report(const agent::EntryHead& head, agent::Transaction transaction);
  void Drifted(const agent::Entry& entry);
  void Operate(const agent::OperationId& id);
  // Wants what is missing of the entry's content; true if nothing is.
  bool HasContent(const agent::Entry& entry);
  void Commit(agent::Transaction transaction, const agent::EntryRef& ref);
  void Again(const agent::EntryRef& ref);
  std::string FileContent(const agent::Entry& entry) const;

  EventLoop& loop_;
  Random& random_;
  agent::State& state_;
  agent::ContentFetcher& fetcher_;
  SimCluster& cluster_;
  const Hooks hooks_;
  const absl::Duration pause_max_;
  std::set<agent::EntryRef> dirty_;
  std::set<agent::OperationId> operations_;
  bool awake_ = false;
  bool committing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::sim
