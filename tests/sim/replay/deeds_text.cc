#include "tests/sim/replay/deeds_text.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"

namespace leidang::sim {
namespace {

absl::Status Wrong(const Deed& deed, absl::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat("`", deed.end, " ", deed.verb, "` with ", name, "=", deed.Get(name)));
}

absl::StatusOr<intent::Source> SourceOf(const Deed& deed, const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '|');
  int tool = 0;
  std::optional<object::Sha256> tree;
  if (parts.size() == 6) tree = object::Sha256::FromHex(parts[5]);
  if (!tree.has_value() || !absl::SimpleAtoi(parts[4], &tool)) return Wrong(deed, "source");
  return intent::Source{.repo_url = parts[0],
                        .target_revision = parts[1],
                        .commit = parts[2],
                        .path = parts[3],
                        .tool = static_cast<intent::Tool>(tool),
                        .tree = *tree};
}

absl::StatusOr<intent::StatusCondition> ConditionOf(const Deed& deed, const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '|');
  int64_t since = 0;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[3], &since)) return Wrong(deed, "condition");
  return intent::StatusCondition{.type = parts[0],
                                 .reason = parts[1],
                                 .message = parts[2],
                                 .since = absl::FromUnixSeconds(since)};
}

std::string TextOf(const intent::StatusCondition& condition) {
  return absl::StrCat(condition.type, "|", condition.reason, "|", condition.message, "|",
                      absl::ToUnixMillis(condition.since));
}

}  // namespace

absl::StatusOr<uint64_t> NumberOf(const Deed& deed, absl::string_view name) {
  uint64_t number = 0;
  const std::string text = deed.Get(name);
  if (!text.empty() && !absl::SimpleAtoi(text, &number)) return Wrong(deed, name);
  return number;
}

absl::StatusOr<std::string> BytesOf(const Deed& deed, absl::string_view name) {
  const std::string text = deed.Get(name);
  if (text.empty() || text.size() % 2 != 0) return Wrong(deed, name);
  return absl::HexStringToBytes(text);
}

absl::StatusOr<intent::EntryKey> KeyOf(const Deed& deed) {
  return intent::EntryKey::FromString(deed.Get("key"));
}

absl::StatusOr<intent::Uid> UidOf(const Deed& deed) {
  const std::optional<intent::Uid> uid = intent::Uid::FromHex(deed.Get("uid"));
  if (!uid.has_value()) return Wrong(deed, "uid");
  return *uid;
}

absl::StatusOr<intent::Authority> AuthorityOf(const Deed& deed) {
  const std::optional<intent::HubId> hub = intent::HubId::FromHex(deed.Get("hub"));
  if (!hub.has_value()) return Wrong(deed, "hub");
  intent::Authority authority;
  authority.hub = *hub;
  ASSIGN_OR_RETURN(authority.epoch, NumberOf(deed, "epoch"));
  ASSIGN_OR_RETURN(authority.incarnation, NumberOf(deed, "incarnation"));
  return authority;
}

absl::StatusOr<intent::Assignment> AssignmentOf(const Deed& deed) {
  intent::Assignment assignment;
  ASSIGN_OR_RETURN(assignment.key, KeyOf(deed));
  ASSIGN_OR_RETURN(assignment.uid, UidOf(deed));
  assignment.body = deed.Get("body");
  const auto [first, last] = deed.arguments.equal_range("source");
  for (auto it = first; it != last; ++it) {
    ASSIGN_OR_RETURN(intent::Source source, SourceOf(deed, it->second));
    assignment.sources.push_back(std::move(source));
  }
  return assignment;
}

absl::StatusOr<intent::EntryStatus> StatusOf(const Deed& deed) {
  intent::EntryStatus status;
  ASSIGN_OR_RETURN(status.key, KeyOf(deed));
  ASSIGN_OR_RETURN(status.uid, UidOf(deed));
  ASSIGN_OR_RETURN(status.received, NumberOf(deed, "received"));
  ASSIGN_OR_RETURN(status.applied, NumberOf(deed, "applied"));
  ASSIGN_OR_RETURN(const uint64_t sync, NumberOf(deed, "sync"));
  ASSIGN_OR_RETURN(const uint64_t health, NumberOf(deed, "health"));
  ASSIGN_OR_RETURN(const uint64_t operation, NumberOf(deed, "operation"));
  status.sync = static_cast<intent::SyncState>(sync);
  status.health = static_cast<intent::HealthState>(health);
  status.operation = static_cast<intent::OperationPhase>(operation);
  status.message = deed.Get("message");
  status.applied_commit = deed.Get("commit");
  ASSIGN_OR_RETURN(status.objects, NumberOf(deed, "objects"));
  ASSIGN_OR_RETURN(status.drift_corrections, NumberOf(deed, "drift"));
  status.deleting = deed.Get("deleting") == "yes";
  status.gone = deed.Get("gone") == "yes";
  status.unclaimed = deed.Get("unclaimed") == "yes";
  ASSIGN_OR_RETURN(const uint64_t observed, NumberOf(deed, "observed"));
  status.observed_at = absl::FromUnixSeconds(static_cast<int64_t>(observed));
  const auto [first, last] = deed.arguments.equal_range("condition");
  for (auto it = first; it != last; ++it) {
    ASSIGN_OR_RETURN(intent::StatusCondition condition, ConditionOf(deed, it->second));
    status.conditions.push_back(std::move(condition));
  }
  return status;
}

std::string TextOf(const intent::Authority& authority) {
  return absl::StrCat(authority.hub.Hex(), ".", authority.epoch, ".", authority.incarnation);
}

std::string TextOf(const intent::Assignment& assignment) {
  std::string text = assignment.body;
  for (const intent::Source& source : assignment.sources) {
    absl::StrAppend(&text, " source=", source.repo_url, "|", source.target_revision, "|",
                    source.commit, "|", source.path, "|", static_cast<int>(source.tool), "|",
                    source.tree.Hex());
  }
  return text;
}

std::string TextOf(const intent::EntryStatus& status) {
  std::string text = absl::StrCat("received=", status.received, " applied=", status.applied,
                                  " element=", status.applied_element.Hex(),
                                  " sync=", static_cast<int>(status.sync),
                                  " health=", static_cast<int>(status.health),
                                  " operation=", static_cast<int>(status.operation),
                                  " message=", status.message, " commit=", status.applied_commit,
                                  " objects=", status.objects, " drift=", status.drift_corrections);
  absl::StrAppend(&text, status.deleting ? " deleting" : "", status.gone ? " gone" : "",
                  status.unclaimed ? " unclaimed" : "",
                  " observed=", absl::ToUnixMillis(status.observed_at));
  for (const intent::StatusCondition& condition : status.conditions)
    absl::StrAppend(&text, " condition=", TextOf(condition));
  return text;
}

}  // namespace leidang::sim
