#pragma once

#include <memory>

#include "agent/scripts/evaluator.h"
#include "agent/scripts/script.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// InlineScripts runs each call as a callback of the loop: for tests and simulation, whose scripts
// are known to end. The agent uses a ScriptWorker; both pass one contract test.
class InlineScripts final : public ScriptRunner {
 public:
  // `loop` must outlive it.
  explicit InlineScripts(EventLoop& loop) : loop_(loop) {}
  ~InlineScripts() override { *alive_ = false; }

  void Run(ScriptCall call, Done done) override;

 private:
  EventLoop& loop_;
  ScriptEvaluator evaluator_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with posted callbacks.
};

}  // namespace leidang::agent
