#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "common/time/event_loop.h"

namespace leidang::sim {

// MortalLoop is a loop of a process that can be killed: what it was given is not run once it is
// gone, as when the process ends.
class MortalLoop final : public EventLoop {
 public:
  // `loop` must outlive it.
  explicit MortalLoop(EventLoop& loop) : loop_(loop) {}
  ~MortalLoop() override { *alive_ = false; }

  const Clock& clock() const override { return loop_.clock(); }
  void Post(std::function<void()> fn) override { loop_.Post(WhileAlive(std::move(fn))); }
  TimerId After(absl::Duration delay, std::function<void()> fn) override {
    return loop_.After(delay, WhileAlive(std::move(fn)));
  }
  void Cancel(TimerId id) override { loop_.Cancel(id); }

 private:
  std::function<void()> WhileAlive(std::function<void()> fn) const {
    return [alive = alive_, fn = std::move(fn)] {
      if (*alive) fn();
    };
  }

  EventLoop& loop_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::sim
