// What Desk does with clusters.

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/auth/secret_token.h"
#include "hub/control/desk.h"
#include "hub/control/manifest_rules.h"

namespace leidang::hub {

absl::StatusOr<Desk::Outcome> Desk::SettleCluster(ClusterRegistration* cluster) {
  const ClusterRegistration* before = records_.ClusterNamed(cluster->name);
  if (before == nullptr) {
    RETURN_IF_ERROR(CheckNew(*cluster));
    Bear(cluster);
    return Outcome::kCreated;
  }
  RETURN_IF_ERROR(
      CheckOwner(before->owner, cluster->owner, absl::StrCat("the cluster ", cluster->name)));
  RETURN_IF_ERROR(CheckStays(*before));
  if (cluster->server != before->server) {
    return absl::FailedPreconditionError(
        absl::StrCat("the server of cluster ", cluster->name, " is ", before->server,
                     " and never changes: register another cluster"));
  }
  if (!cluster->id.IsNone() && cluster->id != before->id) {
    return absl::FailedPreconditionError(
        absl::StrCat("the cluster ", cluster->name, " has the id ", before->id.Hex(),
                     ", which never changes: register another cluster"));
  }
  ClusterRegistration merged = *before;
  merged.labels = cluster->labels;
  merged.annotations = cluster->annotations;
  merged.project = cluster->project;
  if (!SameSource(before->owner, cluster->owner)) merged.owner = cluster->owner;
  const bool same = merged == *before;
  *cluster = std::move(merged);
  return same ? Outcome::kUnchanged : Outcome::kConfigured;
}

absl::Status Desk::CheckStays(const ClusterRegistration& cluster) {
  if (!cluster.deleting) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the cluster ", cluster.name,
                   " is being removed: register it again when it is gone, or use another name"));
}

absl::Status Desk::CheckNew(const ClusterRegistration& cluster) const {
  if (const ClusterRegistration* other = records_.ClusterWithServer(cluster.server)) {
    return absl::FailedPreconditionError(absl::StrCat("the server ", cluster.server,
                                                      " belongs to the cluster ", other->name,
                                                      ": each cluster needs a server of its own"));
  }
  const auto same = records_.clusters().find(cluster.id);
  if (same != records_.clusters().end()) {
    return absl::FailedPreconditionError(absl::StrCat("the id ", cluster.id.Hex(),
                                                      " belongs to the cluster ", same->second.name,
                                                      ": leave the id out"));
  }
  return absl::OkStatus();
}

// A cluster comes into being.
void Desk::Bear(ClusterRegistration* cluster) {
  if (cluster->id.IsNone()) cluster->id = *intent::ClusterId::FromRaw(random_.Bytes(16));
  cluster->created_at = loop_.clock().Now();
  cluster->log = {records_.hub(), 1, random_.Next()};
}

absl::StatusOr<ClusterRegistration> Desk::Registering(const Registration& registration) {
  RETURN_IF_ERROR(CheckClusterName(registration.name));
  RETURN_IF_ERROR(CheckLabels(registration.labels));
  const ClusterRegistration* before = records_.ClusterNamed(registration.name);
  if (before == nullptr) {
    ClusterRegistration cluster;
    cluster.name = registration.name;
    cluster.server =
        registration.server.empty() ? DefaultServer(registration.name) : registration.server;
    cluster.project = registration.project;
    cluster.labels = registration.labels;
    cluster.annotations = registration.annotations;
    RETURN_IF_ERROR(CheckNew(cluster));
    Bear(&cluster);
    return cluster;
  }
  RETURN_IF_ERROR(CheckStays(*before));
  if (!registration.server.empty() && registration.server != before->server) {
    return absl::FailedPreconditionError(
        absl::StrCat("the cluster ", before->name, " is registered with the server ",
                     before->server, ", which never changes: register another cluster"));
  }
  ClusterRegistration cluster = *before;
  if (!registration.labels.empty()) cluster.labels = registration.labels;
  if (!registration.annotations.empty()) cluster.annotations = registration.annotations;
  if (!(cluster == *before))
    RETURN_IF_ERROR(
        CheckOwner(before->owner, kApiOwner, absl::StrCat("the cluster ", before->name)));
  return cluster;
}

void Desk::Register(const Registration& registration, const Author& author,
                    std::function<void(absl::StatusOr<Registered>)> done) {
  auto registered = std::make_shared<Registered>();
  records_.Update(
      [this, registration, registered]() -> absl::StatusOr<FleetRecords::Changes> {
        ASSIGN_OR_RETURN(ClusterRegistration cluster, Registering(registration));
        const SecretToken token = NewSecretToken("join", random_);
        *registered = {cluster.id, token.text, loop_.clock().Now() + registration.token_life};
        const JoinToken record{
            .hash = token.hash, .cluster = cluster.id, .expires_at = registered->expires_at};
        return FleetRecords::Changes{change::PutCluster{std::move(cluster)},
                                     change::PutJoinToken{record}};
      },
      [this, author, name = registration.name, registered,
       done = std::move(done)](const absl::Status& status) {
        records_.Audit(author, absl::StrCat("register cluster ", name),
                       status.ok() ? "done" : absl::StrCat("refused: ", status.message()));
        if (!status.ok()) return done(status);
        on_cluster_changed(registered->id);
        owners_.TriggerAll();
        done(*registered);
      });
}

absl::StatusOr<ClusterRegistration> Desk::Leaving(const std::string& name,
                                                  std::optional<intent::DeletionPolicy> policy,
                                                  const std::string& owner,
                                                  uint64_t* applications) const {
  const ClusterRegistration* cluster = records_.ClusterNamed(name);
  if (cluster == nullptr) return absl::NotFoundError(absl::StrCat("there is no cluster ", name));
  RETURN_IF_ERROR(CheckOwner(cluster->owner, owner, absl::StrCat("the cluster ", name)));
  const absl::StatusOr<ClusterLog> log = store_.Log(cluster->id);
  *applications = log.ok() ? log->live : 0;
  if (cluster->joined() && *applications > 0 && !policy && !cluster->deleting) {
    return absl::FailedPreconditionError(
        absl::StrCat("the cluster ", name, " has ", *applications,
                     " assignments: repeat with --cascade foreground to delete their objects, or "
                     "--cascade orphan to keep them"));
  }
  ClusterRegistration marked = *cluster;
  if (policy || !marked.deleting)
    marked.deleting = policy.value_or(intent::DeletionPolicy::kOrphan);
  return marked;
}

void Desk::DeleteCluster(const std::string& name, std::optional<intent::DeletionPolicy> policy,
                         const std::string& owner, const Author& author, DeleteDone done) {
  struct Progress {
    intent::ClusterId id;
    uint64_t applications = 0;
  };
  auto progress = std::make_shared<Progress>();
  records_.Update(
      [this, name, policy, owner, progress]() -> absl::StatusOr<FleetRecords::Changes> {
        ASSIGN_OR_RETURN(ClusterRegistration marked,
                         Leaving(name, policy, owner, &progress->applications));
        progress->id = marked.id;
        return FleetRecords::Changes{change::PutCluster{std::move(marked)}};
      },
      [this, name, author, progress, done = std::move(done)](const absl::Status& status) {
        records_.Audit(author, absl::StrCat("delete cluster ", name),
                       status.ok() ? "done" : absl::StrCat("refused: ", status.message()));
        if (!status.ok()) return done(status);
        on_cluster_changed(progress->id);
        owners_.TriggerAll();
        done(progress->applications);
      });
}

}  // namespace leidang::hub
