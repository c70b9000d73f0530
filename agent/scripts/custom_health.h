#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/health/health_source.h"
#include "agent/scripts/health_scripts.h"
#include "agent/scripts/script.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// CustomHealth: health with the checks that somebody has configured before our own: first those of
// the cluster's owner, then those of the fleet. A check is run
// once for each version of an object and its answer kept. What is being deleted is Progressing
// before any check is asked.
//
// A check that fails makes its objects Unknown, with the error, which names check and object. One
// that could not run (it rests, or what runs it does not start) is asked again with the next pass
// after `retry`.
//
// Loop-bound.
class CustomHealth final : public HealthSource {
 public:
  struct Options {
    size_t known_max = 20'000;  // Answers that are kept beside those of the pass that runs.
    absl::Duration retry = absl::Seconds(30);
  };

  // `loop` and `scripts` must outlive it.
  CustomHealth(EventLoop& loop, ScriptRunner& scripts, HealthScripts checks, Options options);
  ~CustomHealth() override;

  void Prepare(Objects objects, std::function<void()> done) override;
  std::optional<Health> Of(const object::Value& object) const override;

  // Those of the fleet from now on; what was found by others is forgotten.
  void SetFleetChecks(HealthScripts checks);

  // Reports, for each check that cannot be read, an error that names it; nothing for the others.
  void CheckAll(const std::function<void(const absl::Status&)>& report);

 private:
  struct Known {
    std::string version;
    std::optional<Health> health;
    absl::Duration until = absl::InfiniteDuration();
  };
  struct Batch;

  const HealthScript* CheckFor(const object::Value& object) const;
  bool IsKnown(const object::Value& object) const;
  void Next(const std::shared_ptr<Batch>& batch);
  void Ask(const std::shared_ptr<Batch>& batch, const std::shared_ptr<const object::Value>& object,
           const HealthScript& check);
  void Keep(const object::Value& object, absl::StatusOr<object::Value> answer);

  EventLoop& loop_;
  ScriptRunner& scripts_;
  const HealthScripts checks_;
  HealthScripts fleet_checks_;
  uint64_t generation_ = 0;  // Of the fleet's.
  const Options options_;
  std::map<std::string, Known> known_;  // By uid, or name where there is none.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with posted callbacks.
};

}  // namespace leidang::agent
