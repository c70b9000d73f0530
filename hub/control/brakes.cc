#include "hub/control/brakes.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/intent/deletion_limit.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kWindow = absl::Hours(1);
constexpr absl::Duration kGrain = absl::Minutes(1);  // Deletions of a minute are one entry.
constexpr size_t kMarksMax = 20'000;                 // Of one owner, in a record.

BrakeMark MarkOf(const BrakedDeletion& deletion) {
  const object::Sha256 hash = object::Sha256::Of(absl::StrCat(deletion.name, "\n", deletion.uid));
  return *BrakeMark::FromRaw(absl::string_view(hash.Raw()).substr(0, 16));
}

object::Sha256 DigestOf(const std::vector<BrakedDeletion>& deletions) {
  object::Sha256Stream stream;
  for (const BrakedDeletion& d : deletions) stream.Add(absl::StrCat(d.name, "\n", d.uid, "\n"));
  return stream.Finish();
}

uint64_t RecentOf(const Brake& brake, absl::Time now) {
  uint64_t number = 0;
  for (const Brake::Passed& p : brake.passed) number += p.at + kWindow > now ? p.number : 0;
  return number;
}

void Pass(Brake* brake, uint64_t number, absl::Time now) {
  if (number == 0) return;
  if (brake->passed.empty() || brake->passed.back().at + kGrain <= now)
    brake->passed.push_back({now, 0});
  brake->passed.back().number += number;
}

}  // namespace

void Brakes::Load() {
  for (const auto& [id, brake] : records_.brakes()) EntryOf(id).brake = brake;
}

Brakes::Entry& Brakes::EntryOf(const BrakeId& id) {
  const auto [found, made] = entries_.try_emplace(id);
  if (made) found->second.brake.id = found->second.view.brake = id;
  return found->second;
}

std::set<std::string> Brakes::Judge(const Question& question, absl::Time now,
                                    FleetRecords::Changes* changes) {
  if (question.wishes.empty() && !entries_.contains(question.brake)) return {};
  Entry& entry = EntryOf(question.brake);
  Brake::Part& part = entry.brake.parts[question.owner];
  std::erase_if(entry.brake.passed, [now](const auto& p) { return p.at + kWindow <= now; });
  const uint64_t recent = RecentOf(entry.brake, now);
  std::vector<BrakedDeletion> held, open;
  std::set<std::string> named;
  for (const BrakedDeletion& wish : question.wishes) {
    named.insert(wish.name);
    if (question.approved.contains(wish.name)) continue;
    const bool waits = part.held.contains(MarkOf(wish)) && !question.limit.chosen();
    (waits ? held : open).push_back(wish);
  }
  const uint64_t count = open.size() + held.size() + recent;
  Asked& asked = entry.asked[question.owner];
  if (!open.empty() && question.limit.Exceeds(count, question.total + recent)) {
    held.insert(held.end(), open.begin(), open.end());
    asked.why = question.why;
    if (asked.why.empty())
      asked.why =
          absl::StrCat(count, " of ", question.total + recent,
                       " within an hour; without a question not ", question.limit.ToString());
  } else {
    Pass(&entry.brake, open.size(), now);
  }
  if (question.complete == Wishes::kAll) {
    part.approved.clear();
    part.held.clear();
  } else {
    for (const BrakedDeletion& d : asked.held) {
      if (!named.contains(d.name)) held.push_back(d);
    }
    for (const BrakedDeletion& wish : question.wishes) {
      part.approved.erase(MarkOf(wish));
      part.held.erase(MarkOf(wish));
    }
  }
  std::sort(held.begin(), held.end());
  for (const BrakedDeletion& d : held) {
    if (part.held.size() < kMarksMax) part.held.insert(MarkOf(d));
  }
  std::set<std::string> names;
  for (const BrakedDeletion& d : held) {
    if (named.contains(d.name)) names.insert(d.name);
  }
  asked.held = std::move(held);
  if (asked.held.empty()) entry.asked.erase(question.owner);
  Keep(entry, now, changes);
  return names;
}

void Brakes::Keep(Entry& entry, absl::Time now, FleetRecords::Changes* changes) {
  Brake& brake = entry.brake;
  Held& view = entry.view;
  view.deletions.clear();
  view.owners.clear();
  view.why.clear();
  for (const auto& [owner, asked] : entry.asked) {
    if (asked.held.empty()) continue;
    view.deletions.insert(view.deletions.end(), asked.held.begin(), asked.held.end());
    view.owners.insert(owner);
    view.why = asked.why.empty() ? "held before the hub was started again" : asked.why;
  }
  std::sort(view.deletions.begin(), view.deletions.end());
  view.digest = DigestOf(view.deletions);
  std::erase_if(brake.parts,
                [](const auto& p) { return p.second.held.empty() && p.second.approved.empty(); });
  const bool waits = std::any_of(brake.parts.begin(), brake.parts.end(),
                                 [](const auto& p) { return !p.second.held.empty(); });
  if (!waits) {
    brake.held_since = absl::InfiniteFuture();
    brake.rejected = {};
    brake.rejected_by.clear();
  } else if (brake.held_since == absl::InfiniteFuture()) {
    brake.held_since = now;
  }
  view.since = brake.held_since;
  view.decided = brake.rejected == view.digest ? brake.rejected_by : "";
  const auto stored = records_.brakes().find(brake.id);
  if (brake.parts.empty() && brake.passed.empty()) {
    if (stored != records_.brakes().end()) changes->push_back(change::EraseBrake{brake.id});
  } else if (stored == records_.brakes().end() || !(stored->second == brake)) {
    changes->push_back(change::PutBrake{brake});
  }
}

