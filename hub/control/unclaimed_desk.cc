#include "hub/control/unclaimed_desk.h"

#include <algorithm>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/status_macros.h"
#include "hub/control/manifest_rules.h"

namespace leidang::hub {
namespace {

using State = UnclaimedDesk::Entry::State;

constexpr size_t kStatusesPerPage = 20'000;  // Read for one answer, or one cluster's.
constexpr char kNotListed[] = "see `leidang unclaimed list`";

// "https://git.example/shop cart", for people.
std::string SourceOf(const std::string& body) {
  const absl::StatusOr<object::Value> parsed = object::ParseJson(body);
  if (!parsed.ok()) return "";
  const object::Value* source = object::Find(*parsed, {"spec", "source"});
  if (const object::Value* several = object::Find(*parsed, {"spec", "sources"});
      several != nullptr && several->is_array() && !several->as_array().empty()) {
    source = &several->as_array()[0];
  }
  if (source == nullptr) return "";
  std::string what(object::FindString(*source, {"path"}));
  if (what.empty()) what = std::string(object::FindString(*source, {"chart"}));
  return absl::StrCat(object::FindString(*source, {"repoURL"}), what.empty() ? "" : " ", what);
}

// The Application that an agent holds, with a destination that means this cluster at this hub.
absl::StatusOr<object::Value> ManifestOf(const std::string& body,
                                         const ClusterRegistration& cluster) {
  ASSIGN_OR_RETURN(object::Value manifest, object::ParseJson(body));
  if (!manifest.is_object())
    return absl::InvalidArgumentError("what the agent holds is no Application");
  // Before anything points into it: an insertion moves the members.
  manifest.as_object()["apiVersion"] = "argoproj.io/v1alpha1";
  manifest.as_object()["kind"] = "Application";
  object::Value* spec = manifest.as_object().if_contains("spec");
  if (spec == nullptr || !spec->is_object())
    return absl::InvalidArgumentError("what the agent holds has no spec");
  object::Value& destination = spec->as_object()["destination"];
  if (!destination.is_object()) destination = object::Object();
  if (object::FindString(destination, {"name"}) == cluster.name ||
      object::FindString(destination, {"server"}) == cluster.server) {
    return manifest;
  }
  object::StableErase(destination.as_object(), "name");
  destination.as_object()["server"] = cluster.server;
  return manifest;
}

bool IsAnother(const std::string& key, const UnclaimedDesk::Target& target) {
  return target.ns.empty() ? !absl::EndsWith(key, absl::StrCat("/", target.name))
                           : key != absl::StrCat(target.ns, "/", target.name);
}

std::string OutcomeOf(const UnclaimedDesk::Decided& decided) {
  switch (decided.written) {
    case UnclaimedDesk::Decided::Written::kAsHeld:
      return "written as the agent holds it";
    case UnclaimedDesk::Decided::Written::kAnew:
      return "written under another uid";
    case UnclaimedDesk::Decided::Written::kNo:
      return absl::StrCat(decided.ending, " of that name end");
  }
  return "";
}

}  // namespace

UnclaimedDesk::Entry UnclaimedDesk::Described(const ClusterRegistration& cluster,
                                              intent::EntryStatus status) const {
  Entry entry{.cluster = cluster.id,
              .cluster_name = cluster.name,
              .why = "",
              .source = SourceOf(status.body),
              .status = std::move(status)};
  const std::string& key = entry.status.key.name;
  const absl::StatusOr<DerivedApplication> own = parts_.store.Application(key);
  const auto pending =
      parts_.records.pending_deletions().find({cluster.id, entry.status.key, entry.status.uid});
  if (pending != parts_.records.pending_deletions().end()) {
    entry.state = State::kEnding;
    entry.why = pending->second.reason;
  } else if (own.ok() && own->cluster == cluster.id && own->uid == entry.status.uid) {
    entry.state = State::kAdopted;
    entry.why = "the hub has claimed it";
  } else if (own.ok() && own->cluster == cluster.id) {
    entry.why = "the hub's Application of this name here has another uid";
  } else if (own.ok() && !own->cluster.IsNone()) {
    const auto other = parts_.records.clusters().find(own->cluster);
    entry.why = absl::StrCat(
        "the hub has this name on cluster ",
        other == parts_.records.clusters().end() ? own->cluster.Hex() : other->second.name);
  } else if (own.ok()) {
    entry.why = "the hub's Application of this name is not assigned to a cluster yet";
  } else {
    entry.why = "no set and no Application of this hub gives it";
  }
  return entry;
}

absl::StatusOr<std::vector<UnclaimedDesk::Entry>> UnclaimedDesk::Of(
    const ClusterRegistration& cluster, size_t* read) const {
  std::vector<Entry> entries;
  PageRequest page;
  page.limit = kPageLimitMax;
  do {
    ASSIGN_OR_RETURN(Page<intent::EntryStatus> statuses,
                     parts_.store.StatusesOfCluster(cluster.id, page));
    *read += statuses.items.size();
    for (intent::EntryStatus& status : statuses.items) {
      if (!status.unclaimed || status.gone || status.key.kind != intent::EntryKind::kApplication) {
        continue;
      }
      entries.push_back(Described(cluster, std::move(status)));
    }
    page.token = statuses.next;
  } while (!page.token.empty());
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.status.key, a.status.uid) < std::tie(b.status.key, b.status.uid);
  });
  return entries;
}

