#pragma once

#include <set>
#include <string>

#include "hub/control/fleet_records.h"
#include "hub/store/store.h"
#include "hub/store/write_batch.h"

namespace leidang::hub {

// Keeps the AppProjects that a cluster's Applications name among its entries, so that the agent
// knows their limits with the hub gone. Loop-bound; both must outlive it.
class ProjectEntries {
 public:
  ProjectEntries(FleetRecords& records, const Store& store) : records_(records), store_(store) {}

  // Puts the projects into the cluster's log (a put that changes nothing gets no revision).
  void Ensure(const intent::ClusterId& cluster, const std::set<std::string>& projects,
              WriteBatch* batch) const;

  // Puts a project that was edited again wherever it is.
  void Update(const std::string& project, WriteBatch* batch) const;

 private:
  void Put(const intent::ClusterId& cluster, const WrittenObject& project, WriteBatch* batch) const;

  FleetRecords& records_;
  const Store& store_;
};

}  // namespace leidang::hub
