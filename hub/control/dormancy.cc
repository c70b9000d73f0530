#include "hub/control/dormancy.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace leidang::hub {
namespace {

constexpr char kAuthor[] = "the hub";
constexpr size_t kNamesMax = 100;    // Kept with the mark.
constexpr size_t kAuditedMax = 500;  // In one line of the audit log.

std::string NameOf(const intent::EntryKey& key) {
  return key.kind == intent::EntryKind::kApplication ? key.name : key.ToString();
}

// "a, b and 7 more".
std::string Listed(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kAuditedMax);
  std::string text = absl::StrJoin(names.begin(), names.begin() + static_cast<long>(shown), ", ");
  if (shown < names.size()) absl::StrAppend(&text, " and ", names.size() - shown, " more");
  return text;
}

}  // namespace

Dormancy::Dormancy(Parts parts, DormancyOptions options)
    : parts_(std::move(parts)), options_(options) {}

Dormancy::~Dormancy() {
  *alive_ = false;
  parts_.loop.Cancel(timer_);
}

void Dormancy::Start() {
  started_ = parts_.loop.clock().Monotonic();
  if (options_.interval == absl::InfiniteDuration() || parts_.presence == nullptr) return;
  timer_ = parts_.loop.After(options_.interval, [this] { Look(); });
}

void Dormancy::Look() {
  std::map<intent::ClusterId, uint64_t> tombstones;
  for (const ClusterLog& log : parts_.store.Logs()) tombstones[log.cluster] = log.tombstones;
  std::vector<intent::ClusterId> ids;
  for (const auto& [id, cluster] : parts_.records.clusters()) ids.push_back(id);
  for (const intent::ClusterId& id : ids) {
    // A write that begins changes the table for a moment.
    const auto found = parts_.records.clusters().find(id);
    if (found == parts_.records.clusters().end() || busy_.contains(id)) continue;
    LookAt(found->second, tombstones[id]);
  }
  const auto gone = [this](const auto& one) {
    return !parts_.records.clusters().contains(one.first);
  };
  std::erase_if(connected_, gone);
  std::erase_if(audited_, gone);
  timer_ = parts_.loop.After(options_.interval, [this] { Look(); });
}

void Dormancy::LookAt(const ClusterRegistration& cluster, uint64_t tombstones) {
  const LinkPresence link = parts_.presence(cluster.id);
  if (link.connected) {
    connected_[cluster.id] = parts_.loop.clock().Monotonic();
    if (cluster.dormancy) Unmark(cluster);
    return;
  }
  if (cluster.deleting || cluster.recovering) return;
  if (cluster.dormancy) {
    if (tombstones > 0) LeaveBehind(cluster.id);
    return;
  }
  const std::string why = WhyDormant(cluster, link, tombstones);
  if (!why.empty()) Mark(cluster, why);
}

bool Dormancy::AwayInThisProcess(const intent::ClusterId& id) const {
  const auto seen = connected_.find(id);
  const absl::Duration since = seen == connected_.end() ? started_ : seen->second;
  return parts_.loop.clock().Monotonic() - since >= std::min(options_.grace, options_.after);
}

std::string Dormancy::WhyDormant(const ClusterRegistration& cluster, const LinkPresence& link,
                                 uint64_t tombstones) const {
  if (!AwayInThisProcess(cluster.id)) return "";
  const absl::Time now = parts_.loop.clock().Now();
  if (tombstones >= options_.tombstones)
    return absl::StrCat(tombstones, " deletions wait for it, and it is not connected");
  // Of which nothing is remembered was there when this process began, for all that is known.
  absl::Time seen = std::max(link.last_seen, cluster.joined_at);
  if (link.last_seen == absl::InfinitePast())
    seen = std::max(seen, now - (parts_.loop.clock().Monotonic() - started_));
  if (!cluster.joined() || now - seen < options_.after) return "";
  return absl::StrCat("it was last seen at ", absl::FormatTime(seen, absl::UTCTimeZone()));
}

void Dormancy::Mark(const ClusterRegistration& cluster, const std::string& why) {
  const intent::ClusterId id = cluster.id;
  busy_.insert(id);
  const absl::Time now = parts_.loop.clock().Now();
  parts_.records.Update(
      [this, id, now]() -> absl::StatusOr<FleetRecords::Changes> {
        const auto found = parts_.records.clusters().find(id);
        if (found == parts_.records.clusters().end() || found->second.dormancy ||
            found->second.deleting)
          return FleetRecords::Changes();
        ClusterRegistration marked = found->second;
        marked.dormancy.emplace();
        marked.dormancy->since = now;
        return FleetRecords::Changes{change::PutCluster{std::move(marked)}};
      },
      [this, alive = alive_, id, why, name = cluster.name](const absl::Status& status) {
        if (!*alive) return;
        Ended(id, "cannot mark a cluster dormant", status);
        if (!status.ok() || Dormant(id) == nullptr) return;
        parts_.log.Warning("hub/control", "a cluster is dormant: deletions do not wait for it",
                           {{"cluster", name}, {"why", why}});
        parts_.records.Audit({kAuthor, ""}, absl::StrCat("mark cluster ", name, " dormant: ", why),
                             "done");
        LeaveBehind(id);
      });
}