absl::StatusOr<UnclaimedDesk::Listed> UnclaimedDesk::List(const std::string& cluster,
                                                          const std::string& token) const {
  Listed listed;
  size_t read = 0;
  if (!cluster.empty()) {
    const ClusterRegistration* named = parts_.records.ClusterNamed(cluster);
    if (named == nullptr) return absl::NotFoundError(absl::StrCat("there is no cluster ", cluster));
    ASSIGN_OR_RETURN(listed.entries, Of(*named, &read));
    return listed;
  }
  const auto from = token.empty() ? intent::ClusterId() : intent::ClusterId::FromHex(token);
  if (!from) return absl::InvalidArgumentError("the page token is none that this hub gave");
  for (auto it = parts_.records.clusters().lower_bound(*from);
       it != parts_.records.clusters().end(); ++it) {
    if (read >= kStatusesPerPage) {
      listed.next = it->first.Hex();
      break;
    }
    ASSIGN_OR_RETURN(std::vector<Entry> entries, Of(it->second, &read));
    std::move(entries.begin(), entries.end(), std::back_inserter(listed.entries));
  }
  return listed;
}

absl::StatusOr<std::vector<UnclaimedDesk::Entry>> UnclaimedDesk::Find(const Target& target) const {
  const ClusterRegistration* cluster = parts_.records.ClusterNamed(target.cluster);
  if (cluster == nullptr)
    return absl::NotFoundError(absl::StrCat("there is no cluster ", target.cluster));
  if (cluster->deleting) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the cluster ", target.cluster, " is being removed: nothing is decided there"));
  }
  if (cluster->recovering) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the cluster ", target.cluster, " is recovering: see `leidang recover` first"));
  }
  size_t read = 0;
  ASSIGN_OR_RETURN(std::vector<Entry> entries, Of(*cluster, &read));
  std::erase_if(entries, [&](const Entry& e) { return IsAnother(e.status.key.name, target); });
  std::set<std::string> keys;
  for (const Entry& entry : entries) keys.insert(entry.status.key.name);
  if (keys.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("say which: ", absl::StrJoin(keys, " or "), ", as NAMESPACE/NAME"));
  }
  if (!keys.empty()) return entries;
  const std::string shown =
      target.ns.empty() ? target.name : absl::StrCat(target.ns, "/", target.name);
  return absl::NotFoundError(absl::StrCat("nothing unclaimed on cluster ", target.cluster,
                                          " is called ", shown, ": ", kNotListed));
}

change::DecideUnclaimed UnclaimedDesk::EndOf(const Entry& entry, intent::DeletionPolicy policy,
                                             std::string reason) const {
  return {{entry.cluster, entry.status.key, entry.status.uid, policy, parts_.loop.clock().Now(),
           std::move(reason)}};
}

// Where the hub has no Application of that name, or has it nowhere yet, one that is assigned later
// must not get this uid again.
absl::StatusOr<FleetRecords::Changes> UnclaimedDesk::Releasing(
    const std::vector<Entry>& found, std::optional<intent::DeletionPolicy> policy,
    Decided* decided) const {
  const std::string& key = found[0].status.key.name;
  if (!policy) {
    return absl::FailedPreconditionError(
        absl::StrCat("say what becomes of the objects of ", key,
                     ": --cascade orphan keeps them, --cascade foreground deletes them"));
  }
  const absl::StatusOr<DerivedApplication> own = parts_.store.Application(key);
  const bool stands = own.ok() && !own->cluster.IsNone();
  FleetRecords::Changes changes;
  for (const Entry& entry : found) {
    if (entry.state == State::kAdopted) {
      return absl::FailedPreconditionError(
          absl::StrCat(key, " is this hub's own by now: delete it, or change its set"));
    }
    if (entry.state == State::kEnding) continue;
    ++decided->ending;
    changes.push_back(EndOf(entry, *policy, "released by a person"));
    const std::optional<uint64_t> count =
        parts_.records.CountThatGives(entry.cluster, entry.status.key, entry.status.uid);
    if (count && !stands)
      changes.push_back(change::RaiseDeletions{entry.cluster, entry.status.key, *count + 1});
  }
  return changes;
}

// The entries end at the agent, and their objects go to the namesake that wants them.
FleetRecords::Changes UnclaimedDesk::HandOver(const std::vector<Entry>& found,
                                              const intent::Uid& to, Decided* decided) const {
  FleetRecords::Changes changes;
  for (const Entry& entry : found) {
    if (entry.status.uid == to || entry.state != State::kKept) continue;
    ++decided->ending;
    changes.push_back(EndOf(entry, intent::DeletionPolicy::kOrphan,
                            "adopted: its objects went to the Application of this name"));
  }
  return changes;
}

