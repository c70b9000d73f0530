#pragma once

#include <string>

#include "hub/control/fleet_records.h"
#include "hub/source/git_source.h"

namespace leidang::hub {

// How to fetch `url`: with what a repository Secret in Argo CD's form says about it (`url`,
// `username`, `password`, `bearerToken`, `sshPrivateKey`, `tlsClientCertData`, `tlsClientCertKey`,
// `proxy`; ours: `sshKnownHosts`, `tlsCA`). The one with the same URL counts, whatever its spelling
// (SameRepository). Loop-bound, as the records.
Repository RepositoryFor(const FleetRecords& records, const std::string& url);

}  // namespace leidang::hub
