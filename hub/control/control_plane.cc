#include "hub/control/control_plane.h"

#include <algorithm>
#include <utility>

#include "hub/control/credentials.h"

namespace leidang::hub {

ControlPlane::ControlPlane(const Parts& parts, Options options, Hooks hooks)
    : parts_(parts),
      options_(std::move(options)),
      hooks_(std::move(hooks)),
      listings_(parts.git),
      keeper_(parts.store),
      resolver_(parts.git, closures_, keeper_) {}

ControlPlane::~ControlPlane() = default;

void ControlPlane::Load(const intent::HubId& new_hub, Done done) {
  records_ = std::make_unique<FleetRecords>(parts_.loop, parts_.ledger, parts_.log);
  records_->Load(new_hub, [this, done = std::move(done)](const absl::Status& status) {
    if (status.ok()) Build();
    done(status);
  });
}

void ControlPlane::Build() {
  brakes_ = std::make_unique<Brakes>(*records_);
  brakes_->Load();
  shared_ = std::make_unique<SharedEntries>(parts_.loop, *records_, parts_.store, parts_.random,
                                            parts_.log);
  repositories_ = std::make_unique<Repositories>(
      parts_.loop, parts_.workers, parts_.git, parts_.random, options_.polling,
      [this](const std::string& url) { return RepositoryFor(*records_, url); },
      [this](const std::set<std::string>& consumers) { OnInputs(consumers); });
  owners_ = std::make_unique<OwnerReconciler>(
      OwnerReconciler::Parts{parts_.loop, parts_.workers, *records_, *repositories_, parts_.store,
                             listings_, resolver_, *shared_, *brakes_, parts_.random, parts_.log,
                             options_.part_bytes},
      [this](const OwnerKey& owner) {
        CheckSettled();
        if (config_ != nullptr) config_->OnOwnerSettled(owner);
      });
  lifecycle_ =
      std::make_unique<ClusterLifecycle>(parts_.loop, *records_, parts_.store, parts_.random,
                                         parts_.log, hooks_.on_clusters, hooks_.on_gone);
  lifecycle_->on_ended = [this] { owners_->TriggerAll(); };
  recovery_ = std::make_unique<Recovery>(
      Recovery::Parts{parts_.loop, *records_, parts_.store, parts_.random, parts_.log}, hooks_.hold,
      [this] { return Current(); });
  brake_desk_ = std::make_unique<BrakeDesk>(parts_.loop, *records_, *brakes_, *owners_);
  sweeper_ = std::make_unique<ContentSweeper>(
      ContentSweeper::Parts{parts_.loop,
                            parts_.workers,
                            parts_.store,
                            keeper_,
                            parts_.log,
                            {[this] { return owners_->looks_begun(); },
                             [this](uint64_t number) { return owners_->AnyLookBefore(number); }}},
      options_.sweep_interval);
  dormancy_ = std::make_unique<Dormancy>(
      Dormancy::Parts{parts_.loop, *records_, parts_.store, parts_.log, hooks_.presence},
      options_.dormancy);
  BuildDesk();
  if (!options_.config) return;
  config_ = std::make_unique<ConfigRepository>(
      ConfigRepository::Parts{parts_.loop, parts_.workers, *records_, parts_.store, *desk_,
                              *brakes_, *owners_, *repositories_, listings_, parts_.log},
      *options_.config);
  brake_desk_->on_configuration = [this] { config_->OnInputChanged(); };
}

void ControlPlane::BuildDesk() {
  desk_ = std::make_unique<Desk>(parts_.loop, *records_, parts_.store, *owners_, parts_.random);
  desk_->on_repository_changed = [this](const std::string&) {
    repositories_->Refresh(std::nullopt);
  };
  desk_->on_settings_changed = [this] { shared_->UpdateSettings(); };
  desk_->on_cluster_changed = [this](const intent::ClusterId& id) {
    lifecycle_->OnChanged(id);
    shared_->OnCluster(id);
  };
  unclaimed_ = std::make_unique<UnclaimedDesk>(
      UnclaimedDesk::Parts{parts_.loop, *records_, parts_.store, *owners_,
                           [this](const intent::ClusterId& id) { lifecycle_->OnChanged(id); }});
}

void ControlPlane::Start(Done done) {
  lifecycle_->Start(
      [this, done = std::move(done)](const absl::StatusOr<ClusterLifecycle::Logs>& logs) {
        if (!logs.ok()) return done(logs.status());
        Look(*logs, done);
      });
}

void ControlPlane::Look(ClusterLifecycle::Logs logs, const Done& done) {
  repositories_->Restore(records_->pins());
  owners_->Load([this, logs, done](const absl::Status& status) {
    if (!status.ok()) return done(status);
    owners_->TriggerAll();
    if (config_ != nullptr) config_->Start();
    looking_ = true;
    rebuilding_ = logs == ClusterLifecycle::Logs::kRebuilt;
    recovery_->Start();
    sweeper_->Start();
    dormancy_->Start();
    CheckSettled();
    if (logs == ClusterLifecycle::Logs::kKept || owners_->AllSettled() || AllRecovering())
      return done(status);
    parts_.log.Info("hub/control",
                    "waiting until all sets have been expanded again before agents are let in");
    on_settled_ = done;
  });
}

bool ControlPlane::quiet() const {
  return looking_ && owners_->AllSettled() && owners_->idle() && shared_->idle();
}

bool ControlPlane::AllRecovering() const {
  return std::all_of(records_->clusters().begin(), records_->clusters().end(),
                     [](const auto& cluster) { return cluster.second.recovering; });
}

bool ControlPlane::Current() const {
  return quiet() && repositories_->AllFetched() && (config_ == nullptr || config_->status().ok());
}

void ControlPlane::CheckSettled() {
  if (rebuilding_ && owners_->AllSettled()) {
    rebuilding_ = false;
    lifecycle_->OnRebuilt();
  }
  if (on_settled_ == nullptr || !owners_->AllSettled()) return;
  std::exchange(on_settled_, nullptr)(absl::OkStatus());
}

void ControlPlane::OnInputs(const std::set<std::string>& consumers) {
  for (const std::string& consumer : consumers) {
    if (consumer == ConfigRepository::kConsumer) {
      if (config_ != nullptr) config_->OnInputChanged();
    } else if (const std::optional<OwnerKey> owner = OwnerKey::FromString(consumer)) {
      owners_->Trigger(*owner);
    }
  }
}

}  // namespace leidang::hub
