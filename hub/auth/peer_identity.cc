#include "hub/auth/peer_identity.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace leidang::hub {

std::string AgentUri(const PeerIdentity& identity) {
  return absl::StrCat("spiffe://", identity.hub.Hex(), "/cluster/", identity.cluster.Hex());
}

absl::StatusOr<PeerIdentity> IdentityOf(const std::vector<std::string>& uris) {
  if (uris.size() != 1) {
    return absl::UnauthenticatedError(
        absl::StrCat("the client certificate has ", uris.size(),
                     " URI names instead of exactly one: join again"));
  }
  absl::string_view rest = uris[0];
  const absl::Status malformed = absl::UnauthenticatedError(
      absl::StrCat("the client certificate's name ", uris[0],
                   " is not of the form spiffe://<hub id>/cluster/<cluster id>: join again"));
  if (!absl::ConsumePrefix(&rest, "spiffe://") || rest.size() < 32) return malformed;
  const auto hub = intent::HubId::FromHex(rest.substr(0, 32));
  rest.remove_prefix(32);
  if (!hub || !absl::ConsumePrefix(&rest, "/cluster/")) return malformed;
  const auto cluster = intent::ClusterId::FromHex(rest);
  if (!cluster) return malformed;
  return PeerIdentity{*hub, *cluster};
}

}  // namespace leidang::hub
