// The braking part of ConfigRepository: which removals of a commit must wait for a person.

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/intent/deletion_limit.h"
#include "hub/control/config_repository.h"

namespace leidang::hub {
namespace {

std::string NameOf(const Desk::Target& target) {
  return OwnerKey{target.kind, target.key}.ToString();
}

}  // namespace

// The set's own limit lets all of it go. What it has is known when it has been expanded in full.
bool ConfigRepository::AllowsItsEnd(const WrittenObject& set) {
  const absl::StatusOr<object::Value> manifest = object::ParseJson(set.manifest);
  if (!manifest.ok()) return false;
  const absl::StatusOr<BrakeLimit> limit = ParseBrakeLimit(
      object::FindString(*manifest, {"metadata", "annotations", intent::kMaxDeletionsAnnotation}));
  if (!limit.ok()) return false;
  const OwnerKey owner{set.kind, set.key};
  const OwnerReport* report = parts_.owners.Report(owner);
  if (report == nullptr || !report->settled || !report->complete) {
    awaited_.insert(owner);
    return false;
  }
  const uint64_t number =
      parts_.store.CountApplicationsOfSet(set.key) +
      parts_.brakes.Recent({BrakeScope::kSet, set.key}, parts_.loop.clock().Now());
  return !limit->Exceeds(number, number);
}

ConfigRepository::Leaver ConfigRepository::LeaverOf(const Desk::Target& target) {
  const WrittenObject& object = *parts_.records.Object(target.kind, target.key);
  Leaver leaver;
  leaver.is_set = target.kind == WrittenKind::kApplicationSet;
  leaver.deletion = {NameOf(target), absl::StrCat(absl::ToUnixNanos(object.created_at))};
  for (const char* owner : Brakes::kAllOfConfiguration)
    leaver.approved = leaver.approved || parts_.brakes.IsApproved(owner, leaver.deletion);
  if (leaver.approved) return leaver;
  leaver.waits = leaver.is_set && !AllowsItsEnd(object);
  const auto add = [&leaver](const DerivedApplication& application) {
    if (!application.cluster.IsNone())
      leaver.placed.push_back({application.cluster, {application.key, application.uid.Hex()}});
  };
  if (!leaver.is_set) {
    const absl::StatusOr<DerivedApplication> one = parts_.store.Application(target.key);
    if (one.ok() && one->set.empty()) add(*one);
    return leaver;
  }
  PageRequest page;
  page.limit = kPageLimitMax;
  do {
    const absl::StatusOr<Page<DerivedApplication>> applications =
        parts_.store.ApplicationsOfSet(target.key, page);
    if (!applications.ok()) {
      leaver.waits = true;  // Nobody knows how many go.
      break;
    }
    for (const DerivedApplication& application : applications->items) add(application);
    page.token = applications->next;
  } while (!page.token.empty());
  return leaver;
}

void ConfigRepository::AskClusters(std::vector<Leaver>* leavers) const {
  std::map<intent::ClusterId, uint64_t> leaving;
  for (const Leaver& leaver : *leavers) {
    for (const auto& [cluster, deletion] : leaver.placed) leaving[cluster] += leaver.waits ? 0 : 1;
  }
  const absl::Time now = parts_.loop.clock().Now();
  for (const auto& [cluster, number] : leaving) {
    if (number == 0) continue;
    const BrakeLimit limit = parts_.owners.LimitOfCluster(cluster);
    const uint64_t recent = parts_.brakes.Recent({BrakeScope::kCluster, cluster.Hex()}, now);
    const bool exceeded =
        limit.Exceeds(number + recent, parts_.owners.ApplicationsOn(cluster) + recent);
    for (Leaver& leaver : *leavers) {
      const bool concerned =
          std::any_of(leaver.placed.begin(), leaver.placed.end(),
                      [&cluster](const auto& placed) { return placed.first == cluster; });
      // What waits stays so whatever time passes, unless a person chose how many may go.
      if (concerned &&
          (exceeded || (!limit.chosen() &&
                        parts_.brakes.WasHeld(Brakes::kConfiguredAtClusters, leaver.deletion))))
        leaver.too_many = true;
    }
  }
}

void ConfigRepository::CountAtClusters(const std::vector<Leaver>& leavers,
                                       const std::set<std::string>& held,
                                       FleetRecords::Changes* changes) const {
  std::map<intent::ClusterId, std::vector<BrakedDeletion>> passing;
  for (const Leaver& leaver : leavers) {
    if (held.contains(leaver.deletion.name)) continue;
    for (const auto& [cluster, deletion] : leaver.placed) passing[cluster].push_back(deletion);
  }
  for (auto& [cluster, deletions] : passing) {
    Brakes::Question question = Ask(Brakes::kConfiguredAtClusters, BrakeLimit::Kind::kUnlimited);
    question.brake = {BrakeScope::kCluster, cluster.Hex()};
    question.wishes = std::move(deletions);
    parts_.brakes.Judge(question, parts_.loop.clock().Now(), changes);
  }
}

Brakes::Question ConfigRepository::Ask(const Brakes::Owner& owner, BrakeLimit::Kind limit) const {
  Brakes::Question question;
  question.brake = {BrakeScope::kConfiguration, ""};
  question.owner = owner;
  question.limit = {limit, 0};
  return question;
}

FleetRecords::Changes ConfigRepository::Brake(Taking& taking) {
  Brakes::Question all = Ask(Brakes::kConfiguration, BrakeLimit::Kind::kAny);
  Brakes::Question written = Ask(Brakes::kConfiguredApplications, BrakeLimit::Kind::kWritten);
  Brakes::Question at_clusters = Ask(Brakes::kConfiguredAtClusters, BrakeLimit::Kind::kAny);
  at_clusters.why = "more on one cluster than go there within an hour without a question";
  const auto wish = [](Brakes::Question* question, const Leaver& leaver) {
    if (leaver.approved) question->approved.insert(leaver.deletion.name);
    question->wishes.push_back(leaver.deletion);
  };
  std::vector<Leaver> leavers;
  for (const Desk::Target& target : taking.gone) {
    if (target.kind == WrittenKind::kApplication || target.kind == WrittenKind::kApplicationSet)
      leavers.push_back(LeaverOf(target));
  }
  AskClusters(&leavers);
  for (const Leaver& leaver : leavers) {
    if (leaver.waits) {
      wish(&all, leaver);
    } else if (leaver.too_many) {
      wish(&at_clusters, leaver);
    } else if (!leaver.is_set) {
      wish(&written, leaver);
    }
  }
  for (const intent::ClusterId& id : taking.leaving) {
    Leaver leaver;
    leaver.deletion = {ClusterText(id), id.Hex()};
    leaver.approved = parts_.brakes.IsApproved(Brakes::kConfiguration, leaver.deletion);
    wish(&all, leaver);
  }
  for (const auto& [key, object] : parts_.records.Objects(WrittenKind::kApplicationSet))
    all.total += IsOfConfig(object.owner) ? 1 : 0;
  for (const auto& [id, cluster] : parts_.records.clusters())
    all.total += IsOfConfig(cluster.owner) ? 1 : 0;
  for (const auto& [key, object] : parts_.records.Objects(WrittenKind::kApplication))
    written.total += IsOfConfig(object.owner) ? 1 : 0;

  FleetRecords::Changes changes;
  const absl::Time now = parts_.loop.clock().Now();
  std::set<std::string> held = parts_.brakes.Judge(all, now, &changes);
  held.merge(parts_.brakes.Judge(written, now, &changes));
  held.merge(parts_.brakes.Judge(at_clusters, now, &changes));
  CountAtClusters(leavers, held, &changes);
  std::erase_if(taking.gone, [&](const Desk::Target& t) { return held.contains(NameOf(t)); });
  std::erase_if(taking.leaving,
                [&](const intent::ClusterId& id) { return held.contains(ClusterText(id)); });
  return changes;
}

std::string ConfigRepository::ClusterText(const intent::ClusterId& id) const {
  return absl::StrCat("cluster ", parts_.records.clusters().at(id).name);
}

}  // namespace leidang::hub
