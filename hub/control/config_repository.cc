#include "hub/control/config_repository.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/intent/deletion_limit.h"
#include "common/yaml/yaml.h"
#include "hub/control/manifest_rules.h"
#include "hub/source/repository_url.h"

namespace leidang::hub {
namespace {

bool IsManifestFile(absl::string_view path) {
  return absl::EndsWith(path, ".yaml") || absl::EndsWith(path, ".yml") ||
         absl::EndsWith(path, ".json");
}

bool IsBelow(absl::string_view path, absl::string_view folder) {
  return folder.empty() || folder == "." || absl::StartsWith(path, absl::StrCat(folder, "/"));
}

bool FromConfig(absl::string_view owner) { return absl::StartsWith(owner, kConfigOwnerPrefix); }

std::string OwnerOf(absl::string_view file, absl::string_view commit) {
  return absl::StrCat(kConfigOwnerPrefix, file, "@", commit.substr(0, 12));
}

WrittenKind WrittenKindOf(ManifestKind kind) {
  switch (kind) {
    case ManifestKind::kApplicationSet:
      return WrittenKind::kApplicationSet;
    case ManifestKind::kApplication:
      return WrittenKind::kApplication;
    case ManifestKind::kAppProject:
      return WrittenKind::kAppProject;
    case ManifestKind::kSettings:
      return WrittenKind::kSettings;
    default:
      return WrittenKind::kRepository;
  }
}

absl::Status At(const std::string& file, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(file, ": ", status.message()));
}

}  // namespace

absl::StatusOr<ConfigObjects> ReadConfig(const generators::GitTree& tree, const std::string& path) {
  ConfigObjects objects;
  bool found = false;
  for (const generators::GitTree::File& file : tree.Files()) {
    if (!IsBelow(file.path, path)) continue;
    found = true;
    if (!IsManifestFile(file.path) || file.mode == generators::GitTree::Mode::kSymlink) continue;
    ASSIGN_OR_RETURN(const absl::string_view text, tree.Read(file.path));
    ASSIGN_OR_RETURN(std::vector<yaml::Document> documents, yaml::ParseYamlStream(text, file.path));
    for (yaml::Document& document : documents) {
      if (document.value.is_null()) continue;
      if (const absl::Status kind = KindOf(document.value).status(); !kind.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat(file.path, ":", document.line, ": ", kind.message()));
      }
      objects.items.push_back({file.path, std::move(document.value)});
    }
  }
  if (!found) {
    return absl::NotFoundError(
        absl::StrCat("the configuration path \"", path, "\" is not in commit ", tree.Commit(),
                     ": nothing is changed; correct --config-path or the repository"));
  }
  if (objects.items.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the configuration path \"", path, "\" holds no object in commit ", tree.Commit(),
        ": that is not taken for a removal of everything; nothing is changed"));
  }
  return objects;
}

absl::StatusOr<ConfigNames> NamesIn(const ConfigObjects& objects,
                                    absl::string_view control_namespace) {
  ConfigNames names;
  std::map<std::string, std::string> file_of;  // By what the object is.
  for (const ConfigObjects::Item& item : objects.items) {
    const absl::StatusOr<ManifestKind> kind = KindOf(item.manifest);
    if (!kind.ok()) return At(item.file, kind.status());
    std::string what;
    if (*kind == ManifestKind::kCluster || *kind == ManifestKind::kClusterSecret) {
      std::vector<std::string> ignored;
      const auto cluster = ReadClusterManifest(item.manifest, &ignored);
      if (!cluster.ok()) return At(item.file, cluster.status());
      names.clusters.insert(cluster->name);
      what = absl::StrCat("cluster ", cluster->name);
    } else {
      const WrittenKind written = WrittenKindOf(*kind);
      const auto object = ReadObject(written, item.manifest, control_namespace);
      if (!object.ok()) return At(item.file, object.status());
      names.objects.insert({written, object->key});
      what = absl::StrCat(WrittenKindName(written), " ", object->key);
    }
    if (const auto [at, fresh] = file_of.emplace(what, item.file); !fresh) {
      return absl::InvalidArgumentError(
          absl::StrCat(item.file, ": the ", what, " is in ", at->second, " already: remove one"));
    }
  }
  return names;
}

ConfigRepository::ConfigRepository(const Parts& parts, Options options)
    : parts_(parts), options_(std::move(options)) {}

ConfigRepository::~ConfigRepository() { *alive_ = false; }

std::string ConfigRepository::shown_url() const { return WithoutCredentials(options_.url); }