void Dormancy::Unmark(const ClusterRegistration& cluster) {
  const intent::ClusterId id = cluster.id;
  busy_.insert(id);
  parts_.records.Update(
      [this, id]() -> absl::StatusOr<FleetRecords::Changes> {
        const auto found = parts_.records.clusters().find(id);
        if (found == parts_.records.clusters().end()) return FleetRecords::Changes();
        ClusterRegistration back = found->second;
        back.dormancy.reset();
        return FleetRecords::Changes{change::PutCluster{std::move(back)}};
      },
      [this, alive = alive_, id, name = cluster.name](const absl::Status& status) {
        if (!*alive) return;
        Ended(id, "cannot note that a dormant cluster is back", status);
        if (!status.ok()) return;
        parts_.log.Info("hub/control", "a dormant cluster is back", {{"cluster", name}});
        parts_.records.Audit({kAuthor, ""},
                             absl::StrCat("cluster ", name, " is back and not dormant any more; ",
                                          "what it holds beyond intent is unclaimed"),
                             "done");
      });
}

const ClusterRegistration* Dormancy::Dormant(const intent::ClusterId& id) const {
  const auto found = parts_.records.clusters().find(id);
  if (found == parts_.records.clusters().end() || !found->second.dormancy ||
      found->second.deleting || parts_.presence(id).connected)
    return nullptr;
  return &found->second;
}

void Dormancy::LeaveBehind(const intent::ClusterId& id) {
  const absl::StatusOr<std::vector<PendingTombstone>> waiting = parts_.store.Tombstones(id);
  if (!waiting.ok() || waiting->empty() || Dormant(id) == nullptr) return;
  busy_.insert(id);
  auto names = std::make_shared<std::vector<std::string>>();
  for (const PendingTombstone& tombstone : *waiting)
    names->push_back(NameOf(tombstone.tombstone.key));
  std::sort(names->begin(), names->end());
  parts_.records.Update(
      [this, id, names]() -> absl::StatusOr<FleetRecords::Changes> {
        const auto found = parts_.records.clusters().find(id);
        if (found == parts_.records.clusters().end() || !found->second.dormancy)
          return FleetRecords::Changes();
        ClusterRegistration cluster = found->second;
        // The same again after a crash in between changes nothing.
        for (const std::string& name : *names) {
          if (cluster.dormancy->left_behind.size() < kNamesMax) {
            cluster.dormancy->left_behind.insert(name);
          } else if (!cluster.dormancy->left_behind.contains(name)) {
            cluster.dormancy->more_left_behind = true;
          }
        }
        if (cluster == found->second) return FleetRecords::Changes();
        return FleetRecords::Changes{change::PutCluster{std::move(cluster)}};
      },
      [this, alive = alive_, id, names,
       newest = waiting->back().revision](const absl::Status& status) {
        if (!*alive) return;
        Ended(id, "cannot note what is left behind on a dormant cluster", status);
        const ClusterRegistration* cluster = Dormant(id);
        if (!status.ok() || cluster == nullptr) return;
        // Before they are dropped, and once where that has to be tried again.
        if (newest > std::exchange(audited_[id], newest)) {
          parts_.records.Audit({kAuthor, ""},
                               absl::StrCat("give up ", names->size(), " deletions on cluster ",
                                            cluster->name, ": ", Listed(*names)),
                               "left behind on a dormant cluster; no object was touched");
        }
        Drop(id);
      });
}

void Dormancy::Drop(const intent::ClusterId& id) {
  busy_.insert(id);
  WriteBatch batch;
  batch.DropTombstones(id);
  // ClusterLifecycle settles in the ledger what was dropped.
  parts_.store.Commit(
      std::move(batch), &parts_.loop, [this, alive = alive_, id](const CommitResult& result) {
        if (*alive) Ended(id, "cannot drop the tombstones of a dormant cluster", result.status);
      });
}

void Dormancy::Ended(const intent::ClusterId& id, const char* what, const absl::Status& status) {
  busy_.erase(id);
  if (status.ok()) return;
  parts_.log.Warning("hub/control", absl::StrCat(what, "; will try again"),
                     {{"cluster", id.Hex()}, {"error", status.message()}});
}

}  // namespace leidang::hub
