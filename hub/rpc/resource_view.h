#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "hub/control/fleet_records.h"
#include "hub/control/owner_reconciler.h"
#include "hub/control/repositories.h"
#include "hub/store/application_index.h"
#include "hub/store/store.h"
#include "leidang/v1/fleet.pb.h"

namespace leidang::hub {

// Of objects that name none.
inline constexpr char kDefaultNamespace[] = "leidang";

// What is known about a cluster's agent at this moment.
struct ClusterLink {
  bool connected = false;
  absl::Time since = absl::InfinitePast();  // Of the session, or of its end.
  absl::Time last_seen = absl::InfinitePast();
  std::string agent_version;
  bool intent_proven = false;                   // Digests of intent are equal, as of `proven_at`,
  bool applied_proven = false;                  // and so are those of what is applied.
  absl::Time proven_at = absl::InfinitePast();  // Past all times if neither holds now.
  // When each was equal last, whatever holds now, and at which revision.
  absl::Time last_received_at = absl::InfinitePast();
  uint64_t last_received_revision = 0;
  absl::Time last_applied_at = absl::InfinitePast();
  uint64_t last_applied_revision = 0;
  uint64_t unclaimed = 0;
  std::string trouble;  // Empty: none. Else the type of the condition that is shown.
  std::string trouble_message;
};

// ResourceView shows records and derived data as the API's resources. It decides nothing. Secrets
// of repositories are never shown. What a cluster without a live session reported last is never
// shown as the state of now. Loop-bound: the control loop; all references must outlive it.
class ResourceView {
 public:
  struct Parts {
    const FleetRecords& records;
    const Store& store;
    const OwnerReconciler& owners;
    const Repositories& repositories;
    std::function<ClusterLink(const intent::ClusterId&)> link;
  };
  explicit ResourceView(Parts parts) : parts_(std::move(parts)) {}

  // "namespace/name" of an Application or ApplicationSet that exists. Without a namespace: in
  // leidang, or else in the only namespace that has it. kNotFound; kInvalidArgument lists them all
  // if there are several.
  absl::StatusOr<std::string> Locate(v1::Kind kind, const std::string& ns,
                                     const std::string& name) const;
  // kNotFound names kind and object.
  absl::StatusOr<v1::Resource> Get(const v1::GetRequest& request) const;
  // In the order of keys. A page of Applications costs what its rows do, however many there are in
  // all. kInvalidArgument for a selector, state or page token that cannot be read.
  absl::StatusOr<v1::ListResponse> List(const v1::ListRequest& request) const;
  v1::VersionResponse Version() const;
  // Empty if it is not registered.
  std::string ClusterName(const intent::ClusterId& id) const;
  bool Connected(const intent::ClusterId& id) const { return parts_.link(id).connected; }

 private:
  enum class Detail { kRow, kObjects };
  v1::Resource OfApplication(const DerivedApplication& application, Detail detail) const;
  v1::Resource OfDeletion(const PendingDeletion& deletion) const;
  v1::Resource OfSet(const WrittenObject& set) const;
  v1::Resource OfCluster(const ClusterRegistration& cluster) const;
  v1::Resource OfWritten(const WrittenObject& object, v1::Kind kind) const;
  void FillStatus(const DerivedApplication& application,
                  const std::optional<intent::EntryStatus>& status,
                  v1::ApplicationSummary* summary) const;
  // Of an Application on a cluster without a live session: what was reported is not of now.
  void SetOffline(const intent::ClusterId& cluster, const ClusterLink& link,
                  v1::Resource* resource) const;
  absl::StatusOr<v1::ListResponse> ListApplications(const v1::ListRequest& request) const;
  std::optional<ApplicationCounts> CountsOf(const v1::ListRequest& request,
                                            const ApplicationFilter& filter) const;
  void AddDeletions(const v1::ListRequest& request, const ApplicationFilter& filter,
                    v1::ListResponse* response) const;
  bool Exists(v1::Kind kind, const std::string& key) const;
  // Those in which there are sets or Applications.
  std::set<std::string> Namespaces() const;

  const Parts parts_;
};

}  // namespace leidang::hub