void ConfigRepository::Start() {
  parts_.repositories.SetWanted(kConsumer, {{options_.url, options_.revision}});
  OnInputChanged();
}

void ConfigRepository::OnInputChanged() {
  const auto& inputs = parts_.repositories.view()->inputs;
  const auto found = inputs.find({options_.url, options_.revision});
  if (found == inputs.end()) return;
  if (!found->second.ok()) return SetStatus(found->second.status());
  if (reading_) {
    again_ = true;
    return;
  }
  Read(found->second->commit);
}

void ConfigRepository::Read(const GitId& commit) {
  reading_ = true;
  parts_.workers.Run([this, alive = alive_, &loop = parts_.loop, &listings = parts_.listings,
                      url = options_.url, path = options_.path, commit] {
    Reading reading{.commit = commit};
    const auto tree = listings.Get(url, commit);
    reading.objects =
        tree.ok() ? ReadConfig(**tree, path) : absl::StatusOr<ConfigObjects>(tree.status());
    loop.Post([this, alive, reading = std::move(reading)] {
      if (*alive) OnRead(reading);
    });
  });
}

// Everything that a commit says.
struct ConfigRepository::Taking {
  std::string commit;
  std::vector<std::string> files;  // Of each object.
  ConfigNames names;
  std::vector<Desk::Target> gone;
  std::vector<intent::ClusterId> leaving;
  size_t left = 0;  // Deletions that have not been answered.
  absl::Status first_error;
};

void ConfigRepository::OnRead(const Reading& reading) {
  if (!reading.objects.ok()) return Finish(reading.objects.status());
  const absl::StatusOr<ConfigNames> names =
      NamesIn(*reading.objects, parts_.records.snapshot()->control_namespace);
  if (!names.ok()) return Finish(names.status());
  auto taking = std::make_shared<Taking>();
  taking->commit = reading.commit.Hex();
  taking->names = *names;
  std::vector<Desk::Submission> submissions;
  for (const ConfigObjects::Item& item : reading.objects->items) {
    taking->files.push_back(item.file);
    submissions.push_back({item.manifest, OwnerOf(item.file, taking->commit)});
  }
  parts_.desk.Apply(submissions, {OwnerOf(options_.path, taking->commit), ""}, Desk::Mode::kApply,
                    [this, alive = alive_, taking](const std::vector<Desk::Applied>& results) {
                      if (*alive) OnApplied(taking, results);
                    });
}

void ConfigRepository::OnApplied(const std::shared_ptr<Taking>& taking,
                                 const std::vector<Desk::Applied>& results) {
  for (size_t i = 0; i < results.size() && taking->first_error.ok(); ++i) {
    const absl::Status& status = results[i].outcome.status();
    if (status.ok()) continue;
    taking->first_error =
        absl::Status(status.code(), absl::StrCat(taking->files[i], ": ", results[i].kind, " ",
                                                 results[i].name, ": ", status.message()));
  }
  // While something is refused, what is missing may just have been misspelt.
  if (!taking->first_error.ok()) return Finish(taking->first_error);
  RemoveMissing(taking);
}

void ConfigRepository::FindMissing(const std::shared_ptr<Taking>& taking) {
  const std::string owner = OwnerOf(options_.path, taking->commit);
  for (const WrittenKind kind :
       {WrittenKind::kApplicationSet, WrittenKind::kApplication, WrittenKind::kAppProject,
        WrittenKind::kRepository, WrittenKind::kSettings}) {
    for (const auto& [key, object] : parts_.records.Objects(kind)) {
      if (!FromConfig(object.owner) || object.deleting ||
          taking->names.objects.contains({kind, key}))
        continue;
      if (kind == WrittenKind::kAppProject && key == "default") {
        parts_.desk.Release({kind, key}, {owner, ""});  // It always exists.
      } else {
        taking->gone.push_back({kind, key});
      }
    }
  }
  for (const auto& [id, cluster] : parts_.records.clusters()) {
    if (FromConfig(cluster.owner) && !cluster.deleting &&
        !taking->names.clusters.contains(cluster.name))
      taking->leaving.push_back(id);
  }
}