absl::StatusOr<FleetRecords::Changes> UnclaimedDesk::Writing(const std::vector<Entry>& found,
                                                             Decided* decided) const {
  const ClusterRegistration& cluster = parts_.records.clusters().at(found[0].cluster);
  const intent::EntryKey& key = found[0].status.key;
  const Entry* chosen = nullptr;
  std::optional<uint64_t> chosen_count;
  for (const Entry& entry : found) {
    if (entry.state != State::kKept || entry.status.body.empty()) continue;
    const std::optional<uint64_t> count =
        parts_.records.CountThatGives(cluster.id, key, entry.status.uid);
    if (chosen != nullptr && count <= chosen_count) continue;
    chosen = &entry;
    chosen_count = count;
  }
  if (chosen == nullptr) {
    const bool ending = std::all_of(found.begin(), found.end(),
                                    [](const Entry& e) { return e.state == State::kEnding; });
    return absl::FailedPreconditionError(
        ending ? absl::StrCat(key.name, " was released, and is ending")
               : absl::StrCat("the agent does not say what ", key.name,
                              " is made of: write it with `leidang apply`, or bring it back into "
                              "its set, then adopt it"));
  }
  ASSIGN_OR_RETURN(const object::Value manifest, ManifestOf(chosen->status.body, cluster));
  ASSIGN_OR_RETURN(WrittenObject written, ReadObject(WrittenKind::kApplication, manifest,
                                                     parts_.records.snapshot()->control_namespace));
  if (written.key != key.name) {
    return absl::InvalidArgumentError(
        absl::StrCat("the agent holds ", written.key, " under the name ", key.name));
  }
  written.created_at = written.changed_at = parts_.loop.clock().Now();
  decided->written = chosen_count ? Decided::Written::kAsHeld : Decided::Written::kAnew;
  FleetRecords::Changes changes;
  if (chosen_count) changes.push_back(change::RaiseDeletions{cluster.id, key, *chosen_count});
  changes.push_back(change::PutObject{std::move(written)});
  return changes;
}

absl::StatusOr<FleetRecords::Changes> UnclaimedDesk::Adopting(const std::vector<Entry>& found,
                                                              Decided* decided) const {
  const std::string& key = found[0].status.key.name;
  const absl::StatusOr<DerivedApplication> own = parts_.store.Application(key);
  if (!own.ok() && !absl::IsNotFound(own.status())) return own.status();
  if (own.ok() && own->cluster == found[0].cluster) return HandOver(found, own->uid, decided);
  if (own.ok() && !own->cluster.IsNone()) {
    return absl::FailedPreconditionError(
        absl::StrCat(key, ": ", found[0].why,
                     ", and one Application is on one cluster: change its destination, or release "
                     "this one with --cascade orphan"));
  }
  const WrittenObject* written = parts_.records.Object(WrittenKind::kApplication, key);
  if (own.ok() || written != nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("the hub's Application ", key,
                     " is not assigned to a cluster yet: see `leidang app get ", key, "`"));
  }
  return Writing(found, decided);
}

void UnclaimedDesk::Decide(
    const std::string& what, const Target& target, const Author& author, Done done,
    std::function<absl::StatusOr<FleetRecords::Changes>(const std::vector<Entry>&, Decided*)>
        decide) {
  auto decided = std::make_shared<Decided>();
  parts_.records.Update(
      [this, target, decided,
       decide = std::move(decide)]() -> absl::StatusOr<FleetRecords::Changes> {
        ASSIGN_OR_RETURN(const std::vector<Entry> found, Find(target));
        *decided = Decided();
        decided->cluster = found[0].cluster;
        decided->key = found[0].status.key.name;
        return decide(found, decided.get());
      },
      [this, what, target, author, decided, done = std::move(done)](const absl::Status& status) {
        const std::string name =
            !decided->key.empty() ? decided->key : absl::StrCat(target.ns, "/", target.name);
        parts_.records.Audit(
            author, absl::StrCat(what, " unclaimed ", name, " on cluster ", target.cluster),
            status.ok() ? OutcomeOf(*decided) : absl::StrCat("refused: ", status.message()));
        if (!status.ok()) return done(status);
        parts_.decided(decided->cluster);
        // An owner that wanted the name meanwhile finds it as it is now.
        parts_.owners.TriggerAll();
        done(*decided);
      });
}

void UnclaimedDesk::Release(const Target& target, std::optional<intent::DeletionPolicy> policy,
                            const Author& author, Done done) {
  Decide("release", target, author, std::move(done),
         [this, policy](const std::vector<Entry>& found, Decided* decided) {
           return Releasing(found, policy, decided);
         });
}

void UnclaimedDesk::Adopt(const Target& target, const Author& author, Done done) {
  Decide("adopt", target, author, std::move(done),
         [this](const std::vector<Entry>& found, Decided* decided) {
           return Adopting(found, decided);
         });
}

}  // namespace leidang::hub
