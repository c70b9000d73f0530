#include "tests/sim/scenarios/link_bed.h"

#include "absl/strings/str_cat.h"

namespace leidang::sim {

LinkBed::LinkBed(const RunRequest& request, const Shape& shape)
    : world_(request.seed, shape, request.mutant, request.output) {}

absl::Duration LinkBed::Between(absl::Duration low, absl::Duration high) {
  return low + (high - low) * random().Unit();
}

void LinkBed::Expect(bool holds, absl::string_view rule, const std::string& what) {
  if (!holds) checks().Fail(rule, what);
}

void LinkBed::WriteFor(absl::Duration time, absl::Duration pace) {
  const absl::Duration end = Now() + time;
  while (!failed() && Now() < end) {
    writer().Step();
    Pass(Between(pace / 2, pace * 3 / 2));
  }
}

bool LinkBed::Await(const std::function<bool()>& holds, absl::Duration limit) {
  const absl::Duration end = Now() + limit;
  while (!failed() && Now() < end) {
    if (holds()) return true;
    Pass(absl::Milliseconds(100));
  }
  return holds();
}

bool LinkBed::AllInSync() { return !world_.Unrest().has_value(); }

bool LinkBed::CaughtUp(SimAgent& agent) {
  if (!hub().up()) return false;
  const hub::ClusterView view = hub().Shown(agent.cluster());
  return view.session_epoch != 0 && view.acked == view.head;
}

void LinkBed::Calm() {
  if (failed()) return;
  Note("calm");
  hub().SetDiskFactor(1);
  if (!hub().up()) hub().Start();
  for (const auto& agent : world_.agents()) {
    network().Block(agent->link(), false, false);
    network().SetExtraLatency(agent->link(), absl::ZeroDuration());
    agent->SetDiskDelay(absl::Milliseconds(3));
    agent->ClearSyncFailure();
  }
  world_.Calm([this] {
    for (const auto& agent : world_.agents()) {
      if (!agent->up()) agent->Start();
    }
  });
}

std::function<RunResult(const RunRequest&)> OnLink(const std::function<Shape(uint64_t seed)>& shape,
                                                   const std::function<void(LinkBed&)>& script) {
  return [shape, script](const RunRequest& request) {
    LinkBed bed(request, shape(request.seed));
    bed.world().LookEvery(absl::Milliseconds(200));
    bed.Pass(absl::Milliseconds(200));
    bed.writer().Fill(bed.world().shape().keys);
    bed.Pass(absl::Milliseconds(50));
    bed.Await([&bed] { return bed.AllInSync(); }, absl::Minutes(5));
    if (!bed.failed()) script(bed);
    bed.Calm();
    return bed.Result();
  };
}

std::function<RunResult(const RunRequest&)> OnLink(const std::function<void(LinkBed&)>& script) {
  return OnLink(&Shape::Of, script);
}

}  // namespace leidang::sim