// The set's own limit lets all of it go.
bool ConfigRepository::AllowsItsEnd(const WrittenObject& set) const {
  const absl::StatusOr<object::Value> manifest = object::ParseJson(set.manifest);
  if (!manifest.ok()) return false;
  const absl::StatusOr<BrakeLimit> limit = ParseBrakeLimit(
      object::FindString(*manifest, {"metadata", "annotations", intent::kMaxDeletionsAnnotation}));
  const uint64_t number = parts_.store.CountApplicationsOfSet(set.key);
  return limit.ok() && !limit->Exceeds(number, number);
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
  const auto wish = [this](Brakes::Question* question, BrakedDeletion deletion) {
    if (parts_.brakes.IsApproved(question->owner, deletion))
      question->approved.insert(deletion.name);
    question->wishes.push_back(std::move(deletion));
  };
  const auto name_of = [](const Desk::Target& target) {
    return OwnerKey{target.kind, target.key}.ToString();
  };
  for (const Desk::Target& target : taking.gone) {
    const WrittenObject& object = *parts_.records.Object(target.kind, target.key);
    const std::string born = absl::StrCat(absl::ToUnixNanos(object.created_at));
    if (target.kind == WrittenKind::kApplication) wish(&written, {name_of(target), born});
    if (target.kind == WrittenKind::kApplicationSet && !AllowsItsEnd(object))
      wish(&all, {name_of(target), born});
  }
  for (const intent::ClusterId& id : taking.leaving) wish(&all, {ClusterText(id), id.Hex()});
  for (const auto& [key, object] : parts_.records.Objects(WrittenKind::kApplicationSet))
    all.total += FromConfig(object.owner) ? 1 : 0;
  for (const auto& [id, cluster] : parts_.records.clusters())
    all.total += FromConfig(cluster.owner) ? 1 : 0;
  for (const auto& [key, object] : parts_.records.Objects(WrittenKind::kApplication))
    written.total += FromConfig(object.owner) ? 1 : 0;

  FleetRecords::Changes changes;
  const absl::Time now = parts_.loop.clock().Now();
  std::set<std::string> held = parts_.brakes.Judge(all, now, &changes);
  held.merge(parts_.brakes.Judge(written, now, &changes));
  std::erase_if(taking.gone, [&](const Desk::Target& t) { return held.contains(name_of(t)); });
  std::erase_if(taking.leaving,
                [&](const intent::ClusterId& id) { return held.contains(ClusterText(id)); });
  return changes;
}

std::string ConfigRepository::ClusterText(const intent::ClusterId& id) const {
  return absl::StrCat("cluster ", parts_.records.clusters().at(id).name);
}

void ConfigRepository::RemoveMissing(const std::shared_ptr<Taking>& taking) {
  commit_ = taking->commit;
  FindMissing(taking);
  FleetRecords::Changes changes = Brake(*taking);
  if (changes.empty()) return DeleteMissing(taking);
  parts_.records.Write(std::move(changes),
                       [this, alive = alive_, taking](const absl::Status& status) {
                         if (!*alive) return;
                         // Sets show what waits, and others may take over what these would lose.
                         parts_.owners.TriggerAll();
                         if (!status.ok()) return Finish(status);
                         DeleteMissing(taking);
                       });
}

void ConfigRepository::DeleteMissing(const std::shared_ptr<Taking>& taking) {
  const std::string owner = OwnerOf(options_.path, taking->commit);
  std::vector<std::string> leaving;
  for (const intent::ClusterId& id : taking->leaving) {
    const auto cluster = parts_.records.clusters().find(id);
    if (cluster != parts_.records.clusters().end()) leaving.push_back(cluster->second.name);
  }
  taking->left = taking->gone.size() + leaving.size();
  if (taking->left == 0) return Finish(absl::OkStatus());
  const Desk::DeleteDone done = [this, alive = alive_,
                                 taking](const absl::StatusOr<uint64_t>& deleted) {
    if (!*alive) return;
    if (!deleted.ok() && taking->first_error.ok()) taking->first_error = deleted.status();
    if (--taking->left == 0) Finish(taking->first_error);
  };
  for (const Desk::Target& target : taking->gone)
    parts_.desk.Delete(target, Desk::kAnyNumber, std::nullopt, owner, {owner, ""}, done);
  // What is deployed there stays: nobody asked for its end.
  for (const std::string& name : leaving) {
    parts_.desk.DeleteCluster(name, intent::DeletionPolicy::kOrphan, owner, {owner, ""}, done);
  }
}

void ConfigRepository::Finish(const absl::Status& status) {
  SetStatus(status);
  reading_ = false;
  if (std::exchange(again_, false)) OnInputChanged();
}

void ConfigRepository::SetStatus(const absl::Status& status) {
  if (status == status_) return;
  status_ = status;
  if (status.ok()) {
    parts_.log.Info("hub/control", "the config repository is taken", {{"commit", commit_}});
  } else {
    parts_.log.Error("hub/control",
                     "the config repository cannot be taken; the last good state stays",
                     {{"error", status.message()}});
  }
}

}  // namespace leidang::hub
