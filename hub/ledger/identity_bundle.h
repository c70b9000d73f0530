#pragma once

// The identity of a hub: what, with Git and the agents that come back, restores a fleet whose hub
// lost its disk (docs/formats/identity.md).

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/random/random.h"
#include "hub/ledger/records.h"
#include "hub/store/rows.h"

namespace leidang::hub {

struct IdentityBundle {
  intent::HubId hub;
  absl::Time exported_at;
  std::string ca_certificate_pem;
  std::string ca_key_pem;
  std::vector<ClusterRegistration> clusters;
  std::vector<DeletionCount> deletions;
  std::vector<RevokedCertificate> revoked;
};

std::string EncodeBundle(const IdentityBundle& bundle);
// kInvalidArgument for what is no bundle, or one of a later version.
absl::StatusOr<IdentityBundle> DecodeBundle(absl::string_view bytes);

// The part of it that the ledger has, from one state of its rows; the certificate authority is left
// empty. kDataLoss names a record that cannot be read.
absl::StatusOr<IdentityBundle> GatherIdentity(const RowView& rows);

// Marks every cluster of the ledger as recovering, which holds back all that it would be sent:
// what a restored or imported ledger begins with. Writes straight to `rows`, synced, as the ledger
// would; only while no ledger is open on them.
absl::Status MarkAllRecovering(Rows& rows);

// Writes the bundle into rows that have no ledger yet: every cluster under the next epoch with a
// new incarnation, and recovering. kFailedPrecondition if there is a ledger. Only while no ledger
// is open on them.
absl::Status ImportIdentity(const IdentityBundle& bundle, Random& random, Rows& rows);

}  // namespace leidang::hub
