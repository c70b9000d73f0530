#include "hub/rpc/application_query.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::hub {
namespace {

constexpr char kTokenPrefix[] = "after:";

// The state of that name, in any case of letters; nullopt if none is asked for.
template <typename State, size_t kStates>
absl::StatusOr<std::optional<State>> StateNamed(absl::string_view what, const std::string& name,
                                                const char* (*name_of)(State)) {
  if (name.empty()) return std::optional<State>();
  std::string known;
  for (size_t i = 0; i < kStates; ++i) {
    const auto state = static_cast<State>(i);
    if (absl::EqualsIgnoreCase(name, name_of(state))) return std::optional<State>(state);
    absl::StrAppend(&known, i == 0 ? "" : ", ", name_of(state));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "\" is no ", what, ": use one of ", known));
}

}  // namespace

const char* SyncName(intent::SyncState state) {
  switch (state) {
    case intent::SyncState::kSynced:
      return "Synced";
    case intent::SyncState::kOutOfSync:
      return "OutOfSync";
    case intent::SyncState::kUnknown:
      return "Unknown";
  }
  return "Unknown";
}

const char* HealthName(intent::HealthState state) {
  switch (state) {
    case intent::HealthState::kHealthy:
      return "Healthy";
    case intent::HealthState::kProgressing:
      return "Progressing";
    case intent::HealthState::kSuspended:
      return "Suspended";
    case intent::HealthState::kDegraded:
      return "Degraded";
    case intent::HealthState::kMissing:
      return "Missing";
    case intent::HealthState::kUnknown:
      return "Unknown";
  }
  return "Unknown";
}

absl::StatusOr<ApplicationFilter> QueryOf(const v1::ListRequest& request) {
  ApplicationFilter filter;
  if (!request.set().empty()) filter.set = request.set();
  if (!request.project().empty()) filter.project = request.project();
  filter.name_part = request.name_part();
  ASSIGN_OR_RETURN(filter.sync, (StateNamed<intent::SyncState, kSyncStates>(
                                    "sync state", request.sync(), SyncName)));
  ASSIGN_OR_RETURN(filter.health, (StateNamed<intent::HealthState, kHealthStates>(
                                      "health", request.health(), HealthName)));
  return filter;
}

void FillCounts(const ApplicationCounts& counts, v1::ApplicationCounts* out) {
  out->set_total(counts.total);
  out->set_offline(counts.offline);
  for (size_t i = 0; i < kSyncStates; ++i) {
    v1::StateCount* count = out->add_sync();
    count->set_state(SyncName(static_cast<intent::SyncState>(i)));
    count->set_applications(counts.sync[i]);
  }
  for (size_t i = 0; i < kHealthStates; ++i) {
    v1::StateCount* count = out->add_health();
    count->set_state(HealthName(static_cast<intent::HealthState>(i)));
    count->set_applications(counts.health[i]);
  }
}

std::string TokenOf(absl::string_view last_key) { return absl::StrCat(kTokenPrefix, last_key); }

absl::StatusOr<std::string> KeyOfToken(const std::string& token) {
  if (token.empty()) return token;
  if (absl::StartsWith(token, kTokenPrefix)) return token.substr(sizeof(kTokenPrefix) - 1);
  return absl::InvalidArgumentError(
      "the page token does not belong to this list: take it from the previous page");
}

}  // namespace leidang::hub
