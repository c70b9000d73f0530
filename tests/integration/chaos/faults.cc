#include "tests/integration/chaos/faults.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace leidang::chaos {
namespace {

constexpr int kGraceMs = 15'000;

}  // namespace

Faults::Faults(Fleet& fleet, Random& random, Level level)
    : fleet_(fleet), random_(random), level_(level) {}

absl::Duration Faults::Between(absl::Duration low, absl::Duration high) {
  return low + (high - low) * random_.Unit();
}

bool Faults::IsBusy(const testing::Program& program) const {
  return std::any_of(due_.begin(), due_.end(),
                     [&](const Due& due) { return due.program == &program; });
}

void Faults::Kill(testing::Program& program, const std::string& kind, absl::Duration pause) {
  if (IsBusy(program)) return;
  program.Kill();
  ++counts_[kind];
  due_.push_back({absl::Now() + pause, Later::kStart, &program});
}

void Faults::Suspend(testing::Program& program, const std::string& kind) {
  if (IsBusy(program)) return;
  program.Stop();
  ++counts_[kind];
  due_.push_back({absl::Now() + Between(absl::Milliseconds(100), absl::Seconds(3)),
                  Later::kContinue, &program});
}

void Faults::OnNetwork(size_t agent) {
  testing::FaultyProxy& proxy = fleet_.proxy();
  switch (random_.Below(6)) {
    case 0:
    case 1:
      ++counts_["cut"];
      return proxy.Cut(agent);
    case 2:
      ++counts_["delay"];
      return proxy.Delay(agent, Between(absl::Milliseconds(20), absl::Seconds(1)),
                         Between(absl::Seconds(1), absl::Seconds(8)));
    case 3:
      ++counts_["half-open"];
      return proxy.HalfOpen(agent, Between(absl::Seconds(2), absl::Seconds(20)));
    case 4:
      ++counts_["swallow"];
      return proxy.Swallow(agent, Between(absl::Seconds(1), absl::Seconds(10)));
    default:
      ++counts_["refuse"];
      proxy.Refuse(agent, Between(absl::Milliseconds(200), absl::Seconds(2)));
      return proxy.Cut(agent);
  }
}

void Faults::Next() {
  const size_t agent = random_.Below(fleet_.size());
  const uint64_t drawn = random_.Below(100);
  const absl::Duration soon = Between(absl::ZeroDuration(), absl::Milliseconds(500));
  if (level_ == Level::kKills) {
    if (drawn < 40) return Kill(fleet_.hub(), "kill-hub", soon);
    return Kill(fleet_.agent(agent), "kill-agent", soon);
  }
  if (drawn < 5) return Kill(fleet_.hub(), "kill-hub", soon);
  if (drawn < 8) return Suspend(fleet_.hub(), "stop-hub");
  if (drawn < 33) return Kill(fleet_.agent(agent), "kill-agent", soon);
  if (drawn < 45) return Suspend(fleet_.agent(agent), "stop-agent");
  if (drawn < 47 && !IsBusy(fleet_.agent(agent))) {
    if (!fleet_.agent(agent).Terminate(kGraceMs)) ++bad_ends_;
    ++counts_["end-agent"];
    due_.push_back({absl::Now() + soon, Later::kStart, &fleet_.agent(agent)});
    return;
  }
  if (drawn < 48 && !IsBusy(fleet_.hub())) {
    if (!fleet_.hub().Terminate(kGraceMs)) ++bad_ends_;
    ++counts_["end-hub"];
    due_.push_back({absl::Now() + soon, Later::kStart, &fleet_.hub()});
    return;
  }
  OnNetwork(agent);
}

void Faults::Tick() {
  const absl::Time now = absl::Now();
  for (auto it = due_.begin(); it != due_.end();) {
    if (it->at > now) {
      ++it;
      continue;
    }
    if (it->what == Later::kStart) {
      it->program->Start();
    } else {
      it->program->Continue();
    }
    it = due_.erase(it);
  }
}

void Faults::Heal() {
  for (Due& due : due_) due.at = absl::InfinitePast();
  Tick();
  fleet_.proxy().Heal();
}

uint64_t Faults::total() const {
  uint64_t total = 0;
  for (const auto& [kind, count] : counts_) total += count;
  return total;
}

}  // namespace leidang::chaos