bool Brakes::IsApproved(const Owner& owner, const BrakedDeletion& deletion) const {
  const BrakeMark mark = MarkOf(deletion);
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    const auto part = entry.second.brake.parts.find(owner);
    return part != entry.second.brake.parts.end() && part->second.approved.contains(mark);
  });
}

bool Brakes::WasHeld(const Owner& owner, const BrakedDeletion& deletion) const {
  const BrakeMark mark = MarkOf(deletion);
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    const auto part = entry.second.brake.parts.find(owner);
    return part != entry.second.brake.parts.end() && part->second.held.contains(mark);
  });
}

uint64_t Brakes::Recent(const BrakeId& brake, absl::Time now) const {
  const auto found = entries_.find(brake);
  return found == entries_.end() ? 0 : RecentOf(found->second.brake, now);
}

void Brakes::Forget(const Owner& owner, FleetRecords::Changes* changes) {
  for (auto& [id, entry] : entries_) {
    const bool asked = entry.asked.erase(owner) > 0;
    const bool stored = entry.brake.parts.erase(owner) > 0;
    if (asked || stored) Keep(entry, entry.brake.held_since, changes);
  }
}

std::vector<Brakes::Held> Brakes::List() const {
  std::vector<Held> list;
  for (const auto& [id, entry] : entries_) {
    if (!entry.view.deletions.empty()) list.push_back(entry.view);
  }
  return list;
}

bool Brakes::Holds(const Owner& owner, absl::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    const auto asked = entry.second.asked.find(owner);
    return asked != entry.second.asked.end() &&
           std::any_of(asked->second.held.begin(), asked->second.held.end(),
                       [name](const BrakedDeletion& d) { return d.name == name; });
  });
}

std::vector<BrakeId> Brakes::Concerning(const Owner& owner) const {
  std::vector<BrakeId> concerning;
  for (const auto& [id, entry] : entries_) {
    if (entry.asked.contains(owner) || entry.brake.parts.contains(owner)) concerning.push_back(id);
  }
  return concerning;
}

absl::Status Brakes::NoSuchList(absl::string_view digest) {
  return absl::NotFoundError(
      absl::StrCat("no brake holds a list with the digest ", digest,
                   ": it may have changed or lapsed; see `leidang brake list`"));
}

absl::StatusOr<Brakes::Entry*> Brakes::Named(absl::string_view digest) {
  if (digest.size() < kDigitsMin) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", digest,
                     "\" names no list: give the digest that `leidang brake list` "
                     "shows, at least ",
                     kDigitsMin, " digits of it"));
  }
  for (auto& [id, entry] : entries_) {
    if (!entry.view.deletions.empty() && absl::StartsWith(entry.view.digest.Hex(), digest))
      return &entry;
  }
  return NoSuchList(digest);
}

absl::StatusOr<FleetRecords::Changes> Brakes::Approve(absl::string_view digest,
                                                      const Decision& decision, Held* approved) {
  ASSIGN_OR_RETURN(Entry * entry, Named(digest));
  for (const auto& [owner, asked] : entry->asked) {
    if (asked.held.size() > kMarksMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("more than ", kMarksMax, " deletions wait: annotate the object with ",
                       intent::kMaxDeletionsAnnotation, " instead"));
    }
  }
  *approved = entry->view;
  for (const auto& [owner, asked] : entry->asked) {
    for (const BrakedDeletion& d : asked.held) {
      entry->brake.parts[owner].approved.insert(MarkOf(d));
    }
  }
  entry->brake.rejected = {};
  FleetRecords::Changes changes;
  Keep(*entry, decision.at, &changes);
  return changes;
}

absl::StatusOr<FleetRecords::Changes> Brakes::Reject(absl::string_view digest,
                                                     const Decision& decision, Held* rejected) {
  ASSIGN_OR_RETURN(Entry * entry, Named(digest));
  *rejected = entry->view;
  entry->brake.rejected = entry->view.digest;
  entry->brake.rejected_by = decision.who;
  for (auto& [owner, part] : entry->brake.parts) part.approved.clear();
  FleetRecords::Changes changes;
  Keep(*entry, decision.at, &changes);
  return changes;
}

std::string BrakeText(const BrakeId& brake, const FleetRecords& records) {
  switch (brake.scope) {
    case BrakeScope::kSet:
      return absl::StrCat("set ", brake.key);
    case BrakeScope::kCluster:
      if (const auto id = intent::ClusterId::FromHex(brake.key)) {
        const auto found = records.clusters().find(*id);
        if (found != records.clusters().end()) return absl::StrCat("cluster ", found->second.name);
      }
      return absl::StrCat("cluster ", brake.key);
    case BrakeScope::kConfiguration:
      return "configuration";
  }
  return "";
}

}  // namespace leidang::hub
