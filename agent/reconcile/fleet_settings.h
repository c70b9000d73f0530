#pragma once

// FleetSettings: what the hub tells every agent beside Applications: health checks, in the form of
// Argo CD's ConfigMap argocd-cm. They are kept in State, so they hold with the hub gone.
//
// Settings that cannot be read leave the ones before in force, with an error in the log.
//
// Loop-bound.

#include <functional>
#include <string>

#include "agent/scripts/health_scripts.h"
#include "agent/state/state.h"
#include "common/log/log.h"

namespace leidang::agent {

class FleetSettings final : public StateObserver {
 public:
  using Changed = std::function<void(HealthScripts)>;

  // `state` and `log` must outlive it.
  FleetSettings(State& state, Log& log, Changed changed);
  ~FleetSettings() override;

  // Tells what State holds now, and from then on what becomes of it. Called once.
  void Start();

  void OnEntryChanged(const EntryRef& entry) override;
  void OnOperationChanged(const OperationId&) override {}
  void OnStatusWaiting() override {}

 private:
  void Read();
  // "{}" if there are none.
  absl::StatusOr<std::string> Body() const;

  State& state_;
  Log& log_;
  const Changed changed_;
  std::string body_ = "{}";  // Of those in force.
  bool watching_ = false;
};

}  // namespace leidang::agent
