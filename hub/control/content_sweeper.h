#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/log/log.h"
#include "common/time/event_loop.h"
#include "common/time/workers.h"
#include "hub/content/content_keeper.h"
#include "hub/store/store.h"

namespace leidang::hub {

// How often content that nothing needs is looked for.
inline constexpr absl::Duration kSweepInterval = absl::Hours(1);

// ContentSweeper removes content that no live assignment needs any more, every so often, on a
// worker, in steps of one page of assignments.
//
// What a look at an owner has resolved and not committed yet stays: the keeper spares what was
// named since the sweep before, and no sweep begins while a look is under way that began before
// that one. What is assigned and not delivered yet is a live assignment. A tree that cannot be
// read spoils a sweep, which then deletes nothing. A crash at any point loses no more than the
// sweep: the next process begins another.
//
// Loop-bound; all of `parts` must outlive it, and its workers must be stopped before it goes.
class ContentSweeper {
 public:
  // The looks at owners, numbered from 1 as they begin.
  struct Looks {
    std::function<uint64_t()> begun;
    // Whether one of the first `number` is under way.
    std::function<bool(uint64_t number)> any_before;
  };
  struct Parts {
    EventLoop& loop;
    Workers& workers;
    const Store& store;
    ContentKeeper& keeper;
    Log& log;
    Looks looks;
  };

  // An infinite interval: it never sweeps.
  ContentSweeper(Parts parts, absl::Duration interval);
  ~ContentSweeper();
  ContentSweeper(const ContentSweeper&) = delete;
  ContentSweeper& operator=(const ContentSweeper&) = delete;

  // The first sweep comes after one interval. Call once, when the clusters' logs are open.
  void Start();

 private:
  struct Round;

  void Begin();
  void Step();
  void Finish();
  void End(const ContentKeeper::SweepResult& result);
  // Posted to the loop; not called once the sweeper has gone.
  std::function<void()> OnLoop(std::function<void()> call) const;

  const Parts parts_;
  const absl::Duration interval_;
  uint64_t looks_at_last_sweep_ = 0;
  std::unique_ptr<Round> round_;  // The loop and one worker have it in turn.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
