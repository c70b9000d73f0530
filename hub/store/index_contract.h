#pragma once

// For tests: the index of Applications against a walk over the rows that it is derived from.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "hub/store/application_index.h"
#include "hub/store/store.h"

namespace leidang::hub {

// One Application as a walk finds it.
struct WalkedApplication {
  DerivedApplication row;
  bool offline = false;
  bool holds = false;
  intent::SyncState sync = intent::SyncState::kUnknown;
  intent::HealthState health = intent::HealthState::kUnknown;
};

// `live`: the clusters that have a live session.
inline std::vector<WalkedApplication> WalkApplications(const Store& store,
                                                       const std::set<intent::ClusterId>& live) {
  std::vector<WalkedApplication> walked;
  PageRequest request;
  do {
    const absl::StatusOr<Page<DerivedApplication>> page = store.Applications(request);
    for (const DerivedApplication& row : page->items) {
      WalkedApplication& one = walked.emplace_back();
      one.row = row;
      one.offline = !row.cluster.IsNone() && !live.contains(row.cluster);
      const intent::EntryKey key{intent::EntryKind::kApplication, row.key};
      const auto assignment = store.Assignment(row.cluster, key);
      const intent::Revision assigned = assignment.ok() ? assignment->revision : 0;
      const auto statuses = store.Statuses(row.cluster, key);
      for (const intent::EntryStatus& status : *statuses) {
        if (status.uid != row.uid) continue;
        const bool old = status.sync == intent::SyncState::kSynced && status.applied < assigned;
        for (const intent::StatusCondition& condition : status.conditions)
          one.holds = one.holds || condition.type == "DeletionsHeld";
        if (one.offline) continue;  // Nothing is known of now.
        one.sync = old ? intent::SyncState::kOutOfSync : status.sync;
        one.health = status.health;
      }
    }
    request.token = page->next;
  } while (!request.token.empty());
  return walked;
}

inline std::string TextOf(const ApplicationCounts& counts) {
  std::string text = absl::StrCat(counts.total, ":");
  for (const uint64_t n : counts.sync) absl::StrAppend(&text, " ", n);
  absl::StrAppend(&text, " /");
  for (const uint64_t n : counts.health) absl::StrAppend(&text, " ", n);
  absl::StrAppend(&text, " offline ", counts.offline);
  return text;
}

inline bool WalkMatches(const ApplicationFilter& filter, const WalkedApplication& one) {
  if (filter.set && one.row.set != *filter.set) return false;
  if (filter.cluster && one.row.cluster != *filter.cluster) return false;
  if (filter.project && one.row.project != *filter.project) return false;
  if (filter.sync && one.sync != *filter.sync) return false;
  if (filter.health && one.health != *filter.health) return false;
  if (filter.holding && !one.holds) return false;
  const size_t slash = one.row.key.find('/');
  return one.row.key.find(filter.name_part, slash + 1) != std::string::npos;
}

// "" if the index lists for the filter what the walk does, page by page of `limit`.
inline std::string PagesDiffer(const ApplicationIndex& index, const ApplicationFilter& filter,
                               const std::vector<WalkedApplication>& walked, size_t limit) {
  std::vector<std::string> wanted, listed;
  for (const WalkedApplication& one : walked) {
    if (WalkMatches(filter, one)) wanted.push_back(one.row.key);
  }
  std::vector<std::string> page;
  do {
    page = index.Keys(filter, listed.empty() ? "" : listed.back(), limit);
    listed.insert(listed.end(), page.begin(), page.end());
  } while (page.size() == limit);
  std::sort(wanted.begin(), wanted.end());
  if (wanted == listed) return "";
  return absl::StrCat("the index lists ", listed.size(), " keys, the walk finds ", wanted.size());
}

// "" if the index of the store counts and lists what a walk over its rows does; else what differs.
// No commit may be under way.
inline std::string IndexDiffers(const Store& store, const std::set<intent::ClusterId>& live) {
  const std::vector<WalkedApplication> walked = WalkApplications(store, live);
  const ApplicationIndex& index = store.Index();
  ApplicationCounts all;
  std::map<std::string, ApplicationCounts> sets, projects;
  std::map<intent::ClusterId, ApplicationCounts> clusters;
  for (const WalkedApplication& one : walked) {
    for (ApplicationCounts* counts :
         {&all, &sets[one.row.set], &projects[one.row.project], &clusters[one.row.cluster]}) {
      ++counts->total;
      ++counts->sync[static_cast<size_t>(one.sync)];
      ++counts->health[static_cast<size_t>(one.health)];
      counts->offline += one.offline ? 1 : 0;
    }
  }
  std::string differs;
  const auto compare = [&](absl::string_view what, const ApplicationCounts& counted,
                           const ApplicationCounts& found) {
    if (counted == found || !differs.empty()) return;
    differs = absl::StrCat(what, ": the index counts ", TextOf(counted), ", the walk finds ",
                           TextOf(found));
  };
  compare("all", index.All(), all);
  for (const auto& [name, counts] : sets) compare("set " + name, index.OfSet(name), counts);
  for (const auto& [name, counts] : projects)
    compare("project " + name, index.OfProject(name), counts);
  for (const auto& [id, counts] : clusters)
    compare("cluster " + id.Hex(), index.OfCluster(id), counts);
  if (!differs.empty()) return differs;
  return PagesDiffer(index, {}, walked, 3);
}

}  // namespace leidang::hub
