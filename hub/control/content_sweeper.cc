#include "hub/control/content_sweeper.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::hub {

// One sweep: what it has kept so far, and where it is.
struct ContentSweeper::Round {
  std::unique_ptr<ContentKeeper::Sweep> sweep;
  std::vector<intent::ClusterId> clusters;  // Those still to be read, the last one first.
  PageRequest page;                         // Of the last one.

  // Keeps what the next page of assignments needs.
  absl::Status KeepPage(const Store& store);
};

absl::Status ContentSweeper::Round::KeepPage(const Store& store) {
  absl::StatusOr<Page<LiveAssignment>> live = store.Assignments(clusters.back(), page);
  if (absl::IsNotFound(live.status())) {  // The cluster has gone meanwhile.
    live = Page<LiveAssignment>();
  }
  RETURN_IF_ERROR(live.status());
  for (const LiveAssignment& entry : live->items) {
    for (const intent::Source& source : entry.assignment.sources) {
      if (!source.tree.IsNone()) RETURN_IF_ERROR(sweep->Keep(source.tree));
    }
  }
  page.token = live->next;
  if (page.token.empty()) clusters.pop_back();
  return absl::OkStatus();
}

ContentSweeper::ContentSweeper(Parts parts, absl::Duration interval)
    : parts_(std::move(parts)), interval_(interval) {}

ContentSweeper::~ContentSweeper() { *alive_ = false; }

std::function<void()> ContentSweeper::OnLoop(std::function<void()> call) const {
  return [alive = alive_, call = std::move(call)] {
    if (*alive) call();
  };
}

void ContentSweeper::Start() {
  if (interval_ == absl::InfiniteDuration()) return;
  parts_.loop.After(interval_, OnLoop([this] { Begin(); }));
}

void ContentSweeper::Begin() {
  // Such a look may still commit what it named before the sweep before this one.
  if (parts_.looks.any_before(looks_at_last_sweep_)) return Start();
  absl::StatusOr<std::unique_ptr<ContentKeeper::Sweep>> begun = parts_.keeper.BeginSweep();
  if (!begun.ok()) return End({begun.status(), 0, 0});
  looks_at_last_sweep_ = parts_.looks.begun();
  round_ = std::make_unique<Round>();
  round_->sweep = *std::move(begun);
  for (const ClusterLog& log : parts_.store.Logs()) round_->clusters.push_back(log.cluster);
  Step();
}

void ContentSweeper::Step() {
  if (round_->clusters.empty()) return Finish();
  parts_.workers.Run([this, round = round_.get(), &store = parts_.store, &loop = parts_.loop,
                      go_on = OnLoop([this] { Step(); })] {
    absl::Status status = round->KeepPage(store);
    if (status.ok()) return loop.Post(go_on);
    loop.Post(OnLoop([this, status] { End({status, 0, 0}); }));
  });
}

void ContentSweeper::Finish() {
  parts_.workers.Run([this, round = round_.get(), &loop = parts_.loop] {
    const auto done = [this, alive = alive_](const ContentKeeper::SweepResult& result) {
      if (*alive) End(result);
    };
    const absl::Status status = round->sweep->Finish(&loop, done);
    if (!status.ok()) loop.Post(OnLoop([this, status] { End({status, 0, 0}); }));
  });
}

void ContentSweeper::End(const ContentKeeper::SweepResult& result) {
  round_.reset();
  if (!result.status.ok()) {
    parts_.log.Warning("hub/control", "cannot remove content that nothing needs; will try again",
                       {{"error", result.status.message()}});
  } else if (result.deleted > 0) {
    parts_.log.Info(
        "hub/control", "removed content that nothing needs any more",
        {{"removed", absl::StrCat(result.deleted)}, {"kept", absl::StrCat(result.kept)}});
  }
  Start();
}

}  // namespace leidang::hub
