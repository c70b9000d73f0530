#include "agent/reconcile/fleet_settings.h"

#include <utility>

#include "common/base/status_macros.h"
#include "common/intent/intent.h"
#include "common/object/value.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kRoom = "agent/reconcile";

const intent::EntryKey& SettingsKey() {
  static const intent::EntryKey key{intent::EntryKind::kSettings, "argocd-cm"};
  return key;
}

absl::StatusOr<HealthScripts> ParseBody(const std::string& body) {
  ASSIGN_OR_RETURN(const object::Value settings, object::ParseJson(body));
  return HealthScripts::Parse(settings, "the hub's settings");
}

}  // namespace

FleetSettings::FleetSettings(State& state, Log& log, Changed changed)
    : state_(state), log_(log), changed_(std::move(changed)) {}

FleetSettings::~FleetSettings() {
  if (watching_) state_.RemoveObserver(this);
}

void FleetSettings::Start() {
  state_.AddObserver(this);
  watching_ = true;
  Read();
}

void FleetSettings::OnEntryChanged(const EntryRef& entry) {
  if (entry.key == SettingsKey()) Read();
}

absl::StatusOr<std::string> FleetSettings::Body() const {
  ASSIGN_OR_RETURN(const std::vector<EntryHead> heads, state_.HeadsOf(SettingsKey()));
  for (const EntryHead& head : heads) {
    // What a hub that lost its memory does not know stays in force.
    if (head.phase == EntryPhase::kDeleting) continue;
    ASSIGN_OR_RETURN(const Entry entry, state_.Find(head.ref));
    if (entry.assignment.has_value()) return entry.assignment->body;
  }
  return "{}";
}

void FleetSettings::Read() {
  absl::StatusOr<std::string> body = Body();
  if (body.ok() && *body == body_) return;
  absl::StatusOr<HealthScripts> checks =
      body.ok() ? ParseBody(*body) : absl::StatusOr<HealthScripts>(body.status());
  if (!checks.ok()) {
    log_.Error(kRoom, "the hub's settings cannot be read; those before stay in force",
               {{"error", checks.status().message()}});
    return;
  }
  body_ = *std::move(body);
  changed_(*std::move(checks));
}

}  // namespace leidang::agent
