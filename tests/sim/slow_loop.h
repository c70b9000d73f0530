#pragma once

#include <functional>
#include <utility>

#include "common/time/sim_loop.h"

namespace leidang::sim {

// SlowLoop is a SimLoop on which everything takes `factor` times as long: the commit loop of a slow
// disk.
class SlowLoop final : public EventLoop {
 public:
  explicit SlowLoop(SimLoop& loop) : loop_(loop) {}

  void set_factor(double factor) { factor_ = factor; }

  const Clock& clock() const override { return loop_.clock(); }
  void Post(std::function<void()> fn) override { loop_.Post(std::move(fn)); }
  TimerId After(absl::Duration delay, std::function<void()> fn) override {
    return loop_.After(delay * factor_, std::move(fn));
  }
  void Cancel(TimerId id) override { loop_.Cancel(id); }

 private:
  SimLoop& loop_;
  double factor_ = 1;
};

}  // namespace leidang::sim
