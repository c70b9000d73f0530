#include "hub/vital_signs.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kMeasureInterval = absl::Seconds(5);
constexpr absl::Duration kStuckAfter = absl::Minutes(1);

}  // namespace

VitalSigns::VitalSigns(Parts parts)
    : parts_(std::move(parts)),
      measured_at_ns_(absl::ToInt64Nanoseconds(parts_.control.clock().Monotonic())) {
  Set("leidang_hub_disk_sync_p99_seconds", "A small synced write, measured at start, p99.",
      absl::ToDoubleSeconds(parts_.database.sync_latency().p99));
}

void VitalSigns::Start() { Measure(); }

void VitalSigns::Set(const char* name, const char* help, double value) {
  parts_.metrics.AddGauge({.name = name, .help = help}).Set(value);
}

void VitalSigns::Measure() {
  measured_at_ns_ = absl::ToInt64Nanoseconds(parts_.control.clock().Monotonic());
  size_t connected = 0;
  size_t recovering = 0;
  size_t dormant = 0;
  for (const auto& [id, cluster] : parts_.records.clusters()) {
    if (parts_.connected(id)) ++connected;
    if (cluster.recovering) ++recovering;
    if (cluster.dormancy) ++dormant;
  }
  const auto set = [this](const char* name, const char* help, auto value) {
    Set(name, help, static_cast<double>(value));
  };
  set("leidang_hub_clusters", "Registered clusters.", parts_.records.clusters().size());
  set("leidang_hub_clusters_connected", "Clusters with a live session.", connected);
  set("leidang_hub_clusters_recovering", "Clusters that are sent nothing.", recovering);
  set("leidang_hub_clusters_dormant", "Clusters that no deletion waits for.", dormant);
  set("leidang_hub_applications", "Applications.", parts_.store.CountApplications());
  set("leidang_hub_pending_deletions", "Deletions that are decided and not carried out.",
      parts_.records.pending_deletions().size());
  if (const absl::StatusOr<uint64_t> bytes = parts_.database.DiskBytes(); bytes.ok())
    set("leidang_hub_store_bytes", "Files of the store.", *bytes);
  if (const absl::StatusOr<size_t> resident = ResidentBytes(); resident.ok()) {
    set("leidang_hub_resident_bytes", "Memory of the hub.", *resident);
    if (slack_.Look(*resident)) parts_.give_back();
  }
  parts_.control.After(kMeasureInterval, [this] { Measure(); });
}

absl::Status VitalSigns::Alive() const {
  const absl::Duration since =
      parts_.control.clock().Monotonic() - absl::Nanoseconds(measured_at_ns_.load());
  if (since < kStuckAfter) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the control loop has not moved for ", absl::FormatDuration(since)));
}

absl::Status VitalSigns::Ready() const {
  if (absl::Status alive = Alive(); !alive.ok()) return alive;
  if (!serving_) {
    return absl::UnavailableError(
        "the hub is starting: sets are expanded before agents are let in");
  }
  return parts_.database.WriteHealth();
}

std::function<void(absl::Duration)> SyncHistogram(Metrics& metrics) {
  Histogram& synced = metrics.AddHistogram(
      {.name = "leidang_hub_store_sync_seconds", .help = "Synced writes to the store."},
      SecondsBounds());
  return [&synced](absl::Duration took) { synced.Observe(absl::ToDoubleSeconds(took)); };
}

}  // namespace leidang::hub
