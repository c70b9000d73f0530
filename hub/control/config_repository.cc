#include "hub/control/config_repository.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
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

bool IsOfConfig(absl::string_view owner) { return absl::StartsWith(owner, kConfigOwnerPrefix); }

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

// What uses the project is ending, or is to go too and may have to wait: the project's turn is when
// that has been erased.
bool ConfigRepository::WaitsForUsers(const Taking& taking, const std::string& project) {
  std::set<OwnerKey> ending;
  PageRequest page;
  page.limit = kPageLimitMax;
  do {
    const absl::StatusOr<Page<DerivedApplication>> applications = parts_.store.Applications(page);
    if (!applications.ok()) return false;  // The desk says so.
    for (const DerivedApplication& application : applications->items) {
      if (application.project != project) continue;
      const OwnerKey owner = application.set.empty()
                                 ? OwnerKey{WrittenKind::kApplication, application.key}
                                 : OwnerKey{WrittenKind::kApplicationSet, application.set};
      const WrittenObject* written = parts_.records.Object(owner.kind, owner.key);
      const bool goes =
          written == nullptr || written->deleting ||
          (IsOfConfig(written->owner) && !taking.names.objects.contains({owner.kind, owner.key}));
      if (!goes) return false;
      ending.insert(owner);
    }
    page.token = applications->next;
  } while (!page.token.empty());
  awaited_.insert(ending.begin(), ending.end());
  return !ending.empty();
}

void ConfigRepository::OnOwnerSettled(const OwnerKey& owner) {
  if (awaited_.erase(owner) > 0) OnInputChanged();
}

void ConfigRepository::FindMissing(const std::shared_ptr<Taking>& taking) {
  const std::string owner = OwnerOf(options_.path, taking->commit);
  awaited_.clear();
  for (const WrittenKind kind :
       {WrittenKind::kApplicationSet, WrittenKind::kApplication, WrittenKind::kAppProject,
        WrittenKind::kRepository, WrittenKind::kSettings}) {
    for (const auto& [key, object] : parts_.records.Objects(kind)) {
      if (!IsOfConfig(object.owner) || object.deleting ||
          taking->names.objects.contains({kind, key}))
        continue;
      if (kind == WrittenKind::kAppProject && key == "default") {
        parts_.desk.Release({kind, key}, {owner, ""});  // It always exists.
      } else if (kind != WrittenKind::kAppProject || !WaitsForUsers(*taking, key)) {
        taking->gone.push_back({kind, key});
      }
    }
  }
  for (const auto& [id, cluster] : parts_.records.clusters()) {
    if (IsOfConfig(cluster.owner) && !cluster.deleting &&
        !taking->names.clusters.contains(cluster.name))
      taking->leaving.push_back(id);
  }
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
