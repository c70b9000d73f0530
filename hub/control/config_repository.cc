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

void ConfigRepository::OnRead(const Reading& reading) {
  const auto finish = [this](const absl::Status& status) {
    SetStatus(status);
    reading_ = false;
    if (std::exchange(again_, false)) OnInputChanged();
  };
  if (!reading.objects.ok()) return finish(reading.objects.status());
  const std::string commit = reading.commit.Hex();
  // One call a file, since the owner that it writes names the file.
  std::map<std::string, std::vector<object::Value>> by_file;
  for (const ConfigObjects::Item& item : reading.objects->items)
    by_file[item.file].push_back(item.manifest);
  struct Progress {
    size_t left = 0;
    std::set<std::pair<WrittenKind, std::string>> present;
    std::set<std::string> clusters;
    absl::Status first_error;
  };
  auto progress = std::make_shared<Progress>();
  progress->left = by_file.size();
  for (const auto& [file, manifests] : by_file) {
    const std::string owner = absl::StrCat(kConfigOwnerPrefix, file, "@", commit.substr(0, 12));
    desk_.Apply(manifests, owner, {owner, ""}, Desk::Mode::kApply,
                [this, alive = alive_, progress, finish, file = file,
                 commit](const std::vector<Desk::Applied>& results) {
                  if (!*alive) return;
                  for (const Desk::Applied& applied : results) {
                    if (applied.outcome.ok()) continue;
                    if (progress->first_error.ok()) {
                      progress->first_error =
                          absl::Status(applied.outcome.status().code(),
                                       absl::StrCat(file, ": ", applied.kind, " ", applied.name,
                                                    ": ", applied.outcome.status().message()));
                    }
                  }
                  if (--progress->left > 0) return;
                  // While something is refused, what is missing may just have been misspelt.
                  if (progress->first_error.ok())
                    DeleteMissing(progress->present, progress->clusters, commit);
                  if (progress->first_error.ok()) commit_ = commit;
                  finish(progress->first_error);
                });
    for (const object::Value& manifest : manifests) {
      const absl::StatusOr<ManifestKind> kind = KindOf(manifest);
      if (!kind.ok()) continue;
      if (*kind == ManifestKind::kCluster || *kind == ManifestKind::kClusterSecret) {
        std::vector<std::string> ignored;
        if (const auto cluster = ReadClusterManifest(manifest, &ignored); cluster.ok())
          progress->clusters.insert(cluster->name);
        continue;
      }
      const WrittenKind written = *kind == ManifestKind::kApplicationSet
                                      ? WrittenKind::kApplicationSet
                                  : *kind == ManifestKind::kApplication ? WrittenKind::kApplication
                                  : *kind == ManifestKind::kAppProject  ? WrittenKind::kAppProject
                                                                        : WrittenKind::kRepository;
      if (const auto object = ReadObject(written, manifest, records_.snapshot()->control_namespace);
          object.ok()) {
        progress->present.insert({written, object->key});
      }
    }
  }
}

void ConfigRepository::DeleteMissing(const std::set<std::pair<WrittenKind, std::string>>& present,
                                     const std::set<std::string>& clusters,
                                     const std::string& commit) {
  const std::string owner =
      absl::StrCat(kConfigOwnerPrefix, options_.path, "@", commit.substr(0, 12));
  for (const WrittenKind kind : {WrittenKind::kApplicationSet, WrittenKind::kApplication,
                                 WrittenKind::kAppProject, WrittenKind::kRepository}) {
    std::vector<std::string> gone;
    for (const auto& [key, object] : records_.Objects(kind)) {
      if (FromConfig(object.owner) && !object.deleting && !present.contains({kind, key}))
        gone.push_back(key);
    }
    for (const std::string& key : gone) {
      desk_.Delete({kind, key}, Desk::kAnyNumber, std::nullopt, owner, {owner, ""},
                   [this, alive = alive_, key](const absl::StatusOr<uint64_t>& deleted) {
                     if (*alive && !deleted.ok()) SetStatus(deleted.status());
                   });
    }
  }
  for (const auto& [id, cluster] : records_.clusters()) {
    if (!FromConfig(cluster.owner) || cluster.deleting || clusters.contains(cluster.name)) continue;
    // A cluster leaves the fleet by a decision of a person, never by a line that is missing.
    log_.Warning("hub/control",
                 "a cluster is no longer in the config repository and stays registered",
                 {{"cluster", cluster.name}, {"commit", commit}});
  }
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
