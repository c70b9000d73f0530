#include "hub/control/config_repository.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"
#include "hub/control/manifest_rules.h"

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

ConfigRepository::ConfigRepository(EventLoop& loop, Workers& workers, Options options,
                                   FleetRecords& records, Desk& desk, Repositories& repositories,
                                   GitListings& listings, Log& log)
    : loop_(loop),
      workers_(workers),
      options_(std::move(options)),
      records_(records),
      desk_(desk),
      repositories_(repositories),
      listings_(listings),
      log_(log) {}

ConfigRepository::~ConfigRepository() { *alive_ = false; }

void ConfigRepository::Start() {
  repositories_.SetWanted(kConsumer, {{options_.url, options_.revision}});
  OnInputChanged();
}

void ConfigRepository::OnInputChanged() {
  const auto& inputs = repositories_.view()->inputs;
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
  workers_.Run([this, alive = alive_, &loop = loop_, &listings = listings_, url = options_.url,
                path = options_.path, commit] {
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
  size_t left = 0;  // Deletions that have not been answered.
  absl::Status first_error;
};

void ConfigRepository::OnRead(const Reading& reading) {
  if (!reading.objects.ok()) return Finish(reading.objects.status());
  const absl::StatusOr<ConfigNames> names =
      NamesIn(*reading.objects, records_.snapshot()->control_namespace);
  if (!names.ok()) return Finish(names.status());
  auto taking = std::make_shared<Taking>();
  taking->commit = reading.commit.Hex();
  taking->names = *names;
  std::vector<Desk::Submission> submissions;
  for (const ConfigObjects::Item& item : reading.objects->items) {
    taking->files.push_back(item.file);
    submissions.push_back({item.manifest, OwnerOf(item.file, taking->commit)});
  }
  desk_.Apply(submissions, {OwnerOf(options_.path, taking->commit), ""}, Desk::Mode::kApply,
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
  DeleteMissing(taking);
}

void ConfigRepository::DeleteMissing(const std::shared_ptr<Taking>& taking) {
  const std::string owner = OwnerOf(options_.path, taking->commit);
  std::vector<Desk::Target> gone;
  for (const WrittenKind kind :
       {WrittenKind::kApplicationSet, WrittenKind::kApplication, WrittenKind::kAppProject,
        WrittenKind::kRepository, WrittenKind::kSettings}) {
    for (const auto& [key, object] : records_.Objects(kind)) {
      if (!FromConfig(object.owner) || object.deleting ||
          taking->names.objects.contains({kind, key}))
        continue;
      if (kind == WrittenKind::kAppProject && key == "default") {
        desk_.Release({kind, key}, {owner, ""});  // It always exists.
      } else {
        gone.push_back({kind, key});
      }
    }
  }
  // A cluster leaves the fleet by a decision of a person, never by a line that is missing.
  for (const auto& [id, cluster] : records_.clusters()) {
    if (!FromConfig(cluster.owner) || taking->names.clusters.contains(cluster.name)) continue;
    log_.Warning("hub/control",
                 "a cluster is no longer in the config repository; it stays registered until it is "
                 "deleted with `leidang delete cluster`",
                 {{"cluster", cluster.name}, {"commit", taking->commit}});
    desk_.ReleaseCluster(id, {owner, ""});
  }
  commit_ = taking->commit;
  taking->left = gone.size();
  if (gone.empty()) return Finish(absl::OkStatus());
  for (const Desk::Target& target : gone) {
    desk_.Delete(target, Desk::kAnyNumber, std::nullopt, owner, {owner, ""},
                 [this, alive = alive_, taking](const absl::StatusOr<uint64_t>& deleted) {
                   if (!*alive) return;
                   if (!deleted.ok() && taking->first_error.ok())
                     taking->first_error = deleted.status();
                   if (--taking->left == 0) Finish(taking->first_error);
                 });
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
    log_.Info("hub/control", "the config repository is taken", {{"commit", commit_}});
  } else {
    log_.Error("hub/control", "the config repository cannot be taken; the last good state stays",
               {{"error", status.message()}});
  }
}

}  // namespace leidang::hub
