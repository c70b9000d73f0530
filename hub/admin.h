#pragma once

#include <string>

#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/clock.h"
#include "common/time/workers.h"
#include "hub/rpc/admin_service.h"
#include "hub/store/rocks/rocks_database.h"

namespace leidang::hub {

// What a running hub does for the sub-commands (hub/commands.h) that find it on its admin socket.
// Each runs on `workers`; all references must outlive the service.
struct AdminPorts {
  Workers& workers;
  const RocksDatabase& database;
  const std::string& data_dir;
  const Clock& clock;
  Random& random;  // Thread-safe.
  Log& log;
};
AdminService::Parts AdminPartsOf(const AdminPorts& ports);

}  // namespace leidang::hub
